"""Bad data files: tables, JSON of the sets, folders, pictures."""

import gzip
import io
import json
import struct
import zlib

import numpy as np
from malformed.making import Cases, Make, call, file, files
from PIL import Image

from rrsitr_lib.data.images import find_images, open_image
from rrsitr_lib.data.pairs import PairTable, read_csv, read_folder
from rrsitr_lib.exchange.benchmark_check import benchmark
from rrsitr_lib.exchange.published_json import read_entries, read_published, split_train_val

GOOD = b"filename,title\na.jpg,a lake .\n"


def csv_file(content: bytes, name: str = "train.csv") -> Make:
    """Read ``content`` as a caption table."""
    return file(read_csv, name, content)


def split_files(**contents: bytes) -> Make:
    """Read a folder of one CSV per keyword."""
    return files(read_folder, {f"{split}.csv": content for split, content in contents.items()})


def json_file(content: object) -> Make:
    """Read ``content`` (bytes as they are, anything else as JSON) as a Karpathy-style file."""
    return file(read_entries, "dataset.json", content if isinstance(content, bytes) else json.dumps(content))


def image(**changes: object) -> dict:
    """One image entry as in RSITMD's JSON, with some fields changed; ``...`` takes a field away."""
    entry = {"filename": "a.tif", "split": "train", "sentences": [{"raw": "a lake ."}], **changes}
    return {key: value for key, value in entry.items() if value is not ...}


def picture_file(content: bytes, name: str = "a.png") -> Make:
    """Decode ``content``."""
    return file(open_image, name, content)


