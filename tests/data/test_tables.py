"""Tables in every form and state: pairs, or a list of what was left out, or one line; never another exception."""

import csv
import gzip
import io
import json
import string
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from archives import tarred
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rrsitr_lib.data.pairs import PairTable, read_csv, read_folder
from rrsitr_lib.data.tables import FORMS, read_tables
from rrsitr_lib.data.tables.cells import HeldImages
from rrsitr_lib.data.tables.row import Stored
from rrsitr_lib.errors import InputError

QUICK = settings(derandomize=True, max_examples=60, deadline=None, database=None)
PAIRS = [("a/1.png", "a lake"), ("b/1.png", "two roads"), ("c.png", "a field")]


def encoded(colour="green"):
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(buffer, "PNG")
    return buffer.getvalue()


# --- every form, whole or damaged ---


def rows_of(image, caption):
    """The good pairs, and in the middle one of these cells."""
    return [*PAIRS[:2], (image, caption), *PAIRS[2:]]


def separated(separator):
    def content(rows):
        written = csv.writer(buffer := io.StringIO(), delimiter=separator)
        written.writerows([("filename", "title"), *rows])
        return buffer.getvalue().encode("utf-8", "surrogatepass")

    return content


def token(rows):
    return "".join(f"{image}#0\t{caption}\n" for image, caption in rows).encode("utf-8", "surrogatepass")


def records(rows):
    return [{"image": image, "caption": caption} for image, caption in rows]


def json_list(rows):
    return json.dumps(records(rows)).encode()


def json_lines(rows):
    return "\n".join(json.dumps(record) for record in records(rows)).encode()


def coco(rows):
    images = [{"id": number, "file_name": image} for number, (image, _) in enumerate(rows)]
    said = [{"image_id": number, "caption": caption} for number, (_, caption) in enumerate(rows)]
    return json.dumps({"images": images, "annotations": said}).encode()


def karpathy(rows):
    return json.dumps({"images": [{"filename": image, "sentences": [{"raw": said}]} for image, said in rows]}).encode()


def parquet(rows):
    pd.DataFrame(records(rows), dtype=object).to_parquet(buffer := io.BytesIO())
    return buffer.getvalue()


def shard(rows):
    members = {}
    for image, caption in rows:
        stem = str(image).removesuffix(".png")
        members |= {f"{stem}.png": encoded(), f"{stem}.json": json.dumps({"caption": caption}).encode()}
    with tempfile.TemporaryDirectory() as folder:
        return tarred(Path(folder) / "a.tar", members, mode="w").read_bytes()


WRITERS = {
    "a.csv": separated(","), "a.tsv": separated("\t"), "a.txt": separated("|"), "a.token": token,
    "a.jsonl": json_lines, "list.json": json_list, "coco.json": coco, "karpathy.json": karpathy,
    "a.parquet": parquet, "a.tar": shard,
}  # fmt: skip
DAMAGES = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "another type": lambda content: encoded(),
    "UTF-16": lambda content: content.decode("latin-1").encode("utf-16"),
    "latin-1": lambda content: content.replace(b"a lake", "Straße".encode("latin-1")),
    "one bad byte": lambda content: content[:20] + b"\xff" + content[21:],
    "null bytes": lambda content: content[:20] + b"\0\0" + content[22:],
    "nothing but brackets": lambda content: b"[" * 100_000,
    "a number without end": lambda content: b'[{"image": ' + b"9" * 5000 + b', "caption": "b"}]',
    "numbers": lambda content: b"[1, 2, 3]",
    "null": lambda content: b"null",
    "an empty object": lambda content: b"{}",
    "lists of null": lambda content: b'{"images": [null, 7, {}], "annotations": [null, 7, {}]}',
}
CELLS = {
    "no image": ("", "some words"),
    "no caption": ("d.png", ""),
    "None": (None, None),
    "booleans": (True, False),
    "a huge number": (10**30, 10**30),
    "a fraction": (0.5, 1.5),
    "null byte": ("d\0.png", "some\0words"),
    "objects": ({"a": 1}, {"b": 2}),
    "lists": (["d.png"], [["nested"]]),
    "half a surrogate pair": ("d\ud800.png", "\udc00"),
    "an endless name": ("d" * 3000 + ".png", "some words"),
}


