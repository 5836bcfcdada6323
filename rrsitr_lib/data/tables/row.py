"""One row of a table as its form gives it, before any column is chosen."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple


class Row(NamedTuple):
    """``where``: file and line, entry or key, for messages; ``cells`` by column; ``problem``: why it is no pair."""

    where: str
    cells: Mapping[str, Any]
    problem: str = ""


class Stored(NamedTuple):
    """An image inside a file, ``size`` bytes from ``offset``: read when it is asked for, so that memory holds none."""

    path: Path
    offset: int
    size: int

    def read(self) -> bytes:
        """Its bytes. Raises ``OSError`` where the file is gone."""
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


# Rows of one file; what was guessed on the way is added to the notes.
Form = Callable[[Path, list[str]], list[Row]]
