"""Caption tables: one row per image-caption pair, unchangeable; read from and written in the authors' CSV form."""

import hashlib
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from gzip import GzipFile
from itertools import combinations
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np

from rrsitr_lib.data.tables import EMPTY, TABLES, form_of, read_tables
from rrsitr_lib.data.tables.cells import NO_TEXT
from rrsitr_lib.errors import InputError, input_error
from rrsitr_lib.files import fingerprint, write_atomically

SPLITS = ("train", "val", "test")
_NO_NAME = re.compile(r"^$|(^|[/\\])\.\.([/\\]|$)|[\x00-\x1f]")


def numbered(values: Sequence[str] | np.ndarray) -> tuple[list[str], np.ndarray]:
    """The different values in order of appearance, and the number of each entry's value. **Shape** (N,) -> (U,), (N,).

    >>> numbered(["b", "a", "b"])[1].tolist()
    [0, 1, 0]
    """
    unique = list(dict.fromkeys(values))
    place = {value: number for number, value in enumerate(unique)}
    return unique, np.fromiter(map(place.__getitem__, values), np.int64, len(values))


@dataclass(frozen=True, eq=False)
class PairTable:
    """Image-caption pairs, unchangeable; the rows of an image need be neither five nor neighbours.

    **Shape** ``image_ids`` (N,) and ``captions`` (N,), object arrays of str, one entry per pair. ``read_as``: what was
    guessed of the columns and separators of its file. Raises ``InputError`` when the lengths differ or are zero, or an
    entry is no text (NUL, half a surrogate pair).

    >>> table = PairTable(["a.jpg", "b.jpg", "a.jpg"], ["a lake .", "two roads .", "a blue lake ."], "train", "memory")
    >>> table.images.tolist(), table.image_of_row.tolist()
    (['a.jpg', 'b.jpg'], [0, 1, 0])
    """

    image_ids: np.ndarray
    captions: np.ndarray
    split: str
    source: str
    read_as: str = ""

    def __post_init__(self) -> None:
        for field in ("image_ids", "captions"):
            column = np.array(getattr(self, field), dtype=object)
            for row, text in enumerate(column.ravel()):
                if not isinstance(text, str) or NO_TEXT.search(text):
                    where = f"{self.source}, row {row + 1}"
                    input_error(where, field, text, "text without NUL or half surrogate pairs")
            column.setflags(write=False)
            object.__setattr__(self, field, column)
        if self.captions.ndim != 1 or len(self) == 0 or self.image_ids.shape != self.captions.shape:
            shapes = (self.image_ids.shape, self.captions.shape)
            input_error(self.source, "shape of image_ids and captions", shapes, "(N,) for both, N at least 1")

    def __len__(self) -> int:
        return len(self.captions)

    @cached_property
    def images(self) -> np.ndarray:
        """The different image ids in order of first appearance. **Shape** (M,) object array of str."""
        return np.array(numbered(self.image_ids)[0], dtype=object)

    @cached_property
    def image_of_row(self) -> np.ndarray:
        """For each pair the place of its image in ``images``. **Shape** (N,) int64, values 0 to M - 1."""
        return numbered(self.image_ids)[1]

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
            input_error(self.source, "shape of caption_index", np.shape(caption_index), f"({len(self)},)")
        return replace(self, captions=self.take(caption_index).captions)

    def take(self, rows: np.ndarray) -> Self:
        """The pairs at ``rows``, in that order. **Shape** (K,) integers 0 to N - 1, K at least 1."""
        rows = np.asarray(rows)
        if rows.ndim != 1 or rows.dtype.kind not in "iu" or not rows.size or rows.min() < 0 or rows.max() >= len(self):
            input_error(self.source, "row selection", rows, f"integers 0 to {len(self) - 1} on one axis, at least one")
        return replace(self, image_ids=self.image_ids[rows], captions=self.captions[rows])

    def write_csv(self, path: str | Path) -> Path:
        """Write the authors' form ``filename,title``, whole or not at all; ``.gz`` gives the same bytes every time."""

        def write(temporary: Path) -> None:
            with open(temporary, "wb") as file, _packed(file, str(path)) as text:
                text.write(b"filename,title\n")
                for cells in zip(self.image_ids, self.captions, strict=True):
                    text.write((",".join(map(_quoted, cells)) + "\n").encode())

        return write_atomically(path, write)


