"""An audit from a table to the files that others use: ranks, reasons, duplicates, report, command."""

import html
import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from audit import synthetic
from model.test_encoders import small_vit  # noqa: F401 (a fixture)
from oracles import RSICD, WEIGHTS, needs_rsicd, needs_towers
from PIL import Image
from sklearn.metrics import average_precision_score
from test_cli import rrsitr

from rrsitr_lib.audit.calibration import left_out, made_mismatches, posterior
from rrsitr_lib.audit.cross_validation import AuditSettings, cross_validate, folds_of
from rrsitr_lib.audit.duplicates import Duplicates, find_duplicates
from rrsitr_lib.audit.features import PairFeatures
from rrsitr_lib.audit.mismatch_ranking import precision_at
from rrsitr_lib.audit.ranking import rank_pairs
from rrsitr_lib.audit.read_pairs import AuditPairs, open_pairs
from rrsitr_lib.audit.report import write_report
from rrsitr_lib.audit.run import FILES, audit, expected, features_of
from rrsitr_lib.audit.untrained import UntrainedJudges
from rrsitr_lib.data.noise import inject
from rrsitr_lib.data.pairs import read_csv
from rrsitr_lib.scenes.world import draw_scenes

COLUMNS = [
    "rank", "row", "image", "caption", "score", "p_value", "wrong", "loss", "linear", "said_of_similar_images",
    "similar_captions_said_of", "similarity", "disagreement", "better_caption", "better_image", "lead",
    "same_picture_as", "reasons",
]  # fmt: skip
MARKUP = "<script>湖边有很多树</script> & a lake"
QUICK = ["--encoder", "tiny-strong", "--folds", "2", "--repeats", "1", "--epochs", "2"]


@pytest.fixture(scope="module")
def ranked():
    data, wrong = synthetic.features(images=120, wrong=0.2)
    names = [f"{k}.png" for k in data.image_of_pair]
    captions = [f"caption {k}" for k in data.caption_of_pair]
    twins = Duplicates(data.image_of_pair, *np.zeros((2, len(data)), dtype=bool))
    pairs, settings = AuditPairs(names, captions, list(range(1, len(data) + 1)), [], []), AuditSettings(folds=3)
    fold = folds_of(data.image_of_pair, 3, settings.seed)
    judges, made = UntrainedJudges(data, data.image_of_pair, fold), made_mismatches(fold, data.image_of_pair, 0)
    scores = cross_validate(data, fold, made, settings)
    whole, quick = (rank_pairs(pairs, data, twins, judges, made, 0, given) for given in (scores, None))
    return whole, wrong, quick


def test_ranking_puts_moved_captions_first(ranked):
    (table, rate, (low, high), separation, untrained, blind), wrong, quick = ranked
    assert 0.9 < separation <= 1 and not blind
    assert 0.8 < untrained <= 1 and quick.separation == quick.untrained
    by_row = table.sort_values("row")
    assert list(table) == COLUMNS and low <= rate <= high and abs(rate - wrong.mean()) < 0.08
    assert table["rank"].tolist() == list(range(1, len(table) + 1))
    assert average_precision_score(wrong, by_row["score"]) > 0.8
    assert (table["score"].diff().dropna() <= 0).all()
    assert table[["score", "p_value", "wrong", "disagreement"]].stack().between(0, 1).all()
    assert by_row["wrong"].to_numpy()[wrong].mean() > 0.5 > 0.2 > by_row["wrong"].to_numpy()[~wrong].mean()


def test_reasons_are_in_words_and_only_where_there_are_any(ranked):
    (table, *_), _, _ = ranked
    top, bottom = table.head(10), table.tail(60)
    assert top["reasons"].str.contains("held-out loss").any()
    assert top["reasons"].str.contains("captions of similar images say something else").any()
    assert top["reasons"].str.contains(r"a caption of \d+\.png fits better").any()
    assert (bottom["reasons"] == "").all()


