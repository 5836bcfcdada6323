"""Text files: UTF-8, packed or not, and separated values; every row with the place where it stands."""

import csv
import io
from itertools import islice
from pathlib import Path

from rrsitr_lib import text_file
from rrsitr_lib.errors import InputError, complaint, input_error

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
LOOKED_AT = 20  # rows by which a separator is guessed


def read_text(path: Path) -> str:
    """The text of a table, gzip or not; ``InputError`` names the line of a byte that is no text, and an empty file."""
    text = text_file.read_text(path)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        input_error(f"{path}, line {line}", "a character", "\0", "UTF-8 text without NUL (is it UTF-16?)")
    if not text.strip():
        input_error(path, "the file's text", text, "at least one pair (the file is empty)")
    return text


def read_separated(path: Path, separator: str) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Header and rows of a table of separated values, each row with the place where it stands; no empty lines.

    Raises ``InputError`` naming the line for a quote that is left open and for a row with another number of fields than
    the header.
    """
    header, rows = split_rows(path, read_text(path), separator)
    for where, row in rows:
        if problem := uneven(header, row, separator):
            raise InputError(f"{where}: {problem}")
    return header, rows


def uneven(header: list[str], row: list[str], separator: str) -> str:
    """What is wrong with a row of another number of fields than the header; empty where nothing is."""
    allowed = f"{len(header)} fields (captions that hold {separator!r} need quotes)"
    return "" if len(row) == len(header) else complaint("the row", row, allowed)


def split_rows(path: Path, text: str, separator: str) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """``read_separated`` of a text that was read already, rows of any number of fields."""
    reader, found, line = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), [], 1
    try:
        for row in reader:
            found += [(f"{path}, line {line}", row)] if row else []
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}, line {line}: not a row of the table ({error}); is a quote left open?") from None
    return [name.strip() for name in found[0][1]], found[1:]


def guess_separator(text: str) -> str:
    r"""The separator that the first line has most of, among those that cut the first rows into equally many fields.

    >>> guess_separator("a.jpg\ta lake , blue , deep\nb.jpg\ta road\n")
    '\t'
    """
    first = text.lstrip("\r\n ").partition("\n")[0]
    there = [separator for separator in SEPARATORS if separator in first]
    return max([one for one in there if _is_even(text, one)] or there or ",", key=first.count)


def _is_even(text: str, separator: str) -> bool:
    try:
        rows = islice(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), LOOKED_AT)
        return len({len(row) for row in rows if row}) == 1
    except csv.Error:
        return False
