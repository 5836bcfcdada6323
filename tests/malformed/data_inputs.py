"""Bad data files: (name, what makes the file in an empty folder and reads it, what the message must say)."""

import gzip
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from rrsitr_lib.data.benchmark import benchmark, split_train_val
from rrsitr_lib.data.images import find_images, load_thumbnails, open_image
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.data.tables import read_csv, read_entries, read_folder

GOOD = b"filename,title\na.jpg,a lake .\n"


def csv_file(content: bytes, name: str = "train.csv") -> Callable[[Path], object]:
    """Write ``content`` and read it as a caption table."""

    def make(folder: Path) -> object:
        (folder / name).write_bytes(content)
        return read_csv(folder / name)

    return make


def json_file(content: object) -> Callable[[Path], object]:
    """Write ``content`` (bytes as they are, anything else as JSON) and read it as a Karpathy-style file."""

    def make(folder: Path) -> object:
        path = folder / "dataset.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return read_entries(path)

    return make


def split_files(**contents: bytes) -> Callable[[Path], object]:
    """Write one CSV per keyword and read the folder."""

    def make(folder: Path) -> object:
        for split, content in contents.items():
            (folder / f"{split}.csv").write_bytes(content)
        return read_folder(folder)

    return make


def picture_file(content: bytes | Image.Image, name: str = "a.png", keep: int | None = None) -> Callable:
    """Write bytes or a picture, cut after ``keep`` bytes, and decode it."""

    def make(folder: Path) -> object:
        if isinstance(content, bytes):
            (folder / name).write_bytes(content[:keep])
        else:
            content.save(folder / name)
            (folder / name).write_bytes((folder / name).read_bytes()[:keep])
        return open_image(folder / name)

    return make


def picture_search(names: list[str], wanted: list[str]) -> Callable[[Path], object]:
    """Write small pictures and look for ``wanted``."""

    def make(folder: Path) -> object:
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            Image.new("RGB", (2, 2)).save(folder / name)
        return find_images(folder, wanted)

    return make


def image(**changes: object) -> dict:
    """One image entry as in RSITMD's JSON, with some fields changed; ``...`` takes a field away."""
    entry = {"filename": "a.tif", "split": "train", "sentences": [{"raw": "a lake ."}], **changes}
    return {key: value for key, value in entry.items() if value is not ...}


