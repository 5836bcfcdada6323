"""Tables of pairs as people keep them, one function a form; every pair knows its table, its row and its place in it."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rrsitr_lib.data.tables.cells import EMPTY, HeldImages, captions, image_name, only_one
from rrsitr_lib.data.tables.columns import choose_columns
from rrsitr_lib.data.tables.records import json_file, json_lines, parquet
from rrsitr_lib.data.tables.row import Form, Row, Stored
from rrsitr_lib.data.tables.samples import folder_of_samples, shard
from rrsitr_lib.data.tables.separated import separated
from rrsitr_lib.errors import InputError, printable

TABLES: dict[str, Form] = {
    ".csv": separated, ".tsv": separated, ".txt": separated, ".token": separated, ".jsonl": json_lines,
    ".ndjson": json_lines, ".json": json_file, ".parquet": parquet,
}  # fmt: skip
FORMS: dict[str, Form] = {**TABLES, ".tar": shard}
SHEETS = (".xlsx", ".xls", ".ods", ".numbers")


class RawPair(NamedTuple):
    """``row``: from 1, over all tables read together; ``where``: for messages; ``problem``: why it cannot be used.

    ``split``: what the table's column of that name says, as in Karpathy's files.
    """

    row: int
    where: str
    image: str
    caption: str
    problem: str = ""
    split: str = ""


class RawPairs(NamedTuple):
    """Pairs as written. ``notes``: what was guessed; ``held``: images that the tables themselves hold, by name."""

    pairs: list[RawPair]
    notes: list[str]
    held: dict[str, bytes | Stored]


def read_tables(
    paths: Sequence[Path],
    image_column: str | None = None,
    caption_column: str | None = None,
    by_content: bool = True,
) -> RawPairs:
    """Read tables of one form together: files of ``FORMS``, or a folder of images with texts beside them.

    A cell may hold a list of captions, and columns of captions may be numbered. Columns that are not named are guessed
    by their usual names, else (``by_content``) by what they hold; ``notes`` says which. A row that is no pair has a
    ``problem``. Raises ``InputError`` naming the file where it cannot be read at all.
    """
    notes: list[str] = []
    found = [(path, row) for path in paths for row in form_at(path)(path, notes)]
    if not found:
        raise InputError(f"{paths[0]}: no pair in it")
    rows = [row for _, row in found]
    if not any(row.cells for row in rows):
        raise InputError(f"{rows[0].where}: {rows[0].problem or 'the object is empty'}")
    image, texts = choose_columns(paths[0], rows, image_column, caption_column, by_content, notes)
    notes = [f"images from column {image!r}, captions from {', '.join(map(repr, texts))}", *dict.fromkeys(notes)]
    pairs, held = [], HeldImages()
    for number, (path, row) in enumerate(found, 1):
        source = path.name.partition(".")[0] if len(paths) > 1 else ""
        pairs += _pairs(number, row, source, image, texts, held)
    return RawPairs(pairs, notes, held.contents)


def form_of(path: Path) -> str:
    """The ending that says how a file is written, packed by gzip or not."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def form_at(path: Path) -> Form:
    """The function that reads a table. Raises ``InputError`` for an unknown form."""
    if path.is_dir():
        return folder_of_samples
    if form_of(path) in SHEETS:
        raise InputError(f"{path}: a spreadsheet: save it as CSV UTF-8 in its program")
    if form_of(path) not in FORMS:
        raise InputError(f"{path}: allowed are {', '.join(FORMS)}, or these by gzip (.csv.gz)")
    return FORMS[form_of(path)]


def _pairs(number: int, row: Row, source: str, image: str, texts: Sequence[str], held: HeldImages) -> list[RawPair]:
    """The pairs of one row; where it is none, one entry that says why."""
    value, name, problem, split = row.cells.get(image), "", row.problem, row.cells.get("split")
    split = split if isinstance(split, str) else ""
    try:
        value = only_one(value)
        name = held.name(value, source, number) or image_name(value)
    except InputError as error:
        name, problem = printable(value.strip())[:200] if isinstance(value, str) else "", problem or str(error)
    if problem:
        return [RawPair(number, row.where, name, "", problem, split)]
    try:
        said = [text for column in texts for text in captions(row.cells.get(column))]
    except InputError as error:
        return [RawPair(number, row.where, name, "", str(error), split)]
    return [RawPair(number, row.where, name, text, "" if text else EMPTY, split) for text in said]
