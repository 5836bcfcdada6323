"""Caption tables from files: the authors' CSV form, or the sets' own JSON."""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from rrsitr_lib.data.pairs import SPLITS, WORD, PairTable, refuse
from rrsitr_lib.errors import InputError

_NO_NAME = re.compile(r"^$|^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|[\x00-\x1f]")


def read_text(path: Path) -> str:
    """UTF-8 text, gzip or not, byte order mark left out; ``InputError`` names the line of a byte that is none."""
    try:
        data = path.read_bytes()
        if path.name.lower().endswith(".gz") or data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        text = data.decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not a whole gzip file ({error}); fetch it again") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        refuse(f"{path}, line {line}", f"byte {error.start}", data[error.start : error.start + 1], "UTF-8 text")
    except OSError as error:
        reason = "a folder, a file is needed" if path.is_dir() else (error.strerror or error)
        raise InputError(f"{path}: cannot be read ({reason})") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        refuse(f"{path}, line {line}", "a character", "\0", "UTF-8 text without NUL (is it UTF-16?)")
    if not text.strip():
        refuse(path, "the file's text", text, "at least one pair (the file is empty)")
    return text


def _build(path: Path, split: str, rows: Sequence[tuple[str, str, Any]], empty_captions: str) -> PairTable:
    """The table of (where it stands, filename, caption) rows."""
    if empty_captions not in ("keep", "drop"):
        refuse(path, "empty_captions", empty_captions, "keep or drop")
    for where, name, caption in rows:
        if _NO_NAME.search(name):
            refuse(where, "filename", name, "the name of a file inside the image folder")
        if not isinstance(caption, str):
            refuse(where, "caption", caption, "text")
    kept = [(name, text.strip()) for _, name, text in rows if empty_captions == "keep" or WORD.search(text)]
    if not kept:
        raise InputError(f"{path}: no caption has a word, so empty_captions='drop' leaves no pair")
    return PairTable(*zip(*kept, strict=True), split, str(path))


def read_csv(path: str | Path, split: str | None = None, empty_captions: str = "keep") -> PairTable:
    """Read ``filename,title`` rows (.csv, .csv.gz, UTF-8; further columns are ignored).

    ``split`` defaults to the file's stem, ``train_nc02.csv.gz`` being train. ``empty_captions="drop"`` leaves out
    captions without a letter or digit (real sets hold "."). Raises ``InputError`` naming the file and line.

    >>> import tempfile
    >>> table = PairTable(["a b.tif"], ["a lake , seen from above"], "val", "memory")
    >>> copy = read_csv(table.write_csv(Path(tempfile.mkdtemp()) / "val.csv.gz"))
    >>> copy.split, copy.captions.tolist(), copy.fingerprint == table.fingerprint
    ('val', ['a lake , seen from above'], True)

    Taught in: notebooks/07_real_pairs
    """
    path = Path(path)
    reader, rows, line = csv.reader(io.StringIO(read_text(path), newline=""), strict=True), [], 1
    try:
        for row in reader:
            rows += [(f"{path}, line {line}", row)] if row else []
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}, line {line}: not a CSV row ({error}); is a quote left open?") from None
    header = [name.strip() for name in rows[0][1]]
    if header.count("filename") != 1 or header.count("title") != 1:
        refuse(rows[0][0], "the header", header, "one column filename and one column title")
    for where, row in rows:
        if len(row) != len(header):
            refuse(where, "the row", row, f"{len(header)} fields (commas in a caption need quotes)")
    if len(rows) == 1:
        refuse(path, "number of rows", 0, "at least one below the header")
    stem = path.name.removesuffix(".gz").removesuffix(".csv")
    first, name, title = stem.split("_")[0], header.index("filename"), header.index("title")
    pairs = [(where, row[name].strip(), row[title]) for where, row in rows[1:]]
    return _build(path, split or (first if first in SPLITS else stem), pairs, empty_captions)


def read_entries(path: str | Path, empty_captions: str = "keep") -> tuple[PairTable, dict[str, str]]:
    """Read a set's own JSON: all pairs in the file's order, and the split of every image.

    Raises ``InputError`` naming the file and the image by its number in the list, counted from 1.
    """
    path, rows, split_of = Path(path), [], {}
    try:
        content = json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path}, line {getattr(error, 'lineno', 1)}: not JSON ({error})") from None
    groups = {"image": content["images"]} if isinstance(content, dict) and "images" in content else content
    if not isinstance(groups, dict) or not groups or not all(isinstance(group, list) for group in groups.values()):
        refuse(path, "the JSON", content, 'an object with a list "images", or with a list per class')
    for group, images in groups.items():
        for number, image in enumerate(images, 1):
            where = f"{path}, {group} {number}"
            if not isinstance(image, dict) or not isinstance(image.get("filename"), str):
                refuse(where, "the image", image, "an object with filename, split, and sentences or raw")
            name, split = image["filename"].strip(), image.get("split")
            where = f"{where} ({name})"
            raw = [image[key] for key in sorted(image) if re.fullmatch(r"raw(_\d+)?", key)]
            sentences = image.get("sentences", raw)
            if not isinstance(sentences, list) or not sentences:
                refuse(where, "sentences", sentences, "a list of at least one sentence")
            if split not in SPLITS or split_of.setdefault(name, split) != split:
                first = split_of.get(name)
                refuse(where, "split", split, f"{first}, as above" if first else "train, val, test")
            rows += [(where, name, text.get("raw") if isinstance(text, dict) else text) for text in sentences]
    if not rows:
        refuse(path, "number of images", 0, "at least one")
    return _build(path, "all", rows, empty_captions), split_of


def read_karpathy(path: str | Path, split: str | None = None, empty_captions: str = "keep") -> dict[str, PairTable]:
    """Read the JSON of RSITMD, RSICD or NWPU-Captions by its own splits, or only ``split``; errors as above.

    Taught in: notebooks/07_real_pairs
    """
    table, split_of = read_entries(path, empty_captions)
    part = np.array([split_of[name] for name in table.image_ids])
    tables = {name: replace(table.take(np.flatnonzero(part == name)), split=name) for name in SPLITS if name in part}
    if split is not None and split not in tables:
        refuse(path, "split", split, ", ".join(tables))
    return tables if split is None else {split: tables[split]}


def read_folder(folder: str | Path, empty_captions: str = "keep") -> dict[str, PairTable]:
    """Read train, val and test (.csv or .csv.gz) of a folder; ``InputError`` when one is missing or an image leaks.

    Taught in: notebooks/07_real_pairs
    """
    folder, tables = Path(folder), {}
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else ["no such folder"]
    for split in SPLITS:
        found = [name for name in (f"{split}.csv", f"{split}.csv.gz") if name in there]
        if len(found) != 1:
            refuse(folder, f"what is there for {split}", found or there, f"one of {split}.csv and {split}.csv.gz")
        tables[split] = read_csv(folder / found[0], split, empty_captions)
    for first, second in combinations(SPLITS, 2):
        if both := sorted(set(tables[first].images) & set(tables[second].images)):
            raise InputError(f"{folder}: {both[0]} is in {first} and {second} ({len(both)} such): allowed is one split")
    return tables
