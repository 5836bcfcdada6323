"""The static site: executed lessons, explorers of a run, exercises, glossary, and an index; ready for any web host."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pandas as pd
from markupsafe import Markup
from nbconvert import HTMLExporter

from rrsitr_lib.experiments.notebook_run import NOTEBOOKS, without_widgets
from rrsitr_lib.files import write_text
from rrsitr_lib.teach.pages import markdown, render
from rrsitr_lib.teach.side_by_side import side_by_side
from rrsitr_lib.teach.sources import lesson_notebooks

LINK = re.compile(r"\]\((?!https?:)([\w./-]+?)\.ipynb\)")


@dataclass(frozen=True)
class LessonPage:
    """A lesson as the index lists it. ``state`` is empty where nothing is to be said; ``page`` where there is none."""

    name: str
    title: str
    facts: str
    page: str
    state: str = ""
    failed: bool = False


def describe(notebook: Path, page: str = "", state: str = "", failed: bool = False) -> LessonPage:
    """Title and facts line of a lesson, from its first cell. A damaged file gives its name as the title."""
    try:
        lines = nbformat.read(notebook, as_version=4).cells[0].source.splitlines()
        title, facts = lines[0].lstrip("# "), lines[2].strip("* ")
    except Exception:  # whoever ran it has said already what is wrong with the file
        title, facts = notebook.stem, ""
    return LessonPage(notebook.stem, title, facts, page, state, failed)


def lesson_html(notebook: Path, target: Path, explorers: Mapping[str, str] | None = None) -> Path:
    """An executed notebook as one HTML file, with links to lessons turned into links to their pages.

    ``explorers`` are exported pages beside ``target``, titles by file name: they stand where the notebook had widgets.
    Where a widget's page is not among them, its output says in words what stood there.
    """
    content = nbformat.read(notebook, as_version=4)
    without_widgets(content)
    for cell in content.cells:
        for output in cell.get("outputs", []):
            _show_page(output, explorers or {})
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(
                lambda found: f"]({found[1]}.{'ipynb' if 'exercises' in found[1] else 'html'})", cell.source
            )
    body, _ = HTMLExporter().from_notebook_node(content)
    return write_text(target, body)


def _show_page(output: nbformat.NotebookNode, explorers: Mapping[str, str]) -> None:
    """In the place of a widget that showed explorers: the page of the first, and links to all."""
    from rrsitr_lib.show.explorers.stand_in import METADATA_KEY

    shown = map(page_of, output.get("metadata", {}).get(METADATA_KEY, []))
    if pages := [page for page in shown if page in explorers]:
        output.data["text/html"] = render("explorer.html.j2", pages=pages, titles=explorers)


def page_of(name: str) -> str:
    """The file name of an explorer's exported page."""
    return f"explore_{name}.html"


def export_explorers(run: str | Path, out: Path, names: Sequence[str] = ()) -> tuple[dict[str, str], list[str]]:
    """A page for every explorer that the run can feed, in ``out``; returns titles by file name, and what is missing.

    Raises ``InputError`` where there is no run or no such explorer.
    """
    from rrsitr_lib.show.explorers.tabs import EXPLORERS  # here, as whoever makes slides need not wait for it
    from rrsitr_lib.show.run_reader import RunReader

    RunReader.open(run)
    names = names or (*EXPLORERS, "pacing")
    jobs = [(run, out, name) for name in reversed(names)]  # the embedding takes longest
    found = {jobs[number][2]: said for number, said in side_by_side(export_explorer, jobs)}
    pages = {page_of(name): found[name][0] for name in names if not found[name][1]}
    return pages, [": ".join(found[name]) for name in names if found[name][1]]


def export_explorer(run: str | Path, out: Path, name: str) -> tuple[str, str]:
    """The page of one explorer; returns its title, and what it lacks where the run cannot feed it."""
    from rrsitr_lib.show.explorers.pacing import PacingExplorer
    from rrsitr_lib.show.explorers.tabs import open_explorer
    from rrsitr_lib.show.page import write_page
    from rrsitr_lib.show.run_reader import RunReader

    explorer = PacingExplorer() if name == "pacing" else open_explorer(name, RunReader.open(run))
    if not explorer.message:
        write_page(explorer, out / page_of(name))
    return explorer.title, explorer.message


def write_index(
    out: Path, lessons: Sequence[LessonPage], explorers: Mapping[str, str], table: pd.DataFrame | None = None
) -> Path:
    """The page on which a reader arrives: what this is, where to begin, every lesson, explorer and exercise.

    Exercises to download and the glossary come with it.
    """
    content = {"exercises": _copy_exercises(out), "glossary": _write_glossary(out), "table": None}
    if table is not None:
        content["table"] = Markup(table.to_html(index=False, float_format="%.2f", na_rep="", border=0))
    title = "Learning from mismatched pairs"
    page = render("index.html.j2", title=title, lessons=lessons, explorers=explorers, **content)
    return write_text(out / "index.html", page)


def _copy_exercises(out: Path) -> list[str]:
    """Student notebooks beside the pages, to download; returns the names of their lessons."""
    notebooks = sorted((NOTEBOOKS / "exercises").glob("*.ipynb"))
    for notebook in notebooks:
        (out / "exercises").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(notebook, out / "exercises" / notebook.name)
    return [notebook.stem for notebook in notebooks]


def _write_glossary(out: Path) -> str:
    """The name of the glossary's page, empty where there is none."""
    source = NOTEBOOKS / "GLOSSARY.md"
    if not source.exists():
        return ""
    body = markdown(LINK.sub(r"](\1.html)", source.read_text(encoding="utf-8")))
    return write_text(out / "glossary.html", render("page.html.j2", title="Glossary", body=body)).name


def build_site(out: str | Path, run: str | Path | None = None) -> Path:
    """The committed lessons, and the explorers of ``run`` where one is given, as a folder of static pages.

    Returns the index. Raises ``InputError`` where there is no lesson or no run.
    """
    out, notebooks = Path(out), lesson_notebooks()
    out.mkdir(parents=True, exist_ok=True)
    explorers = export_explorers(run, out)[0] if run is not None else {}
    pages = [lesson_html(notebook, out / f"{notebook.stem}.html", explorers) for notebook in notebooks]
    lessons = [describe(notebook, page.name) for notebook, page in zip(notebooks, pages, strict=True)]
    return write_index(out, lessons, explorers)
