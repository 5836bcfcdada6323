"""What is odd about pairs is found before the first epoch, listed with its row, and said in a line."""

import numpy as np
import pytest
import small_runs
from PIL import Image
from test_cli import rrsitr

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data import pictures as pictures_module
from rrsitr_lib.data.datasets import open_data
from rrsitr_lib.data.noise import inject, save_noise
from rrsitr_lib.data.pictures import pictures
from rrsitr_lib.data.problems import in_words, problems_of
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import read_json
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.training.run import train
from rrsitr_lib.training.run_folder import open_run

COUNTS = {"train": 12, "val": 5, "test": 5}
pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def own(tmp_path):
    """A folder of own pairs: two captions a picture."""
    folder = tmp_path / "own"
    (folder / "images").mkdir(parents=True)
    for seed, (split, count) in enumerate(COUNTS.items()):
        drawn = np.random.default_rng(seed).integers(0, 255, (count, 9, 9, 3), dtype=np.uint8)
        for number, pixels in enumerate(drawn):
            Image.fromarray(pixels).save(folder / "images" / f"{split}_{number}.png")
        rows = [f"{split}_{number}.png,picture {number} of {split} {k}" for number in range(count) for k in range(2)]
        write(folder, split, rows)
    return folder


def write(folder, split, rows):
    (folder / f"{split}.csv").write_text("\n".join(["filename,title", *rows]) + "\n")


def change(folder, split, row, line):
    """Another line in place of row ``row``, from 1."""
    rows = (folder / f"{split}.csv").read_text().splitlines()[1:]
    write(folder, split, [*rows[: row - 1], line, *rows[row:]])


def cut_short(folder, name):
    """The last bytes of a picture are lost; gives the whole of it."""
    path = folder / "images" / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    return whole


def config(folder, **fields):
    given = {"encoder": "tiny", "weights": "none", "epochs": 2, "batch_size": 5, "device": "cpu", **fields}
    return RunConfig.build(data=str(folder), **given)


def few_to_validate(folder):
    """Nothing is changed: five pictures are few."""


ODD = [
    ("few pictures", few_to_validate, ("val", None, "", "only 5 pictures to validate with: one query is 20 points")),
    ("no word", lambda own: change(own, "train", 3, "train_1.png,.."), ("train", 3, "train_1.png", "caption without")),
    ("empty", lambda own: change(own, "test", 1, "test_0.png,"), ("test", 1, "test_0.png", "caption without a word")),
    ("twice", lambda own: change(own, "val", 2, "val_0.png,picture 0 of val 0"),
     ("val", 2, "val_0.png", "pair that is there twice: as row 1")),
    ("leak", lambda own: (own / "images/test_2.png").write_bytes((own / "images/train_4.png").read_bytes()),
     ("test", 5, "test_2.png", "picture of another split: the same file as train_4.png in train")),
    ("deep", lambda own: [Image.fromarray(np.full((9, 9), 500 + k, np.uint16)).save(own / f"images/test_{k}.png")
     for k in range(2)], ("test", None, "", "2 images of more than 8 bits: 500 to 501, the 2nd to 98th")),
    ("broken", lambda own: cut_short(own, "train_7.png"), ("train", 15, "train_7.png", "pair left out: cannot be dec")),
    ("gone", lambda own: (own / "images/val_1.png").unlink(), ("val", 4, "val_1.png", "pair left out: no such file")),
    ("behind a gap", lambda own: (cut_short(own, "train_0.png"), change(own, "train", 24, "train_11.png,?")),
     ("train", 24, "train_11.png", "caption without a word")),
]  # fmt: skip


@pytest.mark.parametrize(("make", "expected"), [pytest.param(*case, id=name) for name, *case in ODD])
def test_what_is_odd_is_listed_with_its_row(own, make, expected):
    make(own)
    found = problems_of(open_data(config(own, bad="skip")))
    (problem,) = [one for one in found if one[:3] == expected[:3] and one.problem.startswith(expected[3])]
    assert problem.problem.partition(":")[0] in in_words(found)


def test_pairs_with_nothing_odd_have_no_problem(own, monkeypatch):
    monkeypatch.setattr("rrsitr_lib.data.problems.FEW_PICTURES", 5)
    assert problems_of(open_data(config(own))) == []


# --- pictures that cannot be used ---


HOW = [{"augment": True}, {"augment": False}, {"store": True}, {"workers": 2}, {"train": "heads"}]


@pytest.mark.parametrize("fields", HOW)
def test_broken_pictures_are_counted_and_named_before_anything_is_trained(own, tmp_path, fields):
    for number in (2, 5, 7, 9):
        cut_short(own, f"train_{number}.png")
    with pytest.raises(InputError, match=r"4 of 22 images .*train_2\.png: cannot.*train_5.*train_7.*bad=skip"):
        train(config(own, **fields), tmp_path / "run", progress=False)
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"], (
        "the folder can be used once they are mended"
    )


