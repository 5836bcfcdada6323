"""Caption tables: the authors' form byte by byte, rows in any order, folders of three."""

import gzip
import hashlib

import numpy as np
import pytest
from oracles import REFERENCE, RSICD, needs_rsicd, needs_splits

from rrsitr_lib.data.pairs import PairTable, read_csv, read_folder

NAMES = ["b.tif", "a.tif", "b.tif", "a.tif", "c.tif", "b.tif"]
CAPTIONS = ["a lake .", 'a "big" road', "lake, seen from above", "NA", ".", "a lake ."]


def table(**changes):
    return PairTable(**{"image_ids": NAMES, "captions": CAPTIONS, "split": "train", "source": "memory", **changes})


@needs_splits
@pytest.mark.parametrize(
    ("name", "split", "images", "sha"),
    [
        ("train_nc00", "train", 3861, "0f98932e"),
        ("train_nc02", "train", 3861, "fe6df0e0"),
        ("train_nc04", "train", 3861, "fca7be56"),
        ("val", "val", 430, "f4885535"),
        ("test", "test", 452, "12ad0fe3"),
    ],
)
def test_authors_tables_read_and_write_byte_for_byte(tmp_path, name, split, images, sha):
    path = REFERENCE / "rsitmd" / f"{name}.csv.gz"
    read = read_csv(path)
    assert (read.split, len(read.images), len(read)) == (split, images, 5 * images)
    assert read.captions_sha256.startswith(sha)
    assert read.write_csv(tmp_path / "copy.csv").read_bytes() == gzip.decompress(path.read_bytes())


@needs_rsicd
def test_real_folder():
    tables = read_folder(RSICD)
    assert {split: len(found) for split, found in tables.items()} == {"train": 3500, "val": 500, "test": 1000}


def test_rows_out_of_order_keep_their_image():
    read = table()
    assert read.images.tolist() == ["b.tif", "a.tif", "c.tif"]
    assert read.image_of_row.tolist() == [0, 1, 0, 1, 2, 0] and read.image_of_row.dtype == np.int64
    assert (read.images[read.image_of_row] == read.image_ids).all()


@pytest.mark.parametrize("name", ["train.csv", "train.csv.gz"])
def test_round_trip_keeps_every_caption(tmp_path, name):
    captions = ["飛機 , 停 。", 'quote " and, comma', "two\nlines", "carriage\rreturn", "", "NULL", "🛩", "1e5", "'"]
    written = table(image_ids=[f"my pictures/{row} é.TIF" for row in range(9)], captions=captions)
    read = read_csv(written.write_csv(tmp_path / name))
    assert read.captions.tolist() == captions and read.image_ids.tolist() == written.image_ids.tolist()
    assert read.fingerprint == written.fingerprint


def test_packed_file_is_the_same_every_time(tmp_path):
    first, second = (table().write_csv(tmp_path / name).read_bytes() for name in ("a.csv.gz", "longer name.csv.gz"))
    assert first == second and first[4:8] == bytes(4)


def test_windows_file_with_mark_blank_lines_and_more_columns(tmp_path):
    content = "\ufeffid,title, filename\r\n1, a lake . ,a b.JPG\r\n\r\n2,NA,c.jpg\r\n3,null,c.jpg"
    (tmp_path / "val.csv").write_bytes(content.encode())
    read = read_csv(tmp_path / "val.csv")
    assert read.image_ids.tolist() == ["a b.JPG", "c.jpg", "c.jpg"]
    assert read.captions.tolist() == ["a lake .", "NA", "null"]


@pytest.mark.parametrize(
    ("name", "split"), [("train_nc02.csv.gz", "train"), ("test.csv", "test"), ("my.set.csv", "my.set")]
)
def test_split_from_the_file_name(tmp_path, name, split):
    assert read_csv(table().write_csv(tmp_path / name)).split == split
    assert read_csv(tmp_path / name, split="val").split == "val"


def test_with_captions_and_take():
    read = table()
    moved = read.with_captions(np.array([1, 0, 2, 3, 4, 5]))
    assert moved.captions[:2].tolist() == CAPTIONS[1::-1] and (moved.image_ids == read.image_ids).all()
    assert moved.fingerprint != read.fingerprint and moved.split == "train"
    assert read.take([5, 0]).captions.tolist() == ["a lake ."] * 2 and read.take([4]).images.tolist() == ["c.tif"]


def test_table_cannot_be_changed_by_its_source_or_user():
    captions = np.array(CAPTIONS, dtype=object)
    read = table(captions=captions)
    captions[0] = "changed"
    assert read.captions[0] == CAPTIONS[0]
    with pytest.raises(ValueError, match="read-only"):
        read.captions[0] = "changed"


def test_hashes_are_of_the_content():
    read = table()
    assert read.captions_sha256 == hashlib.sha256("\n".join(CAPTIONS).encode()).hexdigest()
    assert read.fingerprint == table(source="elsewhere", split="val").fingerprint
    assert read.fingerprint != table(image_ids=NAMES[::-1]).fingerprint


def test_columns_without_name_are_ignored(tmp_path):
    (tmp_path / "val.csv").write_text("filename,title,,\na.jpg,a lake,,\n")
    assert read_csv(tmp_path / "val.csv").captions.tolist() == ["a lake"]


def test_folder_takes_packed_and_plain(tmp_path):
    (tmp_path / "train.old.csv").write_text("not read")
    for name in ("train.csv", "val.csv.gz", "test.csv"):
        table(image_ids=[f"{name} {image}" for image in NAMES]).write_csv(tmp_path / name)
    assert {split: found.split for split, found in read_folder(tmp_path).items()} == dict(
        train="train", val="val", test="test"
    )