def test_every_form_has_a_case():
    assert {Path(name).suffix for name in WRITERS} | {".ndjson"} == set(FORMS)


@pytest.mark.parametrize("name", WRITERS)
def test_a_whole_table_gives_its_pairs(tmp_path, name):
    (tmp_path / name).write_bytes(WRITERS[name](PAIRS))
    raw = read_tables([tmp_path / name])
    assert [(pair.image, pair.caption) for pair in raw.pairs] == PAIRS and not any(pair.problem for pair in raw.pairs)
    assert [pair.row for pair in raw.pairs] == [1, 2, 3] and all(name in pair.where for pair in raw.pairs)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", WRITERS)
def test_a_damaged_table_is_named_or_its_losses_are_listed(tmp_path, name, damage):
    (tmp_path / name).write_bytes(DAMAGES[damage](WRITERS[name](PAIRS)))
    listed_or_named(tmp_path / name)


@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("name", WRITERS)
def test_a_bad_row_is_named_or_listed(tmp_path, name, cells):
    try:
        content = WRITERS[name](rows_of(*CELLS[cells]))
    except (ValueError, TypeError, OSError, OverflowError) as error:  # the form cannot hold such a cell
        pytest.skip(str(error))
    (tmp_path / name).write_bytes(content)
    raw = listed_or_named(tmp_path / name)
    assert raw is None or {pair.image for pair in raw.pairs if not pair.problem} >= {image for image, _ in PAIRS}


def listed_or_named(path):
    try:
        raw = read_tables([path])
    except InputError as error:
        assert path.name in str(error) and "\n" not in str(error) and len(str(error)) < 1000
        return None
    assert raw.pairs
    for pair in raw.pairs:
        assert pair.problem or (pair.image and pair.caption and "\0" not in pair.image + pair.caption)
        (pair.image + pair.caption).encode()
    return raw


def test_nothing_of_a_json_table_is_dropped_in_silence(tmp_path):
    rows = [("a.png", "a lake"), (None, "no image"), ("b.png", 7), ("c.png", ["", "a road"]), ("d.png", None)]
    (tmp_path / "a.json").write_bytes(json_list(rows))
    said = {(pair.row, pair.problem) for pair in read_tables([tmp_path / "a.json"]).pairs if pair.problem}
    assert said == {
        (2, "the image is 'None': allowed is the name of a file"),
        (3, "the caption is '7': allowed is text, or a list of it"), (4, "the caption is empty"),
        (5, "the caption is empty"),
    }  # fmt: skip


def test_coco_lists_annotations_and_images_without_partner(tmp_path):
    images = [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}, {"id": 2, "file_name": "c.png"},
              {"id": 3, "file_name": "alone.png"}]  # fmt: skip
    said = [{"image_id": number, "caption": "some words"} for number in (1, 2, 9)]
    (tmp_path / "c.json").write_text(json.dumps({"images": images, "annotations": said}))
    first, *others = read_tables([tmp_path / "c.json"]).pairs
    assert (first.image, first.problem) == ("a.png", "")
    assert [pair.problem.partition(":")[0] for pair in others] == [
        "image_id 2 names 2 images", "image_id 9 names 0 images", "the caption is empty",
    ]  # fmt: skip


def test_karpathys_folder_is_a_part_of_the_name(tmp_path):
    images = [{"filepath": f, "filename": "1.jpg", "sentences": [{"raw": f"in {f}"}]} for f in ("train", "val")]
    (tmp_path / "k.json").write_text(json.dumps({"images": images}))
    assert [pair.image for pair in read_tables([tmp_path / "k.json"]).pairs] == ["train/1.jpg", "val/1.jpg"]


def test_images_of_shards_stay_in_them_until_they_are_asked_for(tmp_path):
    plain = shard(PAIRS)
    (tmp_path / "00000.tar").write_bytes(plain)
    (tmp_path / "00001.tar").write_bytes(gzip.compress(plain))
    lying, packed = (read_tables([tmp_path / name]).held for name in ("00000.tar", "00001.tar"))
    assert len(lying) == len(packed) == len(PAIRS) and all(isinstance(one, Stored) for one in lying.values())
    assert {name: one.read() for name, one in lying.items()} == packed


