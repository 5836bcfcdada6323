"""Student and solution notebooks from one source: ``notebooks/exercises/src/NN_name.py`` in percent format.

A solution stands between ``### BEGIN SOLUTION`` and ``### END SOLUTION``, nbgrader's own markers. Student notebooks
and the list in ``README.md`` are committed; ``python -m rrsitr_lib.teach.exercise_books`` writes them, ``--check``
compares them, ``--solutions DIR`` writes notebooks that keep the solutions, which nbgrader takes as its source.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import jupytext
import nbformat

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_atomically
from rrsitr_lib.teach import checks
from rrsitr_lib.teach.exercise_source import BEGIN, END, SourceOutline, outline, without_solution
from rrsitr_lib.teach.notebooks import NOTEBOOKS

EXERCISES = NOTEBOOKS / "exercises"
POINTS = {"warm-up": 1, "core": 2, "stretch": 3, "research": 4}
HIDDEN = "{call}\n### BEGIN HIDDEN TESTS\nassert checks.{name}.judge({name})[0]\n### END HIDDEN TESTS"
LIST_FROM, LIST_TO = "<!-- list of the exercises: generated -->", "<!-- end of the list -->"


def exercise_sources() -> list[Path]:
    """The sources in reading order."""
    return sorted((EXERCISES / "src").glob("*.py"))


def read_book(source: str | Path, solved: bool) -> nbformat.NotebookNode:
    """The notebook of a source, unsolved or solved, never executed, with nbgrader's marks on tasks and checks.

    A check only prints and never raises, so that the notebook runs to its end; nbgrader, however, gives all points to
    a cell that does not raise. The solved notebook therefore adds a hidden test, which nbgrader takes out of what
    students get and puts back to grade. Raises ``InputError`` as ``outline`` does.
    """
    source = Path(source)
    known = {name for name, one in checks.exercises().items() if one.lesson == source.stem}
    found, book = outline(source, known), jupytext.read(source, fmt="py:percent")
    for number, cell in enumerate(book.cells):
        cell["id"], cell.metadata = f"cell-{number:03}", nbformat.from_dict({})
        if cell.cell_type == "code":
            _finish(cell, found, solved)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}})
    return book


def _finish(cell: nbformat.NotebookNode, found: SourceOutline, solved: bool) -> None:
    """Solved or bare, and marked: a solution cell is the student's, a check is graded and locked."""
    name = found.calls.get(cell.source)
    if name is not None:
        points = {"points": POINTS[checks.exercises()[name].difficulty]}
        cell.metadata["nbgrader"] = _nbgrader(f"check-{name}", solution=False) | points
        cell.source = HIDDEN.format(call=cell.source, name=name) if solved else cell.source
    elif BEGIN in cell.source:
        (name,) = [one for one in found.tasks if re.search(rf"^def {one}\(", cell.source, re.M)]
        cell.metadata["nbgrader"] = _nbgrader(name, solution=True)
        cell.source = cell.source if solved else without_solution(cell.source)


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


def list_of_exercises(sources: Iterable[Path]) -> str:
    """The exercises as a markdown table: title with a link to the student notebook, difficulty, minutes."""
    rows = ["| exercise | difficulty | minutes |", "|---|---|---|"]
    for source in sources:
        prose = "\n".join(cell.source for cell in read_book(source, solved=False).cells if cell.cell_type == "markdown")
        for title, difficulty, minutes in re.findall(r"^## (.+)\n+\*([\w-]+) · (\d+) minutes\*$", prose, re.M):
            rows.append(f"| [{title}]({source.stem}.ipynb) | {difficulty} | {minutes} |")
    return "\n".join(rows)


def with_list(readme: str, table: str) -> str:
    """The README's text with a new list between its two marks. Raises ``InputError`` where a mark is missing."""
    before, mark, rest = readme.partition(LIST_FROM)
    _, end, after = rest.partition(LIST_TO)
    if not (mark and end):
        raise InputError(f"notebooks/exercises/README.md: needs the lines {LIST_FROM!r} and {LIST_TO!r}, in this order")
    return f"{before}{mark}\n\n{table}\n\n{end}{after}"


def student_files() -> dict[Path, str]:
    """Everything that is committed, by its path: the student notebooks and the README with its list.

    Raises ``InputError`` where a source is wrong or where the checks name a lesson without a source.
    """
    sources = exercise_sources()
    missing = {one.lesson for one in checks.exercises().values()} - {source.stem for source in sources}
    if missing:
        raise InputError(f"{EXERCISES.name}/src/{min(missing)}.py: is missing, but checks of this lesson are there")
    files = {EXERCISES / f"{one.stem}.ipynb": nbformat.writes(read_book(one, solved=False)) + "\n" for one in sources}
    readme = EXERCISES / "README.md"
    return files | {readme: with_list(readme.read_text(encoding="utf-8"), list_of_exercises(sources))}


def solution_files(folder: Path) -> dict[Path, str]:
    """The solution notebooks, by their path in ``folder``. Raises ``InputError`` where a source is wrong."""
    return {
        folder / f"{one.stem}.ipynb": nbformat.writes(read_book(one, solved=True)) + "\n" for one in exercise_sources()
    }


def compare(path: Path, wanted: str) -> list[str]:
    """What differs between a committed file and what its source gives; empty when they agree."""
    if not path.exists():
        return [f"{path} is missing: make notebooks"]
    same = path.read_text(encoding="utf-8") == wanted
    return [] if same else [f"{path} differs from its source: make notebooks"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or compare; returns an exit code: 0 done, 1 they differ, 2 a source is wrong and nothing was written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("--solutions", type=Path, metavar="DIR", help="write solution notebooks into DIR")
    options = parser.parse_args(arguments)
    try:  # all of them are made before the first is written
        files = solution_files(options.solutions) if options.solutions else student_files()
    except InputError as error:
        parser.error(str(error))
    if options.check:
        problems = [problem for path, text in files.items() for problem in compare(path, text)]
        print("\n".join(problems), end="\n" if problems else "")
        return 1 if problems else 0
    for path, text in files.items():
        print(write_atomically(path, lambda temporary, text=text: temporary.write_text(text, encoding="utf-8")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
