"""Lessons from their percent-format sources: build, compare.

``python -m rrsitr_lib.teach.notebooks`` executes every source and writes the notebooks; ``--check`` only compares.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_atomically
from rrsitr_lib.notebook_run import KERNEL, NOTEBOOKS, without_widgets


def build(source: str | Path, target: str | Path) -> Path:
    """Execute a percent-format source and write it as a notebook that is equal for equal outputs: no times, no widgets.

    An exception in a cell ends the build, and ``target`` stays as it was. Runs of the lesson land in ``runs/`` beside
    the notebooks' folder; a finished run found there is not trained again.
    """
    notebook = _read_source(source)
    source = Path(source).resolve()
    inside = source.is_relative_to(NOTEBOOKS)
    place = {"metadata": {"path": str(NOTEBOOKS.parent if inside else source.parents[2])}}
    NotebookClient(notebook, resources=place, timeout=1800, kernel_name="python3", **KERNEL).execute()
    _clean(notebook)
    return write_atomically(target, lambda temporary: nbformat.write(notebook, temporary))


def check(source: str | Path, target: str | Path) -> list[str]:
    """What differs between a source and its notebook, cell by cell; empty when they agree and every cell was run."""
    if not Path(target).exists():
        return [f"{target} is missing: make notebooks"]
    wanted, found = _read_source(source).cells, nbformat.read(target, as_version=4).cells
    if len(wanted) != len(found):
        return [f"{target} has {len(found)} cells, its source {len(wanted)}: make notebooks"]
    problems = []
    for number, (new, old) in enumerate(zip(wanted, found, strict=True)):
        if new.source != old.source or new.metadata.get("tags", []) != old.metadata.get("tags", []):
            problems.append(f"{target}, cell {number}: differs from {Path(source).name}: make notebooks")
        if old.cell_type == "code" and old.execution_count is None:
            problems.append(f"{target}, cell {number}: was never executed")
    return problems


def _read_source(source: str | Path) -> nbformat.NotebookNode:
    notebook = jupytext.read(source, fmt="py:percent")
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:03}"
        cell.metadata = {key: value for key, value in cell.metadata.items() if key == "tags"}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}})
    return notebook


def _clean(notebook: nbformat.NotebookNode) -> None:
    """Drop what changes from run to run, and widgets."""
    without_widgets(notebook)
    notebook.metadata = nbformat.from_dict({key: notebook.metadata[key] for key in ("kernelspec", "language_info")})
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata = {key: value for key, value in cell.metadata.items() if key == "tags"}


def sources(names: Sequence[str] = ()) -> list[Path]:
    """The percent-format sources in reading order, or those of the given lessons. Raises ``InputError`` for others."""
    lessons = sorted((NOTEBOOKS / "src").glob("*.py"))
    known = {path.stem: path for path in [*lessons, *(forms() if names else ())]}
    for name in names:
        if name not in known:
            raise InputError(f"no lesson {name!r}: there are {', '.join(known)}")
    return [path for name, path in known.items() if not names or name in names]


def forms() -> list[Path]:
    """The sources of the notebooks that a study fills in."""
    return sorted((NOTEBOOKS / "src" / "runs").glob("*.py"))


def target_of(source: Path) -> Path:
    """The notebook of a source: the same place, below ``notebooks`` instead of ``notebooks/src``."""
    return (NOTEBOOKS / source.relative_to(NOTEBOOKS / "src")).with_suffix(".ipynb")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build or check the sources; returns an exit code: 0 done, 1 they differ, 2 an unknown lesson."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("names", nargs="*", help="lessons to take, by default all: 00_start_here")
    options = parser.parse_args(arguments)
    problems = []
    try:
        chosen = sources(options.names) + ([] if options.names else forms())
    except InputError as error:
        parser.error(str(error))
    for source in chosen:
        target = target_of(source)
        if options.check:
            problems += check(source, target)
        else:
            print(f"{build(source, target)}: {target.stat().st_size // 1024} KB", flush=True)
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