# --- identity: a picture is its source and place ---


def test_images_that_tables_hold_have_names_of_their_own():
    held, one, other = HeldImages(), {"path": "x/1.png", "bytes": b"one"}, {"path": "x/1.png", "bytes": b"other"}
    assert held.name(one, "", 1) == held.name(one, "", 2) == "x/1.png"
    assert held.name(other, "", 3) == "row_3/x/1.png" and held.name(one, "00000", 4) == "00000/x/1.png"
    assert held.name({"path": "X/1.PNG", "bytes": b"3"}, "", 5) != "X/1.PNG"  # some disks take both for one
    assert held.name({"path": None, "bytes": b"4"}, "", 6) == "row_6.jpg"
    assert held.name({"path": "../../etc/a.png", "bytes": b"5"}, "", 7) == "etc/a.png"
    assert held.name({"path": "a\x1b[31m.png", "bytes": b"6"}, "", 8) == "a_[31m.png"
    assert len(set(held.contents.values())) == 6


# --- what train and noise take ---


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("train.csv", b"filepath\ttitle\na.png\ta lake , blue\nb.png\ttwo roads\n", "separated by tabs"),
        ("train.csv", b"filename;title\na.png;a lake , blue\nb.png;two roads\n", "separated by semicolons"),
        ("train.tsv", b"image\tcaption\na.png\ta lake , blue\nb.png\ttwo roads\n", "captions from 'caption'"),
        ("train.json", json_list([("a.png", "a lake , blue"), ("b.png", "two roads")]), "captions from 'caption'"),
    ],
)
def test_tables_of_other_kinds_to_train_on(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    for split in ("val", "test"):
        PairTable([f"{split}.png"], ["a road"], split, "memory").write_csv(tmp_path / f"{split}.csv")
    train = read_folder(tmp_path)["train"]
    assert train.image_ids.tolist() == ["a.png", "b.png"] and train.captions.tolist() == ["a lake , blue", "two roads"]
    assert train.read_as.startswith("images from column") and said in train.read_as


def test_a_table_that_holds_its_images_is_not_trained_on(tmp_path):
    (tmp_path / "train.parquet").write_bytes(parquet([({"bytes": encoded(), "path": "a.png"}, "a lake")]))
    with pytest.raises(InputError, match=r"train\.parquet: it holds its images itself"):
        read_csv(tmp_path / "train.parquet")


# --- any table, any bytes ---

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")).map(str.strip)
NAME = st.text(string.ascii_letters + "äß湖_-. ,;\"'#", min_size=1).map(str.strip).filter(lambda name: name.strip("."))


@QUICK
@given(st.lists(st.tuples(NAME, TEXT), min_size=1, max_size=5), st.sampled_from(["train.csv", "train.csv.gz"]))
def test_what_is_written_reads_back(tmp_path_factory, pairs, name):
    names, captions = zip(*pairs, strict=True)
    written = PairTable(list(names), list(captions), "train", "memory")
    read = read_csv(written.write_csv(tmp_path_factory.mktemp("round") / name))
    assert read.fingerprint == written.fingerprint and read.split == "train"


@pytest.mark.parametrize("name", WRITERS)
@QUICK
@given(st.data())
def test_any_bytes_raise_nothing_but_an_input_error(tmp_path_factory, name, data):
    whole = WRITERS[name](PAIRS)
    place = data.draw(st.integers(0, len(whole)))
    inserted, cut = data.draw(st.binary(max_size=30)), data.draw(st.integers(0, 30))
    content = data.draw(st.sampled_from([inserted, whole[:place] + inserted + whole[place + cut :]]))
    path = tmp_path_factory.mktemp("bytes") / name
    path.write_bytes(content)
    listed_or_named(path)
    for read in (read_csv, lambda path: read_folder(path.parent)):
        try:
            read(path)
        except InputError:
            pass