def encoded(values: np.ndarray, form: str) -> bytes:
    """Pixels as a picture of this form."""
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, form)
    return buffer.getvalue()


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that says it is ``side`` pixels square."""
    bodies = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(b"\0" * 100)
    chunks = (struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) for body in bodies)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def picture_search(names: list[str], wanted: list[str]) -> Make:
    """Look for ``wanted`` among files of these names."""
    return files(find_images, dict.fromkeys(names, b"x"), wanted)


def table(images: object = ("a", "a", "b"), captions: object = ("one", "two", "three")) -> PairTable:
    """Pairs, by default three of two images."""
    return PairTable(images, captions, "train", "memory")


NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
UNDER = np.full((2, 2), -0.5, np.float32)
TEN = json.dumps({"images": [image(filename=f"{k}.tif", split="train" if k else "test") for k in range(10)]})

CASES: Cases = [
    ("csv absent", file(read_csv, "no.csv"), r"no\.csv: no such file"),
    ("csv is a folder", read_csv, r"a folder, a file is needed"),
    ("csv empty", csv_file(b""), r"train\.csv: .*the file is empty"),
    ("csv only blank lines", csv_file(b"\n \r\n\n"), r"train\.csv: .*the file is empty"),
    ("csv only a byte order mark", csv_file(b"\xef\xbb\xbf"), r"the file is empty"),
    ("csv header only", csv_file(b"filename,title\n"), r"train\.csv: no pair in it"),
    ("csv without header", csv_file(b"a.jpg,a lake .\n"),
     r"no column .* among 1, 2 \(usual names are filename, title; .*no header"),
    ("csv column missing", csv_file(b"filename,words\na,b\n"), r"no column of captions among words \(usual"),
    ("csv column twice", csv_file(b"filename,title,title\na,b,c\n"), r"line 1: the header is .*each column once"),
    ("JSON lines, a row without image", file(read_csv, "val.jsonl", '{"image": "a", "caption": "b"}\n{"caption": "b"}'),
     r"val\.jsonl, line 2: the image is 'None'"),
    ("JSON lines to train on, a number as caption", file(read_csv, "val.jsonl", '{"image": "a.png", "caption": 7}'),
     r"val\.jsonl, line 1: the caption is '7'"),
    ("folder of two tables", files(read_folder, {"train.tsv": b"", "train.json": b""}),
     r"for train is \['train\.json', 'train\.tsv'\]: allowed is one"),
    ("csv not UTF-8", csv_file(GOOD + b"b.jpg,caf\xe9 .\n"), r"line 3: byte 39 is b'\\xe9': allowed is UTF-8"),
    ("csv UTF-16 without mark", csv_file("filename,title\n".encode("utf-16-le")), r"line 1: .*'\\x00'.*UTF-16"),
    ("csv with NUL", csv_file(GOOD + b"b.jpg,a \0 lake\n"), r"line 3: a character is '\\x00'"),
    ("csv.gz not gzip", csv_file(GOOD, "train.csv.gz"), r"train\.csv\.gz: not a whole gzip file"),
    ("csv.gz cut off", csv_file(gzip.compress(GOOD * 99)[:40], "train.csv.gz"), r"not a whole gzip file"),
    ("csv.gz damaged", csv_file(gzip.compress(GOOD)[:20] + bytes(9), "train.csv.gz"), r"not a whole gzip file"),
    ("csv row too long", csv_file(GOOD + b"b.jpg,a lake , blue\n"), r"line 3: the row is .*2 fields .*quotes"),
    ("csv row too short", csv_file(GOOD + b"\nb.jpg\n"), r"line 4: the row is \['b\.jpg'\]: allowed is 2 fields"),
    ("csv quote left open", csv_file(GOOD + b'b.jpg,"a lake\nc.jpg,a road\n'), r"line 3: not a row .*left open"),
    ("csv text after a quote", csv_file(GOOD + b'b.jpg,"a" lake\n'), r"line 3: not a row of the table"),
    ("csv filename empty", csv_file(GOOD + b' ,"two\nlines"\n,b\n'), r"line 3: the image is ' '"),
    ("csv filename empty below", csv_file(b'filename,title\na,"two\nlines"\n,b\n'), r"line 4: the image is ''"),
    ("csv filename climbs out", csv_file(b"filename,title\nx/../../a.jpg,b\n"), r"line 2: filename is 'x/\.\./\.\./a"),
    ("csv filename with a line end", csv_file(b'filename,title\n"a\nb.jpg",c\n'), r"line 2: the image is 'a\\nb\.jpg'"),
    ("folder absent", file(read_folder, "no"), r"no: .*no such folder.*train\.csv"),
    ("folder empty", split_files(), r"what is there for train is \[\]: allowed is one of train\.csv"),
    ("folder without val", split_files(train=GOOD, test=GOOD), r"for val is \['test\.csv', 'train\.csv'\]"),
    ("folder with a leak", split_files(train=GOOD, val=GOOD.replace(b"a.jpg", b"b.jpg"), test=GOOD),
     r"a\.jpg is in train and test \(1 such\)"),
    ("json absent", file(read_entries, "no.json"), r"no\.json: no such file"),
    ("json broken", json_file(b'{"images": [\n{]}'), r"dataset\.json, line 2: not JSON"),
    ("json nested too deep", json_file(b"[" * 200_000), r"dataset\.json: not JSON .*too deep"),
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
    ("table of unequal columns", call(table, ["a"], ["b", "c"]), r"\(\(1,\), \(2,\)\)"),
    ("table of numbers", call(table, ["a"], [3]), r"row 1: captions is 3: allowed"),
    ("table empty", call(table, [], []), r"\(\(0,\), \(0,\)\): allowed is \(N,\)"),
    ("rows beyond the table", call(table().take, [0, 3]), r"row selection .*integers 0 to 2"),
    ("rows below zero", call(table().take, [-1]), r"row selection is .*integers 0 to 2"),
    ("rows none", call(table().take, []), r"row selection is .*at least one"),
    ("caption index too short", call(table().with_captions, [0, 1]), r"caption_index is \(2,\): .*\(3,\)"),
    ("benchmark unknown", call(benchmark, "coco"), r"'coco': allowed is rsitmd, rsicd, nwpu"),
    ("benchmark not there", benchmark("rsicd").read, r"neither .*dataset_rsicd\.json.* from"),
    ("benchmark incomplete", file(read_published, "x.json", TEN, benchmark("rsitmd")),
     r"not the whole RSITMD: train: images 8, published 3861"),
    ("published list with a repeat", call(split_train_val, ["a", "a"]), r"2 images, 1 different"),
    ("published list too short", call(split_train_val, ["a"]), r"0\.9 of 1 images"),
    ("picture absent", file(open_image, "no.png"), r"no\.png: no such file"),
    ("picture is a folder", open_image, r": a folder; allowed is an image"),
    ("picture empty", picture_file(b""), r"a\.png: an empty file"),
    ("picture is text", picture_file(b"version https://git-lfs.github.com/spec/v1"), r"not one of JPEG, PNG"),
    ("png cut off", picture_file(encoded(NOISE, "PNG")[:5_000]), r"a\.png: cannot be decoded"),
    ("jpeg cut off", picture_file(encoded(NOISE, "JPEG")[:900], "a.jpg"), r"a\.jpg: cannot be decoded \(.*truncated"),
    ("tiff cut off", picture_file(encoded(NOISE, "TIFF")[:900], "a.tif"), r"a\.tif: cannot be decoded"),
    ("picture too large", picture_file(bomb(9_000)), r"a\.png: cannot be decoded \(9000 x 9000 pixels, allowed is"),
    ("picture a bomb", picture_file(bomb(60_000)), r"a\.png: cannot be decoded"),
    ("float picture below zero", picture_file(encoded(UNDER, "TIFF"), "a.tif"), r"float32: .*; floats may be 0"),
    ("image folder absent", file(find_images, "no", None, ["a.jpg"]), r"no: no such folder"),
    ("images missing", picture_search(["a.png"], ["a.png", "b.png", "c.png"]), r"2 of 3 .* \['b\.png', 'c\.png'\]"),
    ("image name ambiguous", picture_search(["x/A.png", "y/A.png"], ["a.png"]), r"'a\.png' fits \['x/A\.png', 'y/A"),
    ("two ids, one file", picture_search(["a.png"], ["a.png", "a.tif"]), r"the only file for 2 image ids"),
]  # fmt: skip
