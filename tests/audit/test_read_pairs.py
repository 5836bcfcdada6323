"""Tables as people keep them, and images as they come; those that cannot be read: tests/malformed."""

import io
import json

import pandas as pd
import pytest
from archives import tarred
from PIL import Image

from rrsitr_lib.audit.read_pairs import open_pairs
from rrsitr_lib.data.tables import read_tables
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
    return [pair.caption for pair in read_tables([path], **columns).pairs if not pair.problem]


def test_columns_that_are_named_win(tmp_path):
    table = write(tmp_path / "a.csv", "filename,title,better\na.png,one,two\n")
    assert captions_of(table, caption_column="better") == ["two"]


def test_any_number_of_captions(tmp_path):
    numbered = write(tmp_path / "n.csv", "image,caption_1,caption_2,caption_3\na.png,one,two,\nb.png,three,,\n")
    found = [(pair.row, pair.image, pair.caption) for pair in read_tables([numbered]).pairs if pair.caption]
    assert found == [(1, "a.png", "one"), (1, "a.png", "two"), (2, "b.png", "three")]
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
    assert pairs.images == ["x/lake.png"] * 2 and pairs.paths == [tmp_path / "scratch" / "x" / "lake.png"]


def test_shards_of_a_folder_are_read_together(tmp_path):
    tarred(tmp_path / "00.tar", {"a/1.png": encoded(), "a/1.txt": b"one\n", "a/2.txt": b"no image"}, mode="w")
    tarred(tmp_path / "01.tar", {"a/3.png": encoded(), "a/3.json": json.dumps({"caption": "湖"}).encode()}, mode="w")
    pairs = open_pairs(tmp_path, tmp_path / "scratch")
    assert pairs.captions == ["one", "湖"] and pairs.images == ["00/a/1.png", "01/a/3.png"]
    assert pairs.paths == [tmp_path / "scratch" / name for name in ("00/a/1.png", "01/a/3.png")]
    assert pairs.rows == [1, 3] and pairs.problems == [(2, "", "no image beside a/2.txt")]


def shown(pairs):
    """What image stands beside each caption, by its colour."""
    paths = dict(zip(dict.fromkeys(pairs.images), pairs.paths, strict=True))
    colour = {name: Image.open(path).getpixel((0, 0))[0] for name, path in paths.items()}
    return [(colour[name], caption) for name, caption in zip(pairs.images, pairs.captions, strict=True)]


RED = [(value, f"shade {value}") for value in (10, 60, 110, 160)]