def test_without_trained_models_the_same_columns_but_theirs(ranked):
    _, wrong, (table, rate, *_) = ranked
    assert list(table) == [name for name in COLUMNS if name not in ("loss", "similarity", "disagreement")]
    assert average_precision_score(wrong, table.sort_values("row")["score"]) > 0.8 and abs(rate - wrong.mean()) < 0.08


def test_equal_images_are_one_group_and_other_words_are_said(tmp_path):
    lake, town = np.full((40, 40, 3), 90, np.uint8), np.zeros((40, 40, 3), np.uint8)
    lake[10:30, 10:30] = (0, 0, 255)
    for name, content in (("lake.png", lake), ("copy.bmp", lake), ("town.png", town)):
        Image.fromarray(content).save(tmp_path / name)
    paths = [tmp_path / name for name in ("lake.png", "copy.bmp", "town.png")]
    text = np.eye(4, dtype=np.float32)
    text[1, 0] = 3  # the second caption is nearly the first
    data = PairFeatures(np.zeros((3, 2)), text, np.array([0, 0, 1, 2]), np.array([0, 1, 2, 3]))
    found = find_duplicates(data, paths)
    assert found.group_of_pair.tolist() == [0, 0, 0, 2] and found.contradicting.tolist() == [True, True, True, False]
    agree = PairFeatures(data.image, text, data.image_of_pair, np.array([0, 1, 0, 3]))
    assert not find_duplicates(agree, paths).contradicting[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Thirty drawn scenes with two captions each, a fifth of them moved, and one image that does not open."""
    folder = tmp_path_factory.mktemp("own")
    scenes = draw_scenes(30, seed=9, size=64)
    (folder / "images").mkdir()
    names = [f"Tile {k}.PNG" for k in range(30)]
    for name, image in zip(names, scenes.images, strict=True):
        Image.fromarray(image).save(folder / "images" / name)
    (folder / "images" / "broken.png").write_bytes(b"\x89PNG")
    rows = [5 * k + j for k in range(30) for j in range(2)]
    captions = np.array(scenes.captions)[rows]
    ids = np.repeat(names, 2)
    captions = captions[inject(ids, 0.2, "derangement", 1, captions).caption_index]
    lines = [f'{name};"{text}"' for name, text in zip(ids, captions, strict=True)]
    text = "\r\n".join(["Filename;Title", *lines, "broken.png;nothing to see", f"Tile 0.PNG;{MARKUP}"])
    (folder / "pairs.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    return folder


def test_the_command_writes_what_others_can_use(folder, tmp_path, capsys, cache):
    assert rrsitr("audit", folder / "pairs.csv", "--out", tmp_path / "audit", *QUICK) == 0
    said = capsys.readouterr().out
    assert "images from column 'Filename', captions from 'Title'" in said
    assert "61 pairs of 30 images" in said and "1 rows could not be used, 1 kept with a remark: 1 x" in said
    assert "without the trained models, as --quick has it, 0." in said
    assert "% of them are mismatched (" in said and "--keep fdr=0.1: leaves out" in said
    out = tmp_path / "audit"
    assert sorted(path.name for path in out.iterdir()) == sorted([*FILES, "checksums.json"])
    assert rrsitr("verify", out) == 0
    capsys.readouterr()
    suspects, weights = pd.read_csv(out / "suspects.csv"), pd.read_csv(out / "weights.csv")
    assert len(suspects) == len(weights) == 61 and weights["weight"].between(0, 1).all()
    assert weights["filename"].tolist()[:2] == ["Tile 0.PNG"] * 2 and MARKUP in weights["title"].tolist()
    kept = read_csv(out / "cleaned.csv", split="train")
    summary = json.loads((out / "audit.json").read_text())
    assert len(kept) == summary["kept"] == 61 - round(summary["noise_rate"] * 61)
    assert summary["choices"]["balanced"]["left_out"] == 61 - len(kept) and summary["choices"]["all"]["left_out"] == 0
    low, high = summary["interval"]
    assert 0 <= low <= summary["noise_rate"] <= high <= 1
    assert kept.captions.tolist() == [text for text in weights["title"] if text in set(kept.captions)]
    problems = pd.read_csv(out / "problems.csv")
    assert problems["row"].tolist() == [61, 62, 62] and set(problems["image"]) == {"broken.png", "Tile 0.PNG"}
    assert "longer than the encoder's context" in problems["problem"][1], "of bytes, to a tokenizer without Chinese"
    assert "left over from another form of text" in problems["problem"][2]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "trained models, as --quick has it, 0." in page
    assert page.count("<use") == 61 and page.count("data:image/jpeg") == 30, "an image of two pairs is there once"
    assert "http" not in page and "1 rows could not be used" in page
    assert "cannot be decoded" in page and html.escape(MARKUP) in page and "<script" not in page


def test_quick_trains_nothing_and_keep_decides_what_is_left_out(folder, tmp_path, capsys, cache, monkeypatch):
    monkeypatch.setattr("rrsitr_lib.audit.run.cross_validate", lambda *_: pytest.fail("a model is trained"))
    quick = ["--encoder", "tiny-strong", "--folds", "2", "--quick"]
    for keep in ("all", "sure", "fdr=0.3"):
        out = tmp_path / keep
        assert rrsitr("audit", folder / "pairs.csv", "--out", out, *quick, "--keep", keep) == 0
        summary, suspects = json.loads((out / "audit.json").read_text()), pd.read_csv(out / "suspects.csv")
        assert "loss" not in suspects and len(suspects) == 61 and summary["quick"] and summary["keep"] == keep
        assert summary["kept"] == 61 - summary["choices"][keep]["left_out"]
        said, page = capsys.readouterr().out, (out / "report.html").read_text(encoding="utf-8")
        assert f"--keep {keep}: leaves out" in said.replace(" (cleaned.csv)", "")
        assert "without the trained models" not in said and "without the" not in page
        rate = 100 * summary["noise_rate"]
        assert f"an estimated {rate:.1f}% of them are mismatched" in said
        assert f"An estimated {rate:.1f} % of them are mismatched" in page
        assert summary["choices"]["all"]["wrong_among_kept"] == pytest.approx(summary["noise_rate"], abs=1e-4)
    assert len(pd.read_csv(tmp_path / "all" / "cleaned.csv")) == 61
    assert rrsitr("audit", folder / "pairs.csv", "--out", tmp_path / "no", *quick, "--keep", "most") == 2
    assert "keep is 'most': allowed are balanced, sure, all, and fdr=SHARE" in capsys.readouterr().err
    assert not (tmp_path / "no" / "suspects.csv").exists()


def test_only_what_a_terminal_can_show_is_printed(folder, tmp_path, capsys, cache):
    lines = (folder / "pairs.csv").read_text(encoding="utf-8-sig").splitlines()
    lines[0] += "\x1b[2J"
    lines[1:] = [line.replace('"', '"\x1b]0;owned\x07\u202e', 1) for line in lines[1:]]
    (tmp_path / "pairs.csv").write_text("\n".join(lines), encoding="utf-8")
    images = ["--images", folder / "images"]
    assert rrsitr("audit", tmp_path / "pairs.csv", "--out", tmp_path / "audit", *images, *QUICK) == 0
    said = capsys.readouterr().out
    assert r"\x1b[2J" in said and r"\x1b]0;owned\x07\u202e" in said
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", said)


def test_a_strip_is_shown_and_a_long_caption_remarked_on(folder, tmp_path, capsys, cache):
    shutil.copytree(folder, tmp_path / "own")
    for size in ((400, 1), (1, 400)):
        Image.new("RGB", size).save(tmp_path / "own" / "images" / f"strip{size[0]}.png")
    with open(tmp_path / "own" / "pairs.csv", "a", encoding="utf-8") as file:
        file.write("\nstrip400.png;a narrow road\nstrip1.png;" + "many green trees " * 50)
    assert rrsitr("audit", tmp_path / "own", "--out", tmp_path / "audit", *QUICK) == 0
    kinds = (
        "1 rows could not be used, 3 kept with a remark: ",
        "2 x its picture of one colour",
        "2 x its caption longer",
    )
    out = capsys.readouterr().out
    assert all(kind in out for kind in kinds)
    problems = pd.read_csv(tmp_path / "audit" / "problems.csv")
    said = problems.groupby("row")["problem"].agg(" ".join)
    assert said.index.tolist() == [61, 62, 63, 64] and said.loc[63:64].str.contains("of one colour").all()
    assert "longer than the encoder's context" in said[64]
    page = (tmp_path / "audit" / "report.html").read_text(encoding="utf-8")
    assert (
        page.count("<use") == 63
        and "3 rows are kept with a remark" in page
        and "2 &times; its picture of one colour" in page
    )


def test_a_report_outlives_its_images(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "own")
    pairs = open_pairs(copy, tmp_path / "scratch")
    table = pd.DataFrame({"image": pairs.images[:2], "caption": pairs.captions[:2], "rank": 1, "row": 1, "score": 0.5})
    table = table.assign(wrong=0.5, better_caption="", reasons="")
    pairs.paths[0].unlink()
    counts = dict(pairs=2, pictures=1, kept=1, left_out=1, remarked_on=0)
    summary = dict(
        noise_rate=0.5,
        interval=[0, 1],
        keep="all",
        notes=[],
        slipped="",
        blind=False,
        weak=False,
        quick=True,
        remarks={},
        choices={},
        **counts,
    )
    summary["choices"] = {"all": {"left_out": 0, "right_among_left_out": 0.0, "wrong_among_kept": 0.5}}
    assert "data:image/jpeg" in write_report(tmp_path / "report.html", table, summary, pairs).read_text(
        encoding="utf-8"
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize(("device", "said"), [("cuda", "torch sees no GPU"), ("gpu", "device is 'gpu'")])
def test_a_device_that_is_not_there_is_said_first(tmp_path, capsys, device, said):
    assert rrsitr("audit", tmp_path / "no.csv", "--out", tmp_path / "audit", "--device", device) == 2
    assert said in capsys.readouterr().err


def test_bad_images_may_be_fatal(folder, tmp_path, capsys):
    assert rrsitr("audit", folder / "pairs.csv", "--out", tmp_path / "audit", "--bad", "fatal", *QUICK) == 2
    assert "1 of 31 images cannot be used; row 61, 'broken.png'" in capsys.readouterr().err
    assert not (tmp_path / "audit").exists()


def test_given_features_need_no_image(tmp_path, capsys):
    data, _ = synthetic.features(images=30, captions_each=1)
    (tmp_path / "p.tsv").write_text(
        "image\ttext\n" + "".join(f"a{k}.tif\ta caption {k}\n" for k in range(30)), encoding="utf-8"
    )
    np.save(tmp_path / "image.npy", data.image)
    np.save(tmp_path / "text.npy", data.text[data.caption_of_pair])
    features = ["--features", tmp_path / "image.npy", tmp_path / "text.npy"]
    assert rrsitr("audit", tmp_path / "p.tsv", "--out", tmp_path / "audit", *features, *QUICK) == 0
    assert "<use" not in (tmp_path / "audit" / "report.html").read_text()
    np.save(tmp_path / "text.npy", data.text[:7])
    assert rrsitr("audit", tmp_path / "p.tsv", "--out", tmp_path / "b", *features, *QUICK) == 2
    assert "text.npy: 7 rows" in capsys.readouterr().err


@pytest.mark.parametrize(("encoder", "weights", "width"), [("tiny", None, 128), ("vit-b-32", "none", 24)])
def test_features_of_pairs_by_any_encoder(folder, tmp_path, encoder, weights, width, cache, small_vit):  # noqa: F811
    features = features_of(open_pairs(folder / "pairs.csv", tmp_path), encoder, weights)
    assert features.image.shape == (30, width) and features.text.shape[1] == width and len(features) == 61


@needs_towers
@needs_rsicd
def test_real_images_and_captions_by_the_small_towers(tmp_path, cache):
    clean = read_csv(RSICD / "val.csv")
    noise = inject(clean.image_ids, 0.2, "shuffle", 42, clean.captions)
    clean.with_captions(noise.caption_index).write_csv(tmp_path / "pairs.csv")
    pairs = open_pairs(tmp_path / "pairs.csv", tmp_path, images=RSICD / "images")
    features = features_of(pairs, "lite", str(WEIGHTS))
    assert features.image.shape == (100, 1280) and features.text.shape[1] == 384
    done = audit(pairs, features, tmp_path / "audit")
    score = done.table.sort_values("row", kind="stable")["score"].to_numpy()
    assert precision_at(score, noise.mismatched, len(score) // 10) > 2 * noise.realised_rate
    low, high = done.summary["interval"]
    assert low <= 0.2 <= high and abs(done.summary["noise_rate"] - 0.2) < 0.08


def test_judges_that_tell_nothing_leave_nothing_out(tmp_path, capsys, cache):
    generator = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for number in range(20):
        Image.fromarray(generator.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(tmp_path / f"images/{number}.png")
    lines = [f"{number}.png,words number {number} of no image" for number in range(20)]
    (tmp_path / "pairs.csv").write_text("\n".join(["image,caption", *lines]))
    out = tmp_path / "audit"
    assert rrsitr("audit", tmp_path / "pairs.csv", "--out", out, "--encoder", "tiny", "--quick", "--folds", "2") == 0
    said = capsys.readouterr().out
    assert "the judges do not tell these pairs from mismatches made of them" in said and "--keep" not in said
    assert len(pd.read_csv(out / "cleaned.csv")) == 20 and (pd.read_csv(out / "weights.csv")["weight"] == 1).all()
    summary = json.loads((out / "audit.json").read_text())
    assert summary["blind"] and summary["interval"] == [0, 1]
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "do not tell these pairs" in report and "fits better" not in report
    assert rrsitr("audit", tmp_path / "pairs.csv", "--out", out, "--encoder", "tiny", "--quick", "--folds", "20") == 2
    assert "folds is 20 for 20 images: allowed are 2 to 10, two images each" in capsys.readouterr().err


def test_what_cannot_be_is_said_before_any_work(folder, tmp_path, capsys, monkeypatch):
    for name in ("rrsitr_lib.audit.read_pairs.open_pairs", "rrsitr_lib.audit.run.features_of"):
        monkeypatch.setattr(name, lambda *_, name=name: pytest.fail(f"{name} is asked"))
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "deeper"):
        assert rrsitr("audit", folder / "pairs.csv", "--out", out) == 2
        assert "file is a file; allowed is a folder, or the name of a new one" in capsys.readouterr().err
    assert rrsitr("audit", folder / "pairs.csv", "--out", tmp_path / "no", "--keep", "fdr=1") == 2
    assert "keep is 'fdr=1': allowed are" in capsys.readouterr().err
    monkeypatch.setattr("rrsitr_lib.audit.read_pairs.open_pairs", open_pairs)
    (folder / "few.csv").write_text("image,caption\nTile 0.PNG,a lake\nTile 1.PNG,a road\n")
    assert rrsitr("audit", folder / "few.csv", "--out", tmp_path / "no") == 2
    assert ".csv: 2 pairs are left: allowed are 20 or more" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_would_remain_wrong_adds_up_to_the_estimate():
    generator = np.random.default_rng(0)
    score = np.r_[generator.beta(2, 5, 40), generator.beta(5, 2, 20)]
    wrong = posterior(score, np.r_[generator.beta(5, 2, 30), np.full(30, 2.0)], rate=0.45)
    assert wrong.mean() < 0.3, "half of the made mismatches are more suspect than any pair"
    for keep in ("all", "balanced", "sure", "fdr=0.5"):
        out = left_out(score, wrong, 0.45, keep)
        told = expected(out, wrong, 0.45)
        total = told["left_out"] * (1 - told["right_among_left_out"]) + told["wrong_among_kept"] * (~out).sum()
        assert total == pytest.approx(0.45 * 60, abs=0.02)
    assert expected(np.zeros(60, dtype=bool), wrong, 0.45)["wrong_among_kept"] == 0.45
    assert expected(np.ones(60, dtype=bool), wrong, 0.45)["wrong_among_kept"] == 0
