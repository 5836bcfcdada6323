"""One file a lesson's exercises: ``notebooks/exercises/src/NN_name.py`` in percent format, from which all else is read.

An exercise is a markdown cell with its card (title, difficulty, minutes), a cell with its function, whose solution
stands between ``### BEGIN SOLUTION`` and ``### END SOLUTION``, and a cell tagged ``grading``, which no notebook holds:
``cases``, ``first_step``, ``why``, and a function for each typical wrong answer, whose docstring says why it is wrong.
"""

import re
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from rrsitr_lib.errors import InputError
from rrsitr_lib.teach.exercise import Exercise, Wrong
from rrsitr_lib.teach.sources import source_cells

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = re.compile(r"^ *answer = None  # write your answer here\n", re.M)
LIKE_A_MARKER = re.compile(r"(###|#+\s*(begin|end)\s+sol)", re.I)  # no other comment begins so
CARD = re.compile(r"^## (?P<title>.+)\n\n\*(?P<difficulty>\S+) · (?P<minutes>\d+) minutes\*$", re.M)
FUNCTION = re.compile(r"^def (\w+)\(", re.M)
NEEDED, OPTIONAL = ("cases", "first_step", "why"), ("tolerance", "measure")  # what a grading cell sets


def is_grading(cell: NotebookNode) -> bool:
    """Whether a cell is for the checks only."""
    return "grading" in cell.metadata.get("tags", [])


def read_exercises(source: str | Path) -> dict[str, Exercise]:
    """The exercises of a source by name. Its first code cell, its solutions and its gradings are executed for this.

    Raises ``InputError`` naming the cell where a marker has no partner, a solution is outside a function, or its card
    or grading is missing.
    """
    source, cells = Path(source), source_cells(source)
    card: dict[str, str] = {}
    scope: dict[str, Any] = {"__name__": source.stem}
    exec(next((cell.source for cell in cells if cell.cell_type == "code"), ""), scope)
    found = {}
    for number, cell in enumerate(cells):
        where = f"{source.name}, cell {number}"
        if cell.cell_type == "markdown":
            card = heading.groupdict() if (heading := CARD.search(cell.source)) else card
        elif without_solution(cell.source, where) != cell.source:
            name, grading = _name(cell, where), cells[number + 1] if number + 1 < len(cells) else cell
            if not card or not is_grading(grading):
                raise InputError(f"{where}: {name} must stand between its card and a cell tagged grading")
            if len(STUB.findall(cell.source)) != 1:
                raise InputError(f"{where}: {name} must have one line 'answer = None  # write your answer here'")
            exec(cell.source, scope)
            fields = {**card, "minutes": int(card["minutes"]), **_graded_by(grading, dict(scope), where)}
            found[name] = Exercise(name, source.stem, solution=scope[name], **fields)
    return found


def _name(cell: NotebookNode, where: str) -> str:
    """The function that the student writes."""
    names = FUNCTION.findall(cell.source)
    if len(names) != 1:
        raise InputError(f"{where}: a solution must stand in one function, found {names}")
    return names[0]


def _graded_by(cell: NotebookNode, scope: dict[str, Any], where: str) -> dict[str, Any]:
    """What a grading cell says of its exercise; its functions are the typical wrong answers, helpers begin with _."""
    exec(cell.source, scope)
    if missing := [name for name in NEEDED if name not in scope]:
        raise InputError(f"{where}: its grading lacks {', '.join(missing)}")
    fields = {name: scope[name] for name in (*NEEDED, *OPTIONAL) if name in scope}
    wrong = [
        Wrong(one, _in_one_line(one.__doc__ or ""))
        for name, one in scope.items()
        if getattr(one, "__globals__", None) is scope and not name.startswith("_") and name not in fields
    ]
    return fields | {"wrong": wrong, "why": _in_one_line(scope["why"])}


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def without_solution(code: str, where: str = "exercise") -> str:
    """The code with every solution taken out; the stub above it stays.

    Raises ``InputError`` naming ``where`` and the line for a marker that has no partner, or looks misspelt.

    >>> print(without_solution("answer = None\\n### BEGIN SOLUTION\\nanswer = 1\\n### END SOLUTION"))
    answer = None
    """
    kept, began = [], 0
    for number, line in enumerate(code.splitlines(), 1):
        marker = line.strip()
        if not LIKE_A_MARKER.match(marker):
            kept += [] if began else [line]
            continue
        if marker not in (BEGIN, END):
            raise InputError(f"{where}, line {number} of the cell: {marker!r}: allowed are {BEGIN} and {END}")
        if (marker == BEGIN) == bool(began):
            raise InputError(f"{where}, line {number} of the cell: {marker} without its partner")
        began = number if marker == BEGIN else 0
    if began:
        raise InputError(f"{where}, line {began} of the cell: {BEGIN} without its partner")
    return "\n".join(kept)