def red(value):
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (value, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def shards_whose_keys_begin_again(folder):
    for number in range(2):
        members = {}
        for key, (value, caption) in enumerate(RED[2 * number : 2 * number + 2]):
            members |= {f"{key:08d}.png": red(value), f"{key:08d}.txt": caption.encode()}
        tarred(folder / f"0000{number}.tar", members, mode="w")


def parquet_of_equal_base_names(folder):
    rows = [{"image": {"bytes": red(value), "path": f"{value}/1.png"}, "caption": caption} for value, caption in RED]
    pd.DataFrame(rows).to_parquet(folder / "train.parquet")


def parquet_of_equal_paths(folder):
    rows = [{"image": {"bytes": red(value), "path": "1.png"}, "caption": caption} for value, caption in RED]
    for number, part in enumerate((rows[:2], rows[2:])):
        pd.DataFrame(part).to_parquet(folder / f"train-0000{number}-of-00002.parquet")


def parquet_in_data(folder):
    (folder / "data").mkdir()
    write(folder / "dataset_infos.json", '{"default": {}}')
    parquet_of_equal_paths(folder / "data")


def subfolders_of_equal_base_names(folder):
    for value, _ in RED:
        (folder / "images" / str(value)).mkdir(parents=True)
        (folder / "images" / str(value) / "1.png").write_bytes(red(value))
    lines = [f"{value}/1.png,{caption}" for value, caption in RED]
    write(folder / "pairs.csv", "\n".join(["filename,title", *lines]))


def img2dataset(folder):
    for key, (value, caption) in enumerate(RED):
        place = folder / f"0000{key % 2}"
        place.mkdir(exist_ok=True)
        (place / f"{key // 2:08d}.png").write_bytes(red(value))
        write(place / f"{key // 2:08d}.txt", caption)
        write(place / f"{key // 2:08d}.json", json.dumps({"caption": "of the JSON", "key": str(key)}))


def test_shards_are_named_by_a_pattern(tmp_path):
    for number in range(3):
        tarred(tmp_path / f"0{number}.tar", {"1.png": red(number), "1.txt": b"one"}, mode="w")
    pairs = open_pairs(tmp_path / "{00..01}.tar", tmp_path / "scratch")
    assert len(pairs.captions) == 2 and "read 00.tar, 01.tar" in pairs.notes
    with pytest.raises(InputError, match=r"1 of 4 shards are not there: 03\.tar"):
        open_pairs(tmp_path / "{00..03}.tar", tmp_path / "scratch")


@pytest.mark.parametrize(
    "make",
    [
        shards_whose_keys_begin_again, parquet_of_equal_base_names, parquet_of_equal_paths, parquet_in_data,
        subfolders_of_equal_base_names, img2dataset,
    ],
)  # fmt: skip
def test_every_caption_stands_beside_its_own_image(tmp_path, make):
    (tmp_path / "set").mkdir()
    make(tmp_path / "set")
    pairs = open_pairs(tmp_path / "set", tmp_path / "scratch")
    assert sorted(shown(pairs)) == RED and len(set(pairs.images)) == len(set(pairs.paths)) == 4 and not pairs.problems


SHARDS = {
    "dotted": [(f"s{n}.input.png", f"s{n}.outputs.txt") for n in range(2)],
    "a dot in the key": [(f"v1.5_{n}.png", f"v1.5_{n}.txt") for n in range(2)],
    "upper case": [(f"s{n}.PNG", f"s{n}.TXT") for n in range(2)],
}


@pytest.mark.parametrize("name", SHARDS)
@pytest.mark.parametrize("apart", [False, True], ids=["together", "captions after all images"])
def test_keys_of_shards(tmp_path, name, apart):
    members = {}
    for number, (image, text) in enumerate(SHARDS[name]):
        members |= {"._" + image: b"of macOS", image: red(number), "._" + text: b"of macOS", text: b"shade %d" % number}
    order = sorted(members, key=lambda name: name.lower().endswith("txt")) if apart else list(members)
    tarred(tmp_path / "a.tar", {name: members[name] for name in order}, mode="w")
    pairs = open_pairs(tmp_path / "a.tar", tmp_path / "scratch")
    assert sorted(shown(pairs)) == [(0, "shade 0"), (1, "shade 1")] and not pairs.problems


def test_captions_of_several_members_and_members_without_partner(tmp_path):
    several = {"s.png": red(7), "s.0.txt": b"one", "s.1.txt": b"two"}
    alone = {"t.png": red(9), "u.txt": b"alone", "w.png": red(8), "w.txt": b"\xff"}
    tarred(tmp_path / "a.tar", several | alone, mode="w")
    pairs = open_pairs(tmp_path / "a.tar", tmp_path / "scratch")
    assert shown(pairs) == [(7, "one"), (7, "two")]
    assert [(problem.image, problem.problem[:26]) for problem in pairs.problems] == [
        ("t.png", "the caption is empty"), ("", "no image beside u.txt"), ("w.png", "w.txt: not UTF-8 text ('ut"),
    ]  # fmt: skip


def test_a_shard_that_may_be_cut_is_noted(tmp_path):
    whole = tarred(tmp_path / "whole.tar", {"s.png": red(7), "s.txt": b"one and two"}, mode="w")
    (tmp_path / "cut.tar").write_bytes(whole.read_bytes()[: 4 * 512])  # after the last member
    noted = [open_pairs(tmp_path / name, tmp_path / "scratch").notes[2:] for name in ("whole.tar", "cut.tar")]
    assert noted == [[], ["cut.tar has no end mark: it may be cut short"]]


def test_texts_beside_images_do_not_hide_a_table(tmp_path):
    save_images(tmp_path, ["a.png"])
    write(tmp_path / "a.json", '{"latitude": 1}')
    write(tmp_path / "mine.tsv", "image\tcaption\na.png\ta lake\n")
    assert open_pairs(tmp_path, tmp_path / "scratch").captions == ["a lake"]


def test_a_key_that_begins_again_in_one_shard_is_listed(tmp_path):
    tarred(tmp_path / "a.tar", {"k.png": red(1), "k.txt": b"one", "l.png": red(2), "l.txt": b"two"}, mode="w")
    tarred(tmp_path / "a.tar", {"k.png": red(3), "k.txt": b"three"}, mode="a")
    pairs = open_pairs(tmp_path / "a.tar", tmp_path / "scratch")
    assert shown(pairs) == [(2, "two")] and [one.problem for one in pairs.problems] == [
        "k.png is there twice in the shard: what belongs together is not clear"
    ]


@pytest.mark.parametrize("prefix", ["images/", "./images/", "{folder}/images/", "more/"])
def test_paths_that_are_right_from_the_table(tmp_path, prefix, monkeypatch):
    folder = save_images(tmp_path / "set" / "images").parent
    save_images(folder / "more", ["a lake.JPG"])
    name = prefix.format(folder=folder) + "a lake.JPG"
    write(folder / "pairs.csv", f"filename,title\n{name},some words\n")
    monkeypatch.chdir(folder)
    for table in (folder / "pairs.csv", "pairs.csv"):
        pairs = open_pairs(table, tmp_path / "scratch")
        (path,) = pairs.paths
        assert not any("end of their path" in note for note in pairs.notes)
        assert path.resolve() == folder / ("more" if prefix == "more/" else "images") / "a lake.JPG"


def test_a_table_without_header_loses_no_pair(tmp_path):
    save_images(tmp_path)
    table = write(tmp_path / "pairs.csv", "a lake.JPG\ta lake, blue, deep\nb.png\ttwo roads\n")
    pairs = open_pairs(table, tmp_path / "scratch")
    assert pairs.captions == ["a lake, blue, deep", "two roads"] and pairs.rows == [1, 2]
    assert pairs.notes[2:] == ["separated by tabs", "no header: the first line is a pair"]


def test_what_is_left_out_or_odd_is_listed(tmp_path):
    save_images(tmp_path, ["a.png", "b.png"])
    lines = ["a.png,one", ",no name", "a.png,", "b.png,two", "gone.png,three", "b.png,two", "b.png,four"]
    table = write(tmp_path / "pairs.csv", "\n".join(["filename,title", *lines]))
    pairs = open_pairs(table, tmp_path / "scratch")
    assert pairs.captions == ["one", "two", "two", "four"]
    assert [one.row for one in pairs.problems] == [2, 3, 5]
    assert pairs.remarks == [(6, "b.png", "kept, the same pair again: as row 4")]


def test_a_caption_that_is_nearly_everywhere_is_said(tmp_path):
    names = [f"{number}.png" for number in range(4)]
    save_images(tmp_path, names)
    lines = ["filename,title", "0.png,a lake", *(f"{name},a photograph" for name in names[1:])]
    write(tmp_path / "pairs.csv", "\n".join(lines))
    said = open_pairs(tmp_path / "pairs.csv", tmp_path / "scratch").notes[-1]
    assert said == "3 of 4 pairs have the same caption, 'a photograph': among them no ranking is possible"


def test_of_several_tables_the_one_of_a_usual_name_is_read(tmp_path):
    for name in ("one.csv", "two.csv", "train.csv"):
        write(tmp_path / name, f"filename,title\n{name[0]}.png,three words here\n")
    save_images(tmp_path / "images", ["t.png"])
    pairs = open_pairs(tmp_path, tmp_path / "scratch")
    assert pairs.images == ["t.png"] and pairs.notes[:2] == ["read train.csv", "not read: one.csv, two.csv"]


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
