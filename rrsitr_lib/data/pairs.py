"""Caption tables: one row per image-caption pair, read from the authors' CSV form or from the sets' own JSON."""

import csv
import gzip
import hashlib
import io
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import fingerprint, write_atomically

SPLITS = ("train", "val", "test")
_WORD = re.compile(r"[^\W_]")
_NO_NAME = re.compile(r"^$|^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|[\x00-\x1f]")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, eq=False)
class PairTable:
    """Image-caption pairs, unchangeable; the rows of an image need be neither five nor neighbours.

    **Shape** ``image_ids`` (N,) and ``captions`` (N,), object arrays of str, one entry per pair.
    Raises ``InputError`` when the lengths differ or are zero, or an entry is no text (NUL, half a surrogate pair).

    >>> table = PairTable(["a.jpg", "b.jpg", "a.jpg"], ["a lake .", "two roads .", "a blue lake ."], "train", "memory")
    >>> table.images.tolist(), table.image_of_row.tolist()
    (['a.jpg', 'b.jpg'], [0, 1, 0])

    Taught in: notebooks/00_start_here
    """

    image_ids: np.ndarray
    captions: np.ndarray
    split: str
    source: str

    def __post_init__(self) -> None:
        for field in ("image_ids", "captions"):
            column = np.array(getattr(self, field), dtype=object)
            for row, text in enumerate(column.ravel()):
                if not isinstance(text, str) or _NO_TEXT.search(text):
                    _refuse(f"{self.source}, row {row + 1}", field, text, "text without NUL or half surrogate pairs")
            column.setflags(write=False)
            object.__setattr__(self, field, column)
        if self.captions.ndim != 1 or len(self) == 0 or self.image_ids.shape != self.captions.shape:
            shapes = (self.image_ids.shape, self.captions.shape)
            _refuse(self.source, "shape of image_ids and captions", shapes, "(N,) for both, N at least 1")

    def __len__(self) -> int:
        return len(self.captions)

    @cached_property
    def images(self) -> np.ndarray:
        """The different image ids in order of first appearance. **Shape** (M,) object array of str."""
        return np.array(list(dict.fromkeys(self.image_ids)), dtype=object)

    @cached_property
    def image_of_row(self) -> np.ndarray:
        """For each pair the place of its image in ``images``. **Shape** (N,) int64, values 0 to M - 1."""
        place = {name: index for index, name in enumerate(self.images)}
        return np.fromiter(map(place.__getitem__, self.image_ids), np.int64, len(self))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over ids and captions in row order."""
        # No entry holds a NUL, so the joined text stands for one table only.
        return fingerprint("\0".join(self.image_ids), "\0".join(self.captions))

    @cached_property
    def captions_sha256(self) -> str:
        r"""SHA-256 (hex) of all captions joined by ``"\n"``, the published form of the authors' splits."""
        return hashlib.sha256("\n".join(self.captions).encode()).hexdigest()

    def with_captions(self, caption_index: np.ndarray) -> Self:
        """The same rows, row i carrying ``captions[caption_index[i]]``. **Shape** (N,) integers 0 to N - 1."""
        if np.shape(caption_index) != (len(self),):
            _refuse(self.source, "shape of caption_index", np.shape(caption_index), f"({len(self)},)")
        return replace(self, captions=self.take(caption_index).captions)

    def take(self, rows: np.ndarray) -> Self:
        """The pairs at ``rows``, in that order. **Shape** (K,) integers 0 to N - 1, K at least 1."""
        rows = np.asarray(rows)
        if rows.ndim != 1 or rows.dtype.kind not in "iu" or not rows.size or rows.min() < 0 or rows.max() >= len(self):
            _refuse(self.source, "row selection", rows, f"integers 0 to {len(self) - 1} on one axis, at least one")
        return replace(self, image_ids=self.image_ids[rows], captions=self.captions[rows])

    def report(self) -> dict[str, Any]:
        """What is worth knowing before training; rows count from 0 (row r is line r + 2 of a plain CSV)."""
        per_image, sentences = np.bincount(self.image_of_row), Counter(self.captions)
        words = np.array([len(caption.split()) for caption in self.captions])
        return {
            "source": self.source, "split": self.split, "rows": len(self), "images": len(self.images),
            "images_by_captions": dict(sorted(Counter(per_image.tolist()).items())),
            "images_without_five": self.images[per_image != 5].tolist(),
            "wordless_rows": [row for row, caption in enumerate(self.captions) if not _WORD.search(caption)],
            "words_mean": round(float(words.mean()), 2), "words_max": int(words.max()), "longest": int(words.argmax()),
            "duplicate_rows": len(self) - len(set(zip(self.image_ids, self.captions, strict=True))),
            "distinct_captions": len(sentences),
            "most_repeated": [(text, times) for text, times in sentences.most_common(5) if times > 1],
        }  # fmt: skip

    def write_csv(self, path: str | Path) -> Path:
        """Write the authors' form ``filename,title``, whole or not at all; ``.gz`` gives the same bytes every time."""
        cells = np.stack([self.image_ids, self.captions], axis=1).ravel().tolist()
        cells = ['"' + text.replace('"', '""') + '"' if re.search('[,"\r\n]', text) else text for text in cells]
        lines = ["filename,title", *map(",".join, zip(cells[::2], cells[1::2], strict=True)), ""]
        data = packed = "\n".join(lines).encode()
        if str(path).endswith(".gz"):
            # Byte 9 names the operating system, which Python versions fill differently; 255 is "unknown".
            data = (packed := gzip.compress(data, mtime=0))[:9] + b"\xff" + packed[10:]
        return write_atomically(path, lambda temporary: temporary.write_bytes(data))


