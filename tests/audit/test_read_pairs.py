"""Tables as people keep them, and images as they come; those that cannot be read: tests/malformed."""

import io
import json

import pandas as pd
import pytest
from archives import tarred
from PIL import Image
from rrsitr_lib.audit.read_tables import read_tables

from rrsitr_lib.audit.read_pairs import open_pairs
from rrsitr_lib.errors import InputError

PAIRS = [("a lake.JPG", "a blue lake , seen from above"), ("b.png", "湖边有很多树")]


def save_images(folder, names=("a lake.JPG", "b.png")):
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        suffix = "JPEG" if name.lower().endswith("jpg") else "PNG"
        Image.new("RGB", (8, 6), (40 * number, 0, 0)).save(folder / name, suffix)
    return folder


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def jsonl(path):
    entries = [{"image": name, "caption": text} for name, text in PAIRS]
    return write(path, "\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries) + "\n\n")


def separated(separator, header=("filename", "title"), end="\n", encoding="utf-8"):
    def make(path):
        rows = [separator.join(header), *(separator.join(f'"{cell}"' for cell in pair) for pair in PAIRS)]
        return write(path, end.join(rows) + end, encoding)

    return make


def parquet(path):
    pd.DataFrame(PAIRS, columns=["image_path", "text"]).to_parquet(path)
    return path


FORMS = {
    "pairs.csv": separated(","),
    "windows.csv": separated(",", end="\r\n", encoding="utf-8-sig"),
    "semicolon.csv": separated(";", header=("Filename ", " Caption")),
    "pairs.tsv": separated("\t", header=("img", "sentence")),
    "chinese.csv": separated(",", header=("图片", "描述")),
    "own_names.csv": separated(",", header=("tile", "what one sees")),
    "pairs.jsonl": jsonl,
    "pairs.parquet": parquet,
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_pairs_and_says_what_was_guessed(tmp_path, name):
    table = FORMS[name](tmp_path / name)
    save_images(tmp_path / "images")
    pairs = open_pairs(table, tmp_path / "scratch")
    assert list(zip(pairs.images, pairs.captions, strict=True)) == PAIRS and pairs.rows == [1, 2]
    assert [path.name for path in pairs.paths] == ["a lake.JPG", "b.png"] and not pairs.problems
    assert pairs.notes[0] == f"read {name}" and "images from column" in pairs.notes[1]


def captions_of(path, **columns):
    return read_tables([path], **columns).table["caption"].tolist()


def test_columns_that_are_named_win(tmp_path):
    table = write(tmp_path / "a.csv", "filename,title,better\na.png,one,two\n")
    assert captions_of(table, caption_column="better") == ["two"]


def test_any_number_of_captions(tmp_path):
    numbered = write(tmp_path / "n.csv", "image,caption_1,caption_2,caption_3\na.png,one,two,\nb.png,three,,\n")
    raw = read_tables([numbered])
    wanted = [[1, "a.png", "one"], [1, "a.png", "two"], [2, "b.png", "three"]]
    assert raw.table.values.tolist() == wanted and raw.notes[-1] == "3 empty captions left out"
    listed = write(tmp_path / "l.jsonl", '{"filename": "a.png", "sentences": ["one", "two", null, "a\u2028b"]}\n')
    assert captions_of(listed) == ["one", "two", "a\u2028b"]
    pd.DataFrame({"filename": ["a.png"], "captions": [["one", "two"]]}).to_parquet(tmp_path / "p.parquet")
    assert captions_of(tmp_path / "p.parquet") == ["one", "two"]


def encoded(size=(4, 4)):
    buffer = io.BytesIO()
    Image.new("RGB", size, "green").save(buffer, "PNG")
    return buffer.getvalue()


def test_parquet_of_the_hub_holds_its_own_images(tmp_path):
    frame = pd.DataFrame({"image": [{"bytes": encoded(), "path": "x/lake.png"}], "captions": [["one", "two"]]})
    frame.to_parquet(tmp_path / "p.parquet")
    pairs = open_pairs(tmp_path / "p.parquet", tmp_path / "scratch")
    assert pairs.images == ["lake.png"] * 2 and pairs.paths == [tmp_path / "scratch" / "lake.png"]


def test_shards_of_a_folder_are_read_together(tmp_path):
    tarred(tmp_path / "00.tar", {"a/1.png": encoded(), "a/1.txt": b"one\ntwo", "a/2.txt": b"no image"}, mode="w")
    tarred(tmp_path / "01.tar", {"a/3.png": encoded(), "a/3.json": json.dumps({"caption": "湖"}).encode()}, mode="w")
    pairs = open_pairs(tmp_path, tmp_path / "scratch")
    assert pairs.captions == ["one", "two", "湖"] and [path.name for path in pairs.paths] == ["a_1.png", "a_3.png"]
    assert pairs.rows == [1, 1, 3] and "a/2: left out, it lacks an image" in pairs.notes


def test_of_several_tables_the_one_of_a_usual_name_is_read(tmp_path):
    for name in ("one.csv", "two.csv", "train.csv"):
        write(tmp_path / name, f"filename,title\n{name[0]}.png,three words here\n")
    save_images(tmp_path / "images", ["t.png"])
    assert open_pairs(tmp_path, tmp_path / "scratch").images == ["t.png"]


def confused(folder):
    """Names that fit no file, two files, or a file that another name has already."""
    save_images(folder / "images", ["lake_1.png", "b.png"])
    save_images(folder / "images" / "north", ["town.png"])
    save_images(folder / "images" / "south", ["town.png"])
    (folder / "images" / "broken.png").write_bytes(encoded()[:40])
    names = ["LAKE_1.PNG", "lake_1.png", "town.png", "lake_01.png", "broken.png", "north/town.png", "b"]
    return write(folder / "pairs.csv", "filename,title\n" + "".join(f"{name},some words here\n" for name in names))


def test_a_confusion_of_ids_is_listed_row_by_row(tmp_path):
    pairs = open_pairs(confused(tmp_path), tmp_path / "scratch")
    assert pairs.images == ["LAKE_1.PNG", "north/town.png", "b"] and pairs.rows == [1, 6, 7]
    said = {row: reason for row, _, reason in pairs.problems}
    assert said[2] == "the same file as 'LAKE_1.PNG': one image needs one name"
    assert said[3] == "several files fit: north/town.png, south/town.png"
    assert said[4].startswith("no such file in") and said[5].startswith("cannot be decoded")
    with pytest.raises(InputError, match=r"4 of 7 images cannot be used; row 2, 'lake_1\.png'"):
        open_pairs(tmp_path / "pairs.csv", tmp_path / "scratch", bad="fatal")


def test_a_colon_in_a_folder_hides_no_broken_image(tmp_path):
    folder = save_images(tmp_path / "tiles: north", ["a.png", "b.png"])
    (folder / "b.png").write_bytes(encoded()[:40])
    table = write(tmp_path / "pairs.csv", "filename,title\na.png,some words\nb.png,some words\n")
    pairs = open_pairs(table, tmp_path / "scratch", images=folder)
    assert pairs.images == ["a.png"] and pairs.problems[0][2].startswith("cannot be decoded")


def test_a_path_may_not_leave_the_folder(tmp_path):
    save_images(tmp_path, ["secret.png"])
    save_images(tmp_path / "images", ["b.png"])
    table = write(tmp_path / "pairs.csv", "filename,title\n../secret.png,some words\nb.png,some words\n")
    pairs = open_pairs(table, tmp_path / "scratch", images=tmp_path / "images")
    assert pairs.images == ["b.png"] and pairs.problems[0][:2] == (1, "../secret.png")