def _packed(file: BinaryIO, name: str) -> AbstractContextManager[Any]:
    """By gzip where the name says so, without name and time, whose bytes would differ."""
    return GzipFile("", "wb", fileobj=file, mtime=0) if name.endswith(".gz") else nullcontext(file)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if re.search('[,"\r\n]', text) else text


def read_folder(folder: str | Path, splits: Sequence[str] = SPLITS) -> dict[str, PairTable]:
    """Read the train, val and test table of a folder, or those asked for.

    A .csv comes before the other forms that ``read_csv`` takes.

    Raises ``InputError`` when a table is missing, or there twice, or an image leaks.
    """
    folder, tables = Path(folder), {}
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else ["no such folder"]
    for split in splits:
        own = [name for name in there if name in {split + form + packed for form in TABLES for packed in ("", ".gz")}]
        found = [name for name in own if form_of(Path(name)) == ".csv"] or own
        if len(found) != 1:
            input_error(folder, f"what is there for {split}", found or there, f"one of {split}.csv and {split}.csv.gz")
        tables[split] = read_csv(folder / found[0], split)
    for first, second in combinations(splits, 2):
        if both := sorted(set(tables[first].images) & set(tables[second].images)):
            raise InputError(f"{folder}: {both[0]} is in {first} and {second} ({len(both)} such): allowed is one split")
    return tables


def read_csv(path: str | Path, split: str | None = None) -> PairTable:
    """Read pairs as the authors keep them, ``filename,title`` (.csv, .csv.gz, UTF-8; further columns are ignored).

    Other usual names of the columns, other separators, JSON and Parquet are read too, as ``read_as`` says. A caption
    may be empty, but every row must be a pair. ``split`` defaults to the file's stem, ``train_nc02.csv.gz`` being
    train. Raises ``InputError`` naming the file and line.

    >>> import tempfile
    >>> table = PairTable(["a b.tif"], ["a lake , seen from above"], "val", "memory")
    >>> copy = read_csv(table.write_csv(Path(tempfile.mkdtemp()) / "val.csv.gz"))
    >>> copy.split, copy.captions.tolist(), copy.fingerprint == table.fingerprint
    ('val', ['a lake , seen from above'], True)
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: a folder, a file is needed")
    raw = read_tables([path], by_content=False)
    if raw.held:
        raise InputError(f"{path}: it holds its images itself: allowed here is a table that names image files")
    stem = path.name.removesuffix(".gz").removesuffix(".csv")
    first = stem.split("_")[0]
    if bad := next((pair for pair in raw.pairs if pair.problem not in ("", EMPTY)), None):
        raise InputError(f"{bad.where}: {bad.problem}")
    table = table_of(path, split or (first if first in SPLITS else stem), [pair[1:4] for pair in raw.pairs])
    return replace(table, read_as="; ".join(raw.notes))


def table_of(path: Path, split: str, rows: Sequence[tuple[str, str, Any]]) -> PairTable:
    """The table of (where it stands, filename, caption) rows. Raises ``InputError`` naming the place of a bad one."""
    for where, name, caption in rows:
        if _NO_NAME.search(name):
            input_error(where, "filename", name, "the name of a file inside the image folder")
        if not isinstance(caption, str):
            input_error(where, "caption", caption, "text")
    names, captions = [name for _, name, _ in rows], [text.strip() for _, _, text in rows]
    return PairTable(np.array(names, dtype=object), np.array(captions, dtype=object), split, str(path))