def _refuse(where: object, what: str, value: object, allowed: str) -> NoReturn:
    shown = " ".join(repr(value).split())
    raise InputError(f"{where}: {what} is {shown if len(shown) <= 90 else shown[:87] + '...'}: allowed is {allowed}")


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        if path.name.lower().endswith(".gz") or data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        text = data.decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not a whole gzip file ({error}); fetch it again") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        _refuse(f"{path}, line {line}", f"byte {error.start}", data[error.start : error.start + 1], "UTF-8 text")
    except OSError as error:
        reason = "a folder, a file is needed" if path.is_dir() else (error.strerror or error)
        raise InputError(f"{path}: cannot be read ({reason})") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        _refuse(f"{path}, line {line}", "a character", "\0", "UTF-8 text without NUL (is it UTF-16?)")
    if not text.strip():
        _refuse(path, "the file's text", text, "at least one pair (the file is empty)")
    return text


def _build(path: Path, split: str, rows: Sequence, where: Callable[[int], str], empty_captions: str) -> PairTable:
    if empty_captions not in ("keep", "drop"):
        _refuse(path, "empty_captions", empty_captions, "keep or drop")
    names, captions = [name.strip() for name, _ in rows], [caption for _, caption in rows]
    for name in filter(_NO_NAME.search, dict.fromkeys(names)):
        _refuse(where(names.index(name)), "filename", name, "the name of a file inside the image folder")
    for row in (row for row, caption in enumerate(captions) if not isinstance(caption, str)):
        _refuse(where(row), "caption", captions[row], "text")
    keep = [row for row, text in enumerate(captions) if empty_captions == "keep" or _WORD.search(text)]
    if not keep:
        raise InputError(f"{path}: no caption has a word, so empty_captions='drop' leaves no pair")
    return PairTable([names[row] for row in keep], [captions[row].strip() for row in keep], split, str(path))


def read_csv(path: str | Path, split: str | None = None, empty_captions: str = "keep") -> PairTable:
    """Read ``filename,title`` rows (.csv, .csv.gz, UTF-8; further columns are ignored).

    ``split`` defaults to the file's stem, ``train_nc02.csv.gz`` being train. ``empty_captions="drop"`` leaves out
    captions without a letter or digit (real sets hold "."). Raises ``InputError`` naming the file and line.

    >>> import tempfile
    >>> table = PairTable(["a b.tif"], ["a lake , seen from above"], "val", "memory")
    >>> copy = read_csv(table.write_csv(Path(tempfile.mkdtemp()) / "val.csv.gz"))
    >>> copy.split, copy.captions.tolist(), copy.fingerprint == table.fingerprint
    ('val', ['a lake , seen from above'], True)

    Taught in: notebooks/00_start_here
    """
    path = Path(path)
    reader, rows, lines, line = csv.reader(io.StringIO(_text(path), newline=""), strict=True), [], [], 1
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}, line {line}: not a CSV row ({error}); is a quote left open?") from None
    header = [name.strip() for name in rows[0]]
    if header.count("filename") != 1 or header.count("title") != 1:
        _refuse(f"{path}, line {lines[0]}", "the header", header, "one column filename and one column title")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(header):
            _refuse(f"{path}, line {line}", "the row", row, f"{len(header)} fields (commas in a caption need quotes)")
    if len(rows) == 1:
        _refuse(path, "number of rows", 0, "at least one below the header")
    stem = path.name.removesuffix(".gz").removesuffix(".csv")
    split = split or next((known for known in SPLITS if stem.split("_")[0] == known), stem)
    columns = header.index("filename"), header.index("title")
    pairs = [(row[columns[0]], row[columns[1]]) for row in rows[1:]]
    return _build(path, split, pairs, lambda row: f"{path}, line {lines[row + 1]}", empty_captions)


