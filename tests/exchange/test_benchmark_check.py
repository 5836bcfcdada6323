"""Copies of a benchmark, here a small one of ours: whole, in the layouts of the archives, and damaged in every way."""

import json
from dataclasses import replace

import pytest
from oracles import RSICD, needs_rsicd
from PIL import Image
from test_cli import rrsitr

from rrsitr_lib.data.benchmark import locate_images
from rrsitr_lib.data.pairs import PairTable, read_csv, read_folder
from rrsitr_lib.data.pictures import broken_images, decode
from rrsitr_lib.errors import InputError
from rrsitr_lib.exchange.benchmark_check import benchmark, check_copy, table_report, write_tables
from rrsitr_lib.exchange.published_json import split_train_val
from rrsitr_lib.registry import DATASETS

NAMES = [f"lake_{number}.tif" for number in range(12)]


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """Twelve pictures with five captions each, two of them for the test, as an archive of RSITMD would hold them."""
    small = replace(benchmark("rsitmd"), images={"train": 9, "val": 1, "test": 2}, captions_sha256={})
    monkeypatch.setitem(DATASETS._entries, "rsitmd", small)
    folder = tmp_path / "rsitmd"
    (folder / "images").mkdir(parents=True)
    entries = []
    for number, name in enumerate(NAMES):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / "images" / name)
        sentences = [{"raw": f"lake {number}, said {k} ."} for k in range(5)]
        entries.append({"filename": name, "split": "train" if number < 10 else "test", "sentences": sentences})
    (folder / "dataset_RSITMD.json").write_text(json.dumps({"images": entries}))
    return folder


def test_a_whole_copy_has_no_problem_and_gives_the_tables_of_the_published_rule(copy):
    seen = []
    found = check_copy("rsitmd", copy, progress=lambda done, total: seen.append((done, total)))
    assert found.problems == [] and found.images == copy / "images" and seen[-1] == (12, 12)
    assert [path.name for path in write_tables(found, copy)] == ["train.csv", "val.csv", "test.csv"]
    train, val = split_train_val(NAMES[:10])
    assert read_csv(copy / "train.csv").images.tolist() == train
    assert read_csv(copy / "val.csv").images.tolist() == val
    (copy / "train.csv").write_text("filename,title\nlake_0.tif,mine\n")
    assert write_tables(found, copy) == [] and "mine" in (copy / "train.csv").read_text()


def test_captions_and_pictures_may_lie_deeper_and_in_class_folders(copy):
    (copy / "deep").mkdir()
    (copy / "images").rename(copy / "deep" / "lake")
    (copy / "deep" / "text").mkdir()
    (copy / "dataset_RSITMD.json").rename(copy / "deep" / "text" / "Dataset_rsitmd.JSON")
    found = check_copy("rsitmd", copy)
    assert found.problems == [] and found.images == copy / "deep"


def test_missing_undecodable_and_absent_pictures_are_named(copy):
    (copy / "images" / NAMES[0]).unlink()
    (copy / "images" / NAMES[10]).write_bytes(b"II*\0 but no picture")
    lost, broken = check_copy("rsitmd", copy).problems
    assert lost.startswith(f"train: {copy / 'images'}: 1 of 9 images not found, such as ['lake_0.tif']")
    assert broken.startswith(f"{copy / 'images' / 'lake_10.tif'}: cannot be decoded")
    for path in (copy / "images").iterdir():
        path.unlink()
    found = check_copy("rsitmd", copy)
    assert found.images is None and "are the images unpacked?" in found.problems[-1]


def test_captions_that_cannot_be_read(copy, tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        check_copy("rsitmd", tmp_path / "nowhere")
    with pytest.raises(InputError, match="rsicd, nwpu"):
        check_copy("ucm", copy)
    (copy / "dataset_RSITMD.json").unlink()
    with pytest.raises(InputError, match=r"neither train\.csv, val\.csv, test\.csv nor dataset_RSITMD\.json"):
        check_copy("rsitmd", copy)


def test_picture_beside_the_captions(tmp_path):
    (tmp_path / "lake").mkdir()
    Image.new("RGB", (2, 2)).save(tmp_path / "lake" / "harbor_1.PNG")
    assert locate_images(tmp_path, ["gone_1.tif", "harbor_1.tif"]) == tmp_path / "lake"


def test_the_command_says_it_all(copy, capsys):
    assert rrsitr("data", "check", "rsitmd", "--dir", copy) == 0
    said = capsys.readouterr().out
    assert "train: 9 images, 45 pairs (published 9, 45); captions sha256" in said
    assert f"images: {copy / 'images'}" in said and f"{copy / 'val.csv'}: written" in said and "cite:" in said
    test = (copy / "test.csv").read_text().splitlines()
    (copy / "test.csv").write_text("\n".join([*test[:3], test[3].partition(",")[0] + ",", *test[4:], ""]))
    assert rrsitr("data", "check", "rsitmd", "--dir", copy) == 0, "odd, but not wrong"
    assert "noted: caption without a word (test row 3 lake_10.tif); only 1 pictures" in capsys.readouterr().out
    (copy / "images" / NAMES[3]).write_bytes(b"")
    assert rrsitr("data", "check", "rsitmd", "--dir", copy) == 1
    assert "wrong: " in capsys.readouterr().out


def test_broken_images_are_only_the_bad(tmp_path):
    Image.new("L", (2, 2)).save(tmp_path / "good.png")
    (tmp_path / "bad.jpg").write_bytes(b"not a picture")
    good, bad, gone = (tmp_path / name for name in ("good.png", "bad.jpg", "gone.jpg"))
    problems = broken_images(decode([good, bad, gone]))
    assert list(problems) == [bad, gone] and problems[gone].endswith("no such file; allowed is an image")


# --- what a table holds ---


@needs_rsicd
def test_real_table_repeats_captions():
    report = table_report(read_folder(RSICD)["train"])
    assert [report[name] for name in ("duplicate_rows", "distinct_captions")] == [2012, 1354]
    assert report["images_by_captions"] == {5: 700}


def test_images_with_one_to_seven_captions():
    ids = [f"{count}.tif" for count in range(1, 8) for _ in range(count)]
    report = table_report(PairTable(ids, [f"caption {row}" for row in range(len(ids))], "train", "memory"))
    assert report["images_by_captions"] == dict.fromkeys(range(1, 8), 1)
    assert report["images_without_five"] == ["1.tif", "2.tif", "3.tif", "4.tif", "6.tif", "7.tif"]


def test_report_says_what_is_odd():
    report = table_report(PairTable(["a", "a", "b", "a"], ["x", "", "two words", "x"], "train", "memory"))
    assert report["wordless_rows"] == [1] and report["words_max"] == report["longest"] == 2
    assert report["duplicate_rows"] == 1 and report["most_repeated"] == [("x", 2)]
