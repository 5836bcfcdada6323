"""The static site: executed lessons, explorers of a run, exercises, glossary, and an index; ready for any web host.

This module writes a folder of sources; Sphinx makes pages of it, with a sidebar, a search and the way to the
neighbours, and nothing that is asked of another host. CONTRIBUTING says why Sphinx.
"""

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pandas as pd

from rrsitr_lib.experiments.notebook_run import NOTEBOOKS, without_widgets
from rrsitr_lib.files import write_text
from rrsitr_lib.progress import progress_bar
from rrsitr_lib.teach.explorer_pages import ExplorerPage, explorers_of, export_explorers, homes
from rrsitr_lib.teach.figure_texts import figure_texts
from rrsitr_lib.teach.pages import render
from rrsitr_lib.teach.sources import lesson_notebooks
from rrsitr_lib.teach.sphinx_pages import TITLE, need_sphinx, run_sphinx

EXPLORERS_OF_RUN = 8  # pages that the progress bar expects
EXERCISES = re.compile(r"\[([^\]]+)\]\((exercises/\w+\.ipynb)\)")  # to download: Sphinx would look for a page


@dataclass(frozen=True)
class LessonPage:
    """A lesson as the index lists it. ``state`` is empty where nothing is to be said."""

    notebook: Path
    title: str
    facts: str
    state: str = ""
    failed: bool = False
    readable: bool = True

    @property
    def name(self) -> str:
        """The file name without its ending."""
        return self.notebook.stem


def describe(notebook: Path, state: str = "", failed: bool = False) -> LessonPage:
    """Title and facts line of a lesson, from its first cell. A damaged file gives its name as the title."""
    try:
        lines = [line for line in nbformat.read(notebook, as_version=4).cells[0].source.splitlines() if line]
        title, facts = lines[0].lstrip("# ").replace("`", ""), lines[1].strip("* ") if len(lines) > 1 else ""
    except Exception:  # nbformat converts what looks like an old version, and then can raise anything
        return LessonPage(notebook, notebook.stem, "", state or "cannot be read", failed=True, readable=False)
    return LessonPage(notebook, title, facts, state, failed)


def build_site(out: str | Path, run: str | Path | None = None) -> Path:
    """The committed lessons, and the explorers of ``run`` where one is given, as a folder of static pages.

    Returns the index. Raises ``InputError`` where there is no lesson, no run, no Sphinx, or a formula is wrong.
    """
    need_sphinx()
    out, lessons = Path(out), [describe(notebook) for notebook in lesson_notebooks()]
    with progress_bar(len(lessons) + (EXPLORERS_OF_RUN if run else 0), "site", " pages") as bar:
        explorers = site_explorers(out, lessons, run, bar.update) if run else []
        return write_site(out, lessons, explorers, done=bar.update)


def site_explorers(
    out: Path, lessons: Sequence[LessonPage], run: str | Path, done: Callable[[], object] = bool
) -> list[ExplorerPage]:
    """The explorers of a run as pages of the site, which lead back to their lessons; what it cannot feed is listed too.

    ``done`` is called after each. Raises ``InputError`` where there is no run.
    """
    back = {"All explorers": "explorers.html", "Start": "index.html"}
    found = _homes(lessons)

    def ways(name: str) -> dict[str, str]:
        return ({f"Lesson: {found[name].title}": f"{found[name].name}.html"} if name in found else {}) | back

    return export_explorers(run, out, ways=ways, shared=True, done=done)


def _homes(lessons: Sequence[LessonPage]) -> dict[str, LessonPage]:
    by_notebook = {lesson.notebook: lesson for lesson in lessons if lesson.readable}
    return {name: by_notebook[notebook] for name, notebook in homes([*by_notebook]).items()}


def write_site(
    out: Path,
    lessons: Sequence[LessonPage],
    explorers: Sequence[ExplorerPage],
    table: pd.DataFrame | None = None,
    done: Callable[[], object] = bool,
) -> Path:
    """Pages of the lessons and of all that belongs to them; returns the index.

    ``explorers`` have their pages in ``out``; ``done`` is called after each lesson. Raises ``InputError`` for a formula
    that cannot be read; and when all is written, for whatever else Sphinx complains of.
    """
    shown = [page for page in explorers if not page.missing]
    with TemporaryDirectory() as place:
        source = Path(place) / "source"
        for lesson in lessons:
            if lesson.readable:
                nbformat.write(lesson_source(lesson.notebook, shown), _made(source / f"{lesson.name}.ipynb"))
        _write_index(source, lessons, shown, table)
        run_sphinx(source, out, done)
    for notebook in _exercises():
        shutil.copyfile(notebook, _made(out / "exercises" / notebook.name))
    return out / "index.html"


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def lesson_source(notebook: Path, explorers: Sequence[ExplorerPage] = ()) -> nbformat.NotebookNode:
    """An executed notebook as Sphinx gets it: pages of explorers in the place of widgets, and a text to every figure.

    Where a widget's page is not among ``explorers``, its output says in words what stood there.
    """
    content = nbformat.read(notebook, as_version=4)
    without_widgets(content)
    for cell in content.cells:
        if cell.cell_type == "markdown":
            cell.source = EXERCISES.sub(r'<a href="\2" download>\1</a>', cell.source)
        for output in cell.get("outputs", []):
            names = explorers_of(output)
            if pages := sorted(
                (page for page in explorers if page.name in names), key=lambda one: names.index(one.name)
            ):
                output.data["text/html"] = render("explorer.html.j2", pages=pages)
    for place, text in figure_texts(content.cells).items():
        content.cells[place].metadata["mystnb"] = {"image": {"alt": text}}
    return content


def _write_index(
    source: Path, lessons: Sequence[LessonPage], explorers: Sequence[ExplorerPage], table: pd.DataFrame | None
) -> None:
    """The page on which a reader arrives, and the lists of explorers and words."""
    others = []
    if explorers:
        page = render("explorers.md.j2", explorers=explorers, lessons=_homes(lessons))
        others.append(write_text(source / "explorers.md", page).stem)
    if (glossary := NOTEBOOKS / "GLOSSARY.md").exists():
        others.append(write_text(source / "glossary.md", glossary.read_text(encoding="utf-8")).stem)
    rows = None if table is None else table.to_html(index=False, float_format="%.2f", na_rep="", border=0)
    known = {"lessons": lessons, "explorers": explorers, "others": others, "table": rows}
    page = render("index.md.j2", title=TITLE, exercises=[one.stem for one in _exercises()], **known)
    write_text(source / "index.md", page)


def _exercises() -> list[Path]:
    return sorted((NOTEBOOKS / "exercises").glob("*.ipynb"))
