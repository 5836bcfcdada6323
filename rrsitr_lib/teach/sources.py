"""The sources of all notebooks, in percent format below ``notebooks``: which there are, and what they become."""

from collections.abc import Sequence
from pathlib import Path

import jupytext
import nbformat

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.notebook_run import NOTEBOOKS


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
    """The cells of a source."""
    return jupytext.read(source, fmt="py:percent").cells


def as_notebook(cells: Sequence[nbformat.NotebookNode]) -> nbformat.NotebookNode:
    """A notebook, not executed, that is equal for equal cells: numbered, with tags and nbgrader's marks only."""
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number:03}"
        kept = {name: cell.metadata[name] for name in ("nbgrader", "tags") if name in cell.metadata}
        cell.metadata = nbformat.from_dict(kept)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=list(cells), metadata=metadata)
