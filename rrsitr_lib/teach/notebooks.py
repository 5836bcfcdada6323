"""Notebooks from their sources: lessons and a study's forms are executed, the students' exercises are not.

``python -m rrsitr_lib.teach.notebooks`` writes all of them, the list of the exercises and the index;
``--check`` only compares. ``exercises`` or the name of a notebook takes these only. ``--text`` writes changed text into
executed notebooks whose code is as it was. ``--solutions DIR`` writes the exercises with their solutions.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.notebook_run import KERNEL, NOTEBOOKS, without_widgets
from rrsitr_lib.files import write_atomically, write_text
from rrsitr_lib.teach.exercise_books import read_book, with_list
from rrsitr_lib.teach.lesson_index import index_page
from rrsitr_lib.teach.small_figures import with_small_figures
from rrsitr_lib.teach.sources import (
    as_notebook,
    exercise_sources,
    form_sources,
    lesson_sources,
    source_cells,
    target_of,
)


def build(source: str | Path, target: str | Path) -> Path:
    """Execute a percent-format source and write it as a notebook that is equal for equal outputs: no times, no widgets.

    An exception in a cell ends the build, and ``target`` stays as it was. Runs of the lesson land in ``runs/`` beside
    the notebooks' folder; a finished run found there is not trained again.
    """
    notebook = as_notebook(source_cells(source))
    beside = next(folder for folder in Path(source).resolve().parents if folder.name == "src").parents[1]
    place = {"metadata": {"path": str(beside)}}
    NotebookClient(notebook, resources=place, timeout=1800, kernel_name="python3", **KERNEL).execute()
    without_widgets(notebook)
    return _write(as_notebook(notebook.cells), target)


def check(wanted: nbformat.NotebookNode, target: str | Path, executed: bool) -> list[str]:
    """What differs between a source's notebook and the file, cell by cell; empty when they agree.

    ``executed``: every cell must have been run, else none.
    """
    if not Path(target).exists():
        return [f"{target} is missing: make notebooks"]
    found = nbformat.read(target, as_version=4)
    if len(wanted.cells) != len(found.cells):
        return [f"{target} has {len(found.cells)} cells, its source {len(wanted.cells)}: make notebooks"]
    problems = []
    for number, (new, old) in enumerate(zip(wanted.cells, found.cells, strict=True)):
        if (new.source, new.metadata) != (old.source, old.metadata):
            problems.append(f"{target}, cell {number}: differs from its source: make notebooks")
        if old.cell_type == "code" and (old.execution_count is not None) != executed:
            problems.append(f"{target}, cell {number}: was {'never' if executed else 'already'} executed")
    return problems


def build_text(source: str | Path, target: str | Path) -> Path:
    """Write the text of a source into its executed notebook; what the code printed stays.

    Raises ``InputError`` where a code cell is not as it was executed, or a cell was added or taken out.
    """
    wanted, found = as_notebook(source_cells(source)), nbformat.read(target, as_version=4)
    new, old = ([cell.cell_type == "code" and cell.source for cell in one.cells] for one in (wanted, found))
    if new != old:
        raise InputError(f"{target}: its code differs from the source's: build it without --text")
    for cell, changed in zip(found.cells, wanted.cells, strict=True):
        cell.source = changed.source
    return _write(found, target)


def _write(notebook: nbformat.NotebookNode, target: str | Path) -> Path:
    small = with_small_figures(notebook)
    return write_atomically(target, lambda temporary: nbformat.write(small, temporary))


def _chosen(names: Sequence[str]) -> list[Path]:
    """The sources of the named notebooks and folders below ``notebooks``, or all."""
    every = (*lesson_sources(), *form_sources(), *exercise_sources())
    known = {target_of(one).relative_to(NOTEBOOKS).with_suffix("").as_posix(): one for one in every}
    folders = {one.rpartition("/")[0] for one in known}
    for name in names:
        if name not in {*known, *folders}:
            raise InputError(f"no lesson {name!r}: there are {', '.join(known)}")
    return [source for one, source in known.items() if not names or {one, one.rpartition("/")[0]} & {*names}]


def compare(source: Path) -> list[str]:
    """What differs between a source and its notebook; empty when they agree."""
    exercise = source in exercise_sources()
    wanted = read_book(source, solved=False) if exercise else as_notebook(source_cells(source))
    return check(wanted, target_of(source), executed=not exercise)


def _make(source: Path, text_only: bool) -> Path:
    if source in exercise_sources():
        return _write(read_book(source, solved=False), target_of(source))
    return (build_text if text_only else build)(source, target_of(source))


def _lists(chosen: Sequence[Path], compare_only: bool) -> list[str]:
    """Bring what is listed of lessons and exercises up to date, or say that it is not."""
    exercises, pages = NOTEBOOKS / "exercises" / "README.md", {}
    if {*chosen} & {*exercise_sources()}:
        pages[exercises] = with_list(exercises.read_text(encoding="utf-8"))
    if {*chosen} & {*lesson_sources()}:
        pages[NOTEBOOKS / "INDEX.md"] = index_page()
    if compare_only:
        old = [page for page, text in pages.items() if not page.exists() or page.read_text(encoding="utf-8") != text]
        return [f"{page}: its list differs from the sources: make notebooks" for page in old]
    for page, text in pages.items():
        write_text(page, text)
    return []


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or compare; returns an exit code: 0 done, 1 they differ, 2 an unknown lesson or a wrong source."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("--text", action="store_true", help="only text has changed: execute nothing")
    parser.add_argument("--solutions", type=Path, metavar="DIR", help="only write notebooks with solutions into DIR")
    parser.add_argument("names", nargs="*", help="what to take, by default all: 00_start_here, or a folder: exercises")
    options = parser.parse_args(arguments)
    problems: list[str] = []
    try:
        if options.solutions:
            for source in exercise_sources():
                print(_write(read_book(source, solved=True), options.solutions / f"{source.stem}.ipynb"))
            return 0
        for source in (chosen := _chosen(options.names)):
            if options.check:
                problems += compare(source)
            else:
                print(f"{_make(source, options.text)}: {target_of(source).stat().st_size // 1024} KB", flush=True)
        problems += _lists(chosen, options.check)
    except InputError as error:
        parser.error(str(error))
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
