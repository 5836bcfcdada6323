"""Student and solution notebooks from one source: ``notebooks/exercises/src/NN_name.py`` in percent format.

A solution stands between ``### BEGIN SOLUTION`` and ``### END SOLUTION``, nbgrader's own markers. Student notebooks
are committed; ``python -m rrsitr_lib.teach.exercise_books`` writes them, ``--check`` compares them,
``--solutions DIR`` writes notebooks that keep the solutions, which nbgrader takes as its source.
"""

import argparse
import ast
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import jupytext
import nbformat

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_atomically
from rrsitr_lib.notebook_run import NOTEBOOKS
from rrsitr_lib.teach import checks

EXERCISES = NOTEBOOKS / "exercises"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
POINTS = {"warm-up": 1, "core": 2, "stretch": 3, "research": 4}
CHECKED = re.compile(r"^checks\.(\w+)\(\w+\)$", re.M)
LIKE_A_MARKER = re.compile(r"\s*(###|#+\s*(begin|end)\s+sol)", re.I)  # no other comment begins so


def exercise_sources() -> list[Path]:
    """The sources in reading order."""
    return sorted((EXERCISES / "src").glob("*.py"))


def without_solution(code: str, where: str) -> str:
    """The code with every solution taken out; the stub above it stays.

    Raises ``InputError`` naming ``where`` and the line for a marker that has no partner, or looks misspelt.

    >>> print(without_solution("answer = None\\n### BEGIN SOLUTION\\nanswer = 1\\n### END SOLUTION", "x"))
    answer = None
    """
    kept, began = [], 0
    for number, line in enumerate(code.splitlines(), 1):
        marker = line.strip() if line.strip() in (BEGIN, END) else ""
        if not marker and LIKE_A_MARKER.match(line):
            raise InputError(f"{where}, line {number} of the cell: {line.strip()!r}: allowed are {BEGIN} and {END}")
        if (marker == BEGIN and began) or (marker == END and not began):
            raise InputError(f"{where}, line {number} of the cell: {marker} without its partner")
        if marker:
            began = number if marker == BEGIN else 0
        elif not began:
            kept.append(line)
    if began:
        raise InputError(f"{where}, line {began} of the cell: {BEGIN} without its partner")
    return "\n".join(kept)


def read_book(source: str | Path, solved: bool) -> nbformat.NotebookNode:
    """The notebook of a source, unsolved or solved, never executed, with nbgrader's marks on tasks and checks.

    Raises ``InputError`` for markers without a partner, a solution outside a function, an exercise without a check.
    """
    source = Path(source)
    book = jupytext.read(source, fmt="py:percent")
    known = {name for name, one in checks.exercises().items() if one.lesson == source.stem}
    for number, cell in enumerate(book.cells):
        where = f"{source.name}, cell {number}"
        cell["id"], cell.metadata = f"cell-{number:03}", nbformat.from_dict({})
        if cell.cell_type == "code":
            bare = without_solution(cell.source, where)
            _mark(cell, where, known)
            cell.source = cell.source + _hidden_test(cell) if solved else bare
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}})
    checked = [name for cell in book.cells if cell.cell_type == "code" for name in CHECKED.findall(cell.source)]
    if sorted(checked) != sorted(known):
        odd = sorted(set(checked) ^ known) or checked
        raise InputError(f"{source.name}: exercises and checks of the lesson differ: {', '.join(odd)}")
    return book


def _mark(cell: nbformat.NotebookNode, where: str, known: set[str]) -> None:
    """nbgrader's metadata: a solution cell is the student's, a check is graded and locked."""
    found, has_solution = CHECKED.search(cell.source), BEGIN in cell.source
    if has_solution:
        names = [node.name for node in ast.parse(cell.source).body if isinstance(node, ast.FunctionDef)]
        if len(names) != 1 or names[0] not in known:
            raise InputError(f"{where}: a solution must stand in one function that the checks know, found {names}")
        cell.metadata["nbgrader"] = _nbgrader(names[0], solution=True)
    elif found and found[1] in known:
        points = POINTS[checks.exercises()[found[1]].difficulty]
        cell.metadata["nbgrader"] = _nbgrader(f"check-{found[1]}", solution=False) | {"points": points}


def _hidden_test(cell: nbformat.NotebookNode) -> str:
    """What grades a check: nbgrader gives all points to a cell that does not raise, and our checks only print.

    nbgrader takes hidden tests out of what students get, and puts them back to grade.
    """
    mark = cell.metadata.get("nbgrader", {})
    if not mark.get("grade"):
        return ""
    name = mark["grade_id"].removeprefix("check-")
    return f"\n### BEGIN HIDDEN TESTS\nassert checks.{name}.judge({name})[0]\n### END HIDDEN TESTS"


def _nbgrader(name: str, solution: bool) -> dict[str, object]:
    return {
        "schema_version": 3,
        "cell_type": "code",
        "grade_id": name,
        "grade": not solution,
        "solution": solution,
        "locked": not solution,
        "task": False,
    }


def write_book(source: Path, target: Path, solved: bool) -> Path:
    """Write a notebook, whole or not at all."""
    book = read_book(source, solved)
    return write_atomically(target, lambda temporary: nbformat.write(book, temporary))


def compare(source: Path) -> list[str]:
    """What differs between a source and its committed student notebook; empty when they agree."""
    target = EXERCISES / f"{source.stem}.ipynb"
    if not target.exists():
        return [f"{target} is missing: make notebooks"]
    same = nbformat.writes(read_book(source, solved=False)) == nbformat.writes(nbformat.read(target, as_version=4))
    return [] if same else [f"{target} differs from its source: make notebooks"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or compare; returns an exit code: 0 done, 1 they differ, 2 a source is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("--solutions", type=Path, metavar="DIR", help="write solution notebooks into DIR")
    options = parser.parse_args(arguments)
    problems: list[str] = []
    try:
        for source in exercise_sources():
            if options.check:
                problems += compare(source)
            else:
                folder = options.solutions or EXERCISES
                print(write_book(source, folder / f"{source.stem}.ipynb", solved=options.solutions is not None))
    except InputError as error:
        parser.error(str(error))
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