def read_entries(path: str | Path, empty_captions: str = "keep") -> tuple[PairTable, dict[str, str]]:
    """Read a set's own JSON: all pairs in the file's order, and the split of every image.

    Raises ``InputError`` naming the file and the image by its number in the list, counted from 1.
    """
    path, rows, wheres, split_of = Path(path), [], [], {}
    try:
        content = json.loads(_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path}, line {getattr(error, 'lineno', 1)}: not JSON ({error})") from None
    groups = {"image": content["images"]} if isinstance(content, dict) and "images" in content else content
    if not isinstance(groups, dict) or not groups or not all(isinstance(group, list) for group in groups.values()):
        _refuse(path, "the JSON", content, 'an object with a list "images", or with a list per class')
    for group, images in groups.items():
        for number, image in enumerate(images, 1):
            where = f"{path}, {group} {number}"
            if not isinstance(image, dict) or not isinstance(image.get("filename"), str):
                _refuse(where, "the image", image, "an object with filename, split, and sentences or raw")
            name, split = image["filename"].strip(), image.get("split")
            raw = [image[key] for key in sorted(image) if re.fullmatch(r"raw(_\d+)?", key)]
            sentences = image.get("sentences", raw)
            if not isinstance(sentences, list) or not sentences:
                _refuse(f"{where} ({name})", "sentences", sentences, "a list of at least one sentence")
            if split not in SPLITS or split_of.setdefault(name, split) != split:
                first = split_of.get(name)
                _refuse(f"{where} ({name})", "split", split, f"{first}, as above" if first else "train, val, test")
            rows += [(name, text.get("raw") if isinstance(text, dict) else text) for text in sentences]
            wheres += [f"{where} ({name})"] * len(sentences)
    if not rows:
        _refuse(path, "number of images", 0, "at least one")
    return _build(path, "all", rows, wheres.__getitem__, empty_captions), split_of


def read_karpathy(path: str | Path, split: str | None = None, empty_captions: str = "keep") -> dict[str, PairTable]:
    """Read the JSON of RSITMD, RSICD or NWPU-Captions by its own splits, or only ``split``; errors as above.

    Taught in: notebooks/00_start_here
    """
    table, split_of = read_entries(path, empty_captions)
    part = np.array([split_of[name] for name in table.image_ids])
    tables = {name: replace(table.take(np.flatnonzero(part == name)), split=name) for name in SPLITS if name in part}
    if split is not None and split not in tables:
        _refuse(path, "split", split, ", ".join(tables))
    return tables if split is None else {split: tables[split]}


def read_folder(folder: str | Path, empty_captions: str = "keep") -> dict[str, PairTable]:
    """Read train, val and test (.csv or .csv.gz) of a folder; ``InputError`` when one is missing or an image leaks.

    Taught in: notebooks/00_start_here
    """
    folder, tables = Path(folder), {}
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else ["no such folder"]
    for split in SPLITS:
        found = [name for name in (f"{split}.csv", f"{split}.csv.gz") if name in there]
        if len(found) != 1:
            _refuse(folder, f"what is there for {split}", found or there, f"one of {split}.csv and {split}.csv.gz")
        tables[split] = read_csv(folder / found[0], split, empty_captions)
    for first, second in combinations(SPLITS, 2):
        if both := sorted(set(tables[first].images) & set(tables[second].images)):
            raise InputError(f"{folder}: {both[0]} is in {first} and {second} ({len(both)} such): allowed is one split")
    return tables