def set_json(name: str, file_name: str) -> Callable[[Path], object]:
    """A set's JSON with only ten images."""

    def make(folder: Path) -> object:
        images = [image(filename=f"lake_{number}.tif", split="train" if number else "test") for number in range(10)]
        (folder / file_name).write_text(json.dumps({"images": images}))
        return benchmark(name).split_json(folder / file_name)

    return make


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that says it is ``side`` pixels square."""
    bodies = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(b"\0" * 100)
    chunks = (struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) for body in bodies)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def table() -> PairTable:
    """Three pairs of two images."""
    return PairTable(["a", "a", "b"], ["one", "two", "three"], "train", "memory")


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
WIDE = Image.fromarray(np.full((2, 2), 70_000, np.int32))
UNDER = Image.fromarray(np.full((2, 2), -0.5, np.float32))

CASES: list[tuple[str, Callable[[Path], object], str]] = [
    ("csv absent", lambda folder: read_csv(folder / "no.csv"), r"no\.csv: cannot be read \(No such file"),
    ("csv is a folder", read_csv, r"a folder, a file is needed"),
    ("csv empty", csv_file(b""), r"train\.csv: .*the file is empty"),
    ("csv only blank lines", csv_file(b"\n \r\n\n"), r"train\.csv: .*the file is empty"),
    ("csv only a byte order mark", csv_file(b"\xef\xbb\xbf"), r"the file is empty"),
    ("csv header only", csv_file(b"filename,title\n"), r"number of rows is 0: allowed is at least one"),
    ("csv without header", csv_file(b"a.jpg,a lake .\n"), r"line 1: the header is \['a\.jpg', 'a lake \.'\]"),
    ("csv column missing", csv_file(b"filename,caption\na,b\n"), r"\['filename', 'caption'\].*column title"),
    ("csv column twice", csv_file(b"filename,title,title\na,b,c\n"), r"line 1: the header is .*one column title"),
    ("csv with semicolons", csv_file(b"filename;title\na;b\n"), r"the header is \['filename;title'\]"),
    ("csv not UTF-8", csv_file(GOOD + b"b.jpg,caf\xe9 .\n"), r"line 3: byte 39 is b'\\xe9': allowed is UTF-8"),
    ("csv UTF-16", csv_file("filename,title\na,b\n".encode("utf-16")), r"line 1: byte 0 is b'\\xff'"),
    ("csv UTF-16 without mark", csv_file("filename,title\n".encode("utf-16-le")), r"line 1: .*'\\x00'.*UTF-16"),
    ("csv with NUL", csv_file(GOOD + b"b.jpg,a \0 lake\n"), r"line 3: a character is '\\x00'"),
    ("csv.gz not gzip", csv_file(GOOD, "train.csv.gz"), r"train\.csv\.gz: not a whole gzip file"),
    ("csv.gz cut off", csv_file(gzip.compress(GOOD * 99)[:40], "train.csv.gz"), r"not a whole gzip file"),
    ("csv.gz damaged", csv_file(gzip.compress(GOOD)[:20] + bytes(9), "train.csv.gz"), r"not a whole gzip file"),
    ("csv row too long", csv_file(GOOD + b"b.jpg,a lake , blue\n"), r"line 3: the row is .*2 fields .*quotes"),
    ("csv row too short", csv_file(GOOD + b"\nb.jpg\n"), r"line 4: the row is \['b\.jpg'\]: allowed is 2 fields"),
    ("csv quote left open", csv_file(GOOD + b'b.jpg,"a lake\nc.jpg,a road\n'), r"line 3: not a row .*left open"),
    ("csv text after a quote", csv_file(GOOD + b'b.jpg,"a" lake\n'), r"line 3: not a row of the table"),
    ("csv filename empty", csv_file(GOOD + b' ,"two\nlines"\n,b\n'), r"line 3: filename is ''"),
    ("csv filename empty below a long row", csv_file(b'filename,title\na,"two\nlines"\n,b\n'), r"line 4: filename is"),
    ("csv filename absolute", csv_file(GOOD + b"/etc/passwd,a lake\n"), r"line 3: filename is '/etc/passwd'.*inside"),
    ("csv filename on a drive", csv_file(GOOD + b"C:\\a.jpg,a lake\n"), r"line 3: filename is 'C:.*inside"),
    ("csv filename climbs out", csv_file(b"filename,title\nx/../../a.jpg,b\n"), r"line 2: filename is 'x/\.\./\.\./a"),
    ("csv filename with a line end", csv_file(b'filename,title\n"a\nb.jpg",c\n'), r"line 2: filename is 'a\\nb\.jpg'"),
    ("folder absent", lambda folder: read_folder(folder / "no"), r"no: .*no such folder.*train\.csv"),
    ("folder empty", split_files(), r"what is there for train is \[\]: allowed is one of train\.csv"),
    ("folder without val", split_files(train=GOOD, test=GOOD), r"for val is \['test\.csv', 'train\.csv'\]"),
    ("folder with a leak", split_files(train=GOOD, val=GOOD.replace(b"a.jpg", b"b.jpg"), test=GOOD),
     r"a\.jpg is in train and test \(1 such\)"),
    ("json absent", lambda folder: read_entries(folder / "no.json"), r"no\.json: cannot be read"),
    ("json broken", json_file(b'{"images": [\n{]}'), r"dataset\.json, line 2: not JSON"),
    ("json nested too deep", json_file(b"[" * 200_000), r"dataset\.json, line 1: not JSON"),
    ("json a list", json_file([image()]), r"the JSON is \[.*allowed is an object"),
    ("json without images", json_file({"dataset": "RSITMD"}), r"the JSON is \{'dataset'.*list \"images\""),
    ("json images not a list", json_file({"images": {"a": 1}}), r"the JSON is .*list \"images\""),
    ("json no image", json_file({"images": []}), r"number of images is 0"),
    ("json image not an object", json_file({"images": [image(), 7]}), r"image 2: the image is 7"),
    ("json filename missing", json_file({"images": [image(filename=...)]}), r"image 1: the image is .*filename"),
    ("json filename a number", json_file({"images": [image(filename=12)]}), r"image 1: the image is .*filename"),
    ("json filename climbs out", json_file({"images": [image(filename="../a.tif")]}), r"image 1 .*filename is '\.\./a"),
    ("json sentences missing", json_file({"images": [image(sentences=...)]}), r"a\.tif\): sentences is \[\]"),
    ("json sentences empty", json_file({"images": [image(sentences=[])]}), r"a\.tif\): sentences is \[\]"),
    ("json sentences a text", json_file({"images": [image(sentences="a lake")]}), r"sentences is 'a lake'"),
    ("json caption a number", json_file({"images": [image(sentences=[{"raw": 5}])]}), r"image 1 .*: caption is 5"),
    ("json caption missing", json_file({"images": [image(sentences=[{"tokens": []}])]}), r"caption is None"),
    ("json caption with NUL", json_file({"images": [image(sentences=["a\0b"])]}), r"row 1: captions is 'a\\x00b'"),
    ("json half a surrogate pair", json_file({"images": [image(sentences=["\ud800"])]}), r"row 1: .*'\\ud800'"),
    ("json split unknown", json_file({"images": [image(split="dev")]}), r"split is 'dev': allowed is train, val, test"),
    ("json split missing", json_file({"images": [image(split=...)]}), r"split is None: allowed is train, val, test"),
    ("json split a list", json_file({"images": [image(split=["train"])]}), r"split is \['train'\]"),
    ("json image in two splits", json_file({"images": [image(), image(split="test")]}), r"image 2 .*'test': .*train"),
    ("nwpu class not a list", json_file({"airplane": {"raw": "a"}}), r"list per class"),
    ("nwpu without raw", json_file({"airplane": [{"filename": "a.jpg", "split": "test"}]}), r"airplane 1 .*sentences"),
    ("table of unequal columns", lambda folder: PairTable(["a"], ["b", "c"], "train", "memory"), r"\(\(1,\), \(2,\)\)"),
    ("table of numbers", lambda folder: PairTable(["a"], [3], "train", "memory"), r"row 1: captions is 3: allowed"),
    ("table empty", lambda folder: PairTable([], [], "train", "memory"), r"\(\(0,\), \(0,\)\): allowed is \(N,\)"),
    ("rows beyond the table", lambda folder: table().take([0, 3]), r"row selection .*integers 0 to 2"),
    ("rows below zero", lambda folder: table().take([-1]), r"row selection is .*integers 0 to 2"),
    ("rows none", lambda folder: table().take([]), r"row selection is .*at least one"),
    ("caption index too short", lambda folder: table().with_captions([0, 1]), r"caption_index is \(2,\): .*\(3,\)"),
    ("benchmark unknown", lambda folder: benchmark("coco"), r"'coco': allowed is rsitmd, rsicd, nwpu"),
    ("benchmark not there", lambda folder: benchmark("rsicd").read(folder), r"neither .*dataset_rsicd\.json.* from"),
    ("benchmark incomplete", set_json("rsitmd", "x.json"), r"not the whole RSITMD: train: images 8, published 3861"),
    ("published list with a repeat", lambda folder: split_train_val(["a", "a"]), r"2 images, 1 different"),
    ("published list too short", lambda folder: split_train_val(["a"]), r"0\.9 of 1 images"),
    ("picture absent", lambda folder: open_image(folder / "no.png"), r"no\.png: no such file"),
    ("picture is a folder", open_image, r": a folder; allowed is an image"),
    ("picture empty", picture_file(b""), r"a\.png: an empty file"),
    ("picture is text", picture_file(b"version https://git-lfs.github.com/spec/v1"), r"not one of JPEG, PNG"),
    ("png cut off", picture_file(NOISE, keep=5_000), r"a\.png: cannot be decoded"),
    ("jpeg cut off", picture_file(NOISE, "a.jpg", keep=900), r"a\.jpg: cannot be decoded \(.*truncated"),
    ("tiff cut off", picture_file(NOISE, "a.tif", keep=900), r"a\.tif: cannot be decoded"),
    ("picture too large", picture_file(bomb(9_000)), r"a\.png: cannot be decoded \(9000 x 9000 pixels, allowed is"),
    ("picture a bomb", picture_file(bomb(60_000)), r"a\.png: cannot be decoded"),
    ("picture beyond 16 bit", picture_file(WIDE, "a.tif"), r"mode I beyond 0 to 65535"),
    ("float picture below zero", picture_file(UNDER, "a.tif"), r"mode F beyond 0 to 1"),
    ("image folder absent", lambda folder: find_images(folder / "no", ["a.jpg"]), r"no: no such folder"),
    ("images missing", picture_search(["a.png"], ["a.png", "b.png", "c.png"]), r"2 of 3 .* \['b\.png', 'c\.png'\]"),
    ("image name ambiguous", picture_search(["x/A.png", "y/A.png"], ["a.png"]), r"'a\.png' fits \['x/A\.png', 'y/A"),
    ("two ids, one file", picture_search(["a.png"], ["a.png", "a.tif"]), r"the only file for 2 image ids"),
    ("thumbnail of a folder", lambda folder: load_thumbnails([folder], 4), r": a folder; allowed is an image"),
    ("thumbnail size", lambda folder: load_thumbnails([], 0), r"size is 0: allowed is 1 to 4096"),
]  # fmt: skip