def test_a_picture_is_decoded_once_until_its_file_changes(own, cache, monkeypatch):
    paths, looked = sorted((own / "images").iterdir()), []
    look = pictures_module._look
    monkeypatch.setattr(pictures_module, "_look", lambda path: looked.append(path) or look(path))
    first = pictures(paths)
    assert pictures(paths) == first and looked == paths
    cut_short(own, "val_3.png")
    assert pictures(paths)[own / "images" / "val_3.png"].problem.startswith("cannot be decoded")
    assert looked[len(paths) :] == [own / "images" / "val_3.png"]
    for kept in (cache / "pictures").glob("*.json"):
        kept.write_text('{"a": 3}')
    assert len(pictures(paths)) == len(paths) and len(looked) == 2 * len(paths) + 1


def test_a_cache_that_cannot_be_written_is_done_without(own, cache):
    cache.write_text("a file in the way")
    assert len(pictures(sorted((own / "images").iterdir()))) == 22


def test_no_picture_that_can_be_used(own):
    for path in (own / "images").glob("val*"):
        path.write_bytes(b"x")
    with pytest.raises(InputError, match=r"images: none of the images of .*val\.csv can be used; 'val_0\.png': cannot"):
        open_data(config(own, bad="skip"))


def test_a_run_leaves_pairs_out_lists_them_and_goes_on_only_without_them(own, tmp_path):
    whole = open_data(config(own))["train"].table.fingerprint
    mended, skip = cut_short(own, "train_7.png"), config(own, bad="skip")
    small_runs.interrupted(skip, tmp_path / "run", 1)
    facts = read_json(tmp_path / "run" / "run.json")
    assert facts["data"]["train"] != whole and facts["pairs"]["train"] == 22
    assert (
        facts["notes"][0]
        == "tables read with images from column 'filename', captions from 'title'; separated by commas"
    )
    assert facts["notes"][1].startswith("noted in problems.csv: 2 x pair left out; only 5 pictures to validate with: ")
    lines = (tmp_path / "run" / "problems.csv").read_text().splitlines()
    assert lines[0] == "split,row,image,problem" and lines[1].startswith("train,15,train_7.png,pair left out: ")
    (own / "images" / "train_7.png").write_bytes(mended)
    with pytest.raises(
        InputError, match=r"train_7\.png, row 15 of train: was left out .*now it could be.*2 such pairs"
    ):
        train(skip, tmp_path / "run", progress=False)
    cut_short(own, "train_7.png")
    other = cut_short(own, "train_8.png")
    with pytest.raises(InputError, match=r"train_8\.png, row 17 of train: must be left out now"):
        train(skip, tmp_path / "run", progress=False)
    (own / "images" / "train_8.png").write_bytes(other)
    result = train(skip, tmp_path / "run", progress=False)
    assert train(skip, tmp_path / "other", progress=False)["test"] == result["test"]
    assert len(open_run(tmp_path / "run")[1]["train"].table) == 22


# --- captions that an encoder cuts ---


@pytest.mark.parametrize("fields", [{"train": "all"}, {"train": "heads"}])
def test_captions_beyond_the_context_are_said_and_those_that_just_fit_are_not(own, tmp_path, fields, capsys):
    encoder = build_encoder("tiny", "none", "paper", 0)
    words = next(n for n in range(1, 99) if encoder.lengths(encoder.tokenize(["lake " * n])) == 32)
    change(own, "train", 3, "train_1.png," + "lake " * words)
    change(own, "test", 2, "test_0.png," + "lake " * (words + 1))
    assert encoder.cut(["lake " * words, "lake " * (words + 1), "a lake"]).tolist() == [False, True, False]
    train(config(own, **fields, epochs=1), tmp_path / "run")
    assert "caption cut: it has more tokens than the encoder reads (test row 2 test_0.png)" in capsys.readouterr().err
    assert "\ntest,2,test_0.png,caption cut" in (tmp_path / "run" / "problems.csv").read_text()


# --- shown again ---


def test_inspect_repeats_what_was_said_and_no_caption_commands_the_terminal(own, tmp_path, capsys):
    change(own, "train", 1, "train_0.png,a \x1b[2J\x9b lake")
    path = save_noise(inject([f"{row // 2}" for row in range(24)], 0.5), tmp_path / "noise.npz")
    train(config(own, epochs=1, noise_file=str(path)), tmp_path / "run")
    said = capsys.readouterr().err
    assert rrsitr("inspect", tmp_path / "run", "--top", "24") == 0
    shown = capsys.readouterr()
    for line in shown.err.splitlines():
        assert line in said
    assert "noise_file noise.npz: .npz of this project, shuffle, seed 42, nominal rate 50.00 %" in shown.err
    assert "only 5 pictures to validate with" in shown.err
    assert "[2J" in shown.out and not {"\x1b", "\x9b"} & set(shown.out)
    result = read_json(tmp_path / "run" / "result.json")
    assert (result["noise_rate"], result["protocol"]) == (0.5, "shuffle")
