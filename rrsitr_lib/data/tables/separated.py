"""Separated values, with a header or without one, and the token files of the Flickr sets."""

import re
from pathlib import Path

from rrsitr_lib.data.images import SUFFIXES
from rrsitr_lib.data.tables.row import Row
from rrsitr_lib.data.tables.text import SEPARATORS, guess_separator, read_text, split_rows, uneven
from rrsitr_lib.errors import InputError, input_error

TOKEN = re.compile(r"([^\t\n]+)#\d+\t(.*)")


def separated(path: Path, notes: list[str]) -> list[Row]:
    """A table of separated values; without the ending .tsv the separator is guessed.

    A first line that names an image file is a pair, not a header; its columns are then called 1, 2 and so on. A row of
    another number of fields is a problem of that row, unless most rows are so.
    """
    text = read_text(path)
    if TOKEN.match(text):
        return _token(path, text)
    known = path.name.lower().removesuffix(".gz").endswith(".tsv")
    separator = "\t" if known else guess_separator(text)
    header, rows = split_rows(path, text, separator)
    if not known:
        notes.append(f"separated by {SEPARATORS[separator]}")
    if any(name.lower().endswith(SUFFIXES) for name in header):
        notes.append("no header: the first line is a pair")
        rows = [(f"{path}, line 1", header), *rows]
        header = [str(number) for number in range(1, len(header) + 1)]
    named = [name for name in header if name]  # a spreadsheet leaves columns without name behind
    if len(set(named)) < len(named):
        input_error(f"{path}, line 1", "the header", header, "each column once")
    wrong = [uneven(header, cells, separator) for _, cells in rows]
    if 2 * sum(map(bool, wrong)) > len(rows):  # it is the separator that is wrong, or quotes are missing throughout
        raise InputError(next(f"{where}: {said}" for (where, _), said in zip(rows, wrong, strict=True) if said))
    return [
        Row(where, {} if said else dict(zip(header, cells, strict=True)), said)
        for (where, cells), said in zip(rows, wrong, strict=True)
    ]


def _token(path: Path, text: str) -> list[Row]:
    """Lines ``name.jpg#0<TAB>caption``, quotes without meaning."""
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if not (found := TOKEN.fullmatch(line.rstrip("\r"))):
            raise InputError(f"{path}, line {number}: {line[:60]!r}: allowed is NAME#NUMBER, a tab, the caption")
        rows.append(Row(f"{path}, line {number}", {"image": found[1], "caption": found[2]}))
    return rows
