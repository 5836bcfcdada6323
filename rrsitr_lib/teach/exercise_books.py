"""The exercises of a lesson as a notebook: the students', or one with solutions, which nbgrader takes as its source.

A solution cell is the student's, a check is graded and locked: both carry nbgrader's metadata.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from rrsitr_lib.errors import InputError
from rrsitr_lib.teach.checks import CHECKED
from rrsitr_lib.teach.exercise import POINTS, Exercise
from rrsitr_lib.teach.exercise_source import BEGIN, FUNCTION, STUB, is_grading, read_exercises, without_solution
from rrsitr_lib.teach.sources import as_notebook, exercise_sources, source_cells

# nbgrader gives all points to a cell that does not raise, and our checks only print; it takes hidden tests out of what
# students get, and puts them back to grade
HIDDEN_TEST = "\n### BEGIN HIDDEN TESTS\nassert checks.{0}.grade({0})[0]\n### END HIDDEN TESTS"
ROWS = re.compile(r"(?<=\|---\|---\|---\|\n)(\|.*\n)*")


def read_book(source: str | Path, solved: bool) -> NotebookNode:
    """The notebook of a source, unsolved or solved, never executed, without what is for the checks only.

    Raises ``InputError`` for markers without a partner, a solution outside a function, an exercise without a check.
    """
    source = Path(source)
    known, checked = read_exercises(source), []
    cells = [cell for cell in source_cells(source) if not is_grading(cell)]
    for cell in cells:
        if cell.cell_type == "code":
            names = CHECKED.findall(cell.source)
            checked += names
            _prepare(cell, names[0] if names else "", known, solved)
    if sorted(checked) != sorted(known):
        odd = sorted({*checked} ^ {*known}) or checked
        raise InputError(f"{source.name}: exercises and checks of the lesson differ: {', '.join(odd)}")
    return as_notebook(cells)


def _prepare(cell: NotebookNode, checked: str, known: Mapping[str, Exercise], solved: bool) -> None:
    """Mark a code cell for nbgrader; take its solution out, or add what grades its check."""
    if BEGIN in cell.source:
        cell.metadata["nbgrader"] = _mark(FUNCTION.findall(cell.source)[0], solution=True)
        # in place of a solution nbgrader writes a stub of its own, which raises: ours goes with it
        cell.source = STUB.sub("", cell.source) if solved else without_solution(cell.source)
    elif checked in known:
        cell.metadata["nbgrader"] = _mark(f"check-{checked}", points=POINTS[known[checked].difficulty])
        cell.source += HIDDEN_TEST.format(checked) if solved else ""


def _mark(name: str, solution: bool = False, **more: Any) -> dict[str, Any]:
    kind = {"grade": not solution, "solution": solution, "locked": not solution, "task": False}
    return {"schema_version": 3, "cell_type": "code", "grade_id": name, **kind, **more}


def with_list(text: str) -> str:
    """The page about the exercises with the list of all in the place of its old one."""
    every = [one for source in exercise_sources() for one in read_exercises(source).values()]
    rows = [f"| [{one.title}]({one.lesson}.ipynb) | {one.difficulty} | {one.minutes} |\n" for one in every]
    return ROWS.sub(lambda _: "".join(rows), text)
