"""Caption tables from files: the authors' CSV form, the sets' own JSON, and any table of separated values."""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from rrsitr_lib.data.pairs import SPLITS, PairTable, input_error
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
        input_error(f"{path}, line {line}", f"byte {error.start}", data[error.start : error.start + 1], "UTF-8 text")
    except OSError as error:
        reason = "a folder, a file is needed" if path.is_dir() else (error.strerror or error)
        raise InputError(f"{path}: cannot be read ({reason})") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        input_error(f"{path}, line {line}", "a character", "\0", "UTF-8 text without NUL (is it UTF-16?)")
    if not text.strip():
        input_error(path, "the file's text", text, "at least one pair (the file is empty)")
    return text


def read_separated(path: Path, separator: str | None = None) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Header and rows of a table of separated values, each row with the place where it stands; no empty lines.

    Without ``separator`` the one that the header has most of. Raises ``InputError`` naming the line for a quote that is
    left open and for a row with another number of fields than the header.
    """
    text = read_text(path)
    if separator is None:
        separator = max(",;\t|", key=text.lstrip().partition("\n")[0].count)
    reader, found, line = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), [], 1
    try:
        for row in reader:
            found += [(f"{path}, line {line}", row)] if row else []
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}, line {line}: not a row of the table ({error}); is a quote left open?") from None
    header = [name.strip() for name in found[0][1]]
    for where, row in found[1:]:
        if len(row) != len(header):
            input_error(where, "the row", row, f"{len(header)} fields (captions that hold {separator!r} need quotes)")
    return header, found[1:]


def _table(path: Path, split: str, rows: Sequence[tuple[str, str, Any]]) -> PairTable:
    """The table of (where it stands, filename, caption) rows."""
    for where, name, caption in rows:
        if _NO_NAME.search(name):
            input_error(where, "filename", name, "the name of a file inside the image folder")
        if not isinstance(caption, str):
            input_error(where, "caption", caption, "text")
    names, captions = [name for _, name, _ in rows], [text.strip() for _, _, text in rows]
    return PairTable(np.array(names, dtype=object), np.array(captions, dtype=object), split, str(path))


def read_csv(path: str | Path, split: str | None = None) -> PairTable:
    """Read ``filename,title`` rows (.csv, .csv.gz, UTF-8; further columns are ignored).

    ``split`` defaults to the file's stem, ``train_nc02.csv.gz`` being train. Raises ``InputError`` naming the file and
    line.

    >>> import tempfile
    >>> table = PairTable(["a b.tif"], ["a lake , seen from above"], "val", "memory")
    >>> copy = read_csv(table.write_csv(Path(tempfile.mkdtemp()) / "val.csv.gz"))
    >>> copy.split, copy.captions.tolist(), copy.fingerprint == table.fingerprint
    ('val', ['a lake , seen from above'], True)
    """
    path = Path(path)
    header, rows = read_separated(path, ",")
    if header.count("filename") != 1 or header.count("title") != 1:
        input_error(f"{path}, line 1", "the header", header, "one column filename and one column title")
    if not rows:
        input_error(path, "number of rows", 0, "at least one below the header")
    stem = path.name.removesuffix(".gz").removesuffix(".csv")
    first, name, title = stem.split("_")[0], header.index("filename"), header.index("title")
    pairs = [(where, row[name].strip(), row[title]) for where, row in rows]
    return _table(path, split or (first if first in SPLITS else stem), pairs)


def read_entries(path: str | Path) -> tuple[PairTable, dict[str, str]]:
    """Read a set's own JSON: all pairs in the file's order, and the split of every image.

    Raises ``InputError`` naming the file and the image by its number in the list, counted from 1.
    """
    path, rows = Path(path), []
    split_of: dict[str, str] = {}
    try:
        content = json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path}, line {getattr(error, 'lineno', 1)}: not JSON ({error})") from None
    groups = {"image": content["images"]} if isinstance(content, dict) and "images" in content else content
    if not isinstance(groups, dict) or not groups or not all(isinstance(group, list) for group in groups.values()):
        input_error(path, "the JSON", content, 'an object with a list "images", or with a list per class')
    for group, images in groups.items():
        for number, image in enumerate(images, 1):
            where = f"{path}, {group} {number}"
            if not isinstance(image, dict) or not isinstance(image.get("filename"), str):
                input_error(where, "the image", image, "an object with filename, split, and sentences or raw")
            name, split = image["filename"].strip(), image.get("split")
            where = f"{where} ({name})"
            raw = [image[key] for key in sorted(image) if re.fullmatch(r"raw(_\d+)?", key)]
            sentences = image.get("sentences", raw)
            if not isinstance(sentences, list) or not sentences:
                input_error(where, "sentences", sentences, "a list of at least one sentence")
            if split not in SPLITS or split_of.setdefault(name, split) != split:
                first = split_of.get(name)
                input_error(where, "split", split, f"{first}, as above" if first else "train, val, test")
            rows += [(where, name, text.get("raw") if isinstance(text, dict) else text) for text in sentences]
    if not rows:
        input_error(path, "number of images", 0, "at least one")
    return _table(path, "all", rows), split_of


def read_folder(folder: str | Path) -> dict[str, PairTable]:
    """Read train, val and test (.csv or .csv.gz) of a folder; ``InputError`` when one is missing or an image leaks."""
    folder, tables = Path(folder), {}
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else ["no such folder"]
    for split in SPLITS:
        found = [name for name in (f"{split}.csv", f"{split}.csv.gz") if name in there]
        if len(found) != 1:
            input_error(folder, f"what is there for {split}", found or there, f"one of {split}.csv and {split}.csv.gz")
        tables[split] = read_csv(folder / found[0], split)
    for first, second in combinations(SPLITS, 2):
        if both := sorted(set(tables[first].images) & set(tables[second].images)):
            raise InputError(f"{folder}: {both[0]} is in {first} and {second} ({len(both)} such): allowed is one split")
    return tables
