"""One row of a table as its form gives it, before any column is chosen."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple


class Row(NamedTuple):
    """``where``: file and line, entry or key, for messages; ``cells`` by column; ``problem``: why it is no pair."""

    where: str
    cells: Mapping[str, Any]
    problem: str = ""


# Rows of one file; what was guessed on the way is added to the notes.
Form = Callable[[Path, list[str]], list[Row]]
