"""The sources of all notebooks, in percent format below ``notebooks``: which there are, and what they become."""

import ast
import re
from collections.abc import Sequence
from pathlib import Path

import jupytext
import nbformat

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.notebook_run import NOTEBOOKS

TITLE = re.compile(r"^# # (.+)$", re.M)
WORDS_A_MINUTE, MINUTES_A_QUESTION = 150, 2


def lesson_sources() -> list[Path]:
    """The lessons in reading order."""
    return sorted((NOTEBOOKS / "src").glob("*.py"))


def lesson_notebooks() -> list[Path]:
    """The lessons as notebooks. Raises ``InputError`` where there is none."""
    if found := sorted(NOTEBOOKS.glob("*.ipynb")):
        return found
    raise InputError(f"{NOTEBOOKS}: no notebooks here; make notebooks builds them")


def form_sources() -> list[Path]:
    """The notebooks that a study fills in."""
    return sorted((NOTEBOOKS / "src" / "runs").glob("*.py"))


def exercise_sources() -> list[Path]:
    """The exercises, a file a lesson."""
    return sorted((NOTEBOOKS / "exercises" / "src").glob("*.py"))


def target_of(source: Path) -> Path:
    """The notebook of a source: the same place, without the folder ``src``."""
    parts = [part for part in source.relative_to(NOTEBOOKS).parts if part != "src"]
    return NOTEBOOKS.joinpath(*parts).with_suffix(".ipynb")


def source_cells(source: str | Path) -> list[nbformat.NotebookNode]:
    """The cells of a source; a lesson's last text ends with the way to its neighbours."""
    cells = jupytext.read(source, fmt="py:percent").cells
    if (ways := neighbours(Path(source))) and (texts := [cell for cell in cells if cell.cell_type == "markdown"]):
        texts[-1].source += f"\n\n{ways}"
    return cells


def neighbours(source: Path) -> str:
    """Links to the lessons before and after one, by their titles; empty for what is no lesson."""
    lessons = lesson_sources()
    if source not in lessons:
        return ""
    place, ways = lessons.index(source), []
    for word, number in (("Before", place - 1), ("Next", place + 1)):
        if 0 <= number < len(lessons):
            title = TITLE.search(lessons[number].read_text(encoding="utf-8"))
            ways.append(f"{word}: [{title[1] if title else lessons[number].stem}]({lessons[number].stem}.ipynb)")
    return " · ".join(ways)


def learning_minutes(source: str | Path) -> int:
    """Minutes that a lesson takes to work through, estimated and rounded to 5.

    Its words at 150 a minute, one minute for every code cell that prints or draws, two for every question below
    "Predict, then move".
    """
    cells = jupytext.read(source, fmt="py:percent").cells
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    shown = sum(cell.cell_type == "code" and _shows(cell.source) for cell in cells)
    asked = (text.partition("Predict, then move")[2] for text in texts)
    questions = sum(len(re.findall(r"^\d\. ", text, re.M)) for text in asked)
    minutes = sum(len(text.split()) for text in texts) / WORDS_A_MINUTE + shown + MINUTES_A_QUESTION * questions
    return max(5, 5 * round(minutes / 5))


def _shows(code: str) -> bool:
    """Whether a cell prints, draws, or ends in a value."""
    last = ast.parse(code).body[-1:]
    return "print(" in code or "plt." in code or (bool(last) and isinstance(last[0], ast.Expr))


def as_notebook(cells: Sequence[nbformat.NotebookNode]) -> nbformat.NotebookNode:
    """A notebook, not executed, that is equal for equal cells: numbered, with tags and nbgrader's marks only."""
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number:03}"
        kept = {name: cell.metadata[name] for name in ("nbgrader", "tags") if name in cell.metadata}
        cell.metadata = nbformat.from_dict(kept)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=list(cells), metadata=metadata)
