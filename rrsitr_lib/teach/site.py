"""The static site: executed lessons, explorers of a run, exercises, glossary, and an index; ready for any web host."""

import html
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pandas as pd

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_text
from rrsitr_lib.notebook_run import NOTEBOOKS, without_widgets

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}"
    "td,th{padding:.35rem .8rem;border-bottom:1px solid #ccc;text-align:left;vertical-align:top}"
)
FRAME = "width:100%;height:62rem;border:1px solid #ccc"
LINK = re.compile(r"\]\((?!https?:)([\w./-]+?)\.ipynb\)")


@dataclass(frozen=True)
class LessonPage:
    """A lesson as the index lists it. ``state`` is empty where nothing is to be said; ``page`` where there is none."""

    name: str
    title: str
    facts: str
    page: str
    state: str = ""


def describe(notebook: Path, page: str = "", state: str = "") -> LessonPage:
    """Title and facts line of a lesson, from its first cell. A damaged file gives its name as the title."""
    try:
        lines = nbformat.read(notebook, as_version=4).cells[0].source.splitlines()
        title, facts = lines[0].lstrip("# "), lines[2].strip("* ")
    except Exception:  # whoever ran it has said already what is wrong with the file
        title, facts = notebook.stem, ""
    return LessonPage(notebook.stem, title, facts, page, state)


def lesson_html(notebook: Path, target: Path, explorers: Mapping[str, str] | None = None) -> Path:
    """An executed notebook as one HTML file, with links to lessons turned into links to their pages.

    ``explorers`` are exported pages beside ``target``, titles by file name: they stand where the notebook had widgets.
    Where a widget's page is not among them, its output says in words what stood there.
    """
    from nbconvert import HTMLExporter

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

    pages = [page for name in output.get("metadata", {}).get(METADATA_KEY, []) if (page := page_of(name)) in explorers]
    if pages:
        titles = [html.escape(explorers[page]) for page in pages]
        links = ", ".join(f"<a href='{page}'>{title}</a>" for page, title in zip(pages, titles, strict=True))
        output.data["text/html"] = (
            f"<iframe src='{pages[0]}' title='{titles[0]}' loading='lazy' style='{FRAME}'></iframe>"
            f"<p>This is the run that belongs to these pages, not always the lesson's own. By itself: {links}.</p>"
        )


def page_of(name: str) -> str:
    """The file name of an explorer's exported page."""
    return f"explore_{name}.html"


def copy_exercises(out: Path, notebooks: Path = NOTEBOOKS) -> list[str]:
    """Student notebooks beside the pages, to download; returns their names."""
    names = []
    for notebook in sorted((notebooks / "exercises").glob("*.ipynb")):
        (out / "exercises").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(notebook, out / "exercises" / notebook.name)
        names.append(notebook.name)
    return names


def glossary_html(out: Path, notebooks: Path = NOTEBOOKS) -> str:
    """The glossary as a page; returns its name, empty where there is none."""
    from nbconvert.filters import markdown2html

    source = notebooks / "GLOSSARY.md"
    if not source.exists():
        return ""
    text = LINK.sub(r"](\1.html)", source.read_text(encoding="utf-8"))
    write_page(out / "glossary.html", "Glossary", markdown2html(text))
    return "glossary.html"


def write_page(path: Path, title: str, body: str) -> Path:
    """A plain page, whole or not at all."""
    page = (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        f"<meta name='viewport' content='width=device-width'><title>{html.escape(title)}</title><style>{STYLE}</style>"
        f"<body>{body}</body></html>"
    )
    return write_text(path, page)


def export_explorers(run: str | Path, out: Path, names: Sequence[str] = ()) -> tuple[dict[str, str], list[str]]:
    """A page for every explorer that the run can feed, in ``out``; returns titles by file name, and what is missing.

    Raises ``InputError`` where there is no run or no such explorer.
    """
    from rrsitr_lib.show.explorers.pacing import PacingExplorer
    from rrsitr_lib.show.explorers.tabs import EXPLORERS, open_explorer
    from rrsitr_lib.show.page import write_page as write_explorer
    from rrsitr_lib.show.run_reader import RunReader

    record, pages, missing = RunReader.open(run), {}, []
    for name in names or (*EXPLORERS, "pacing"):
        explorer = PacingExplorer() if name == "pacing" else open_explorer(name, record)
        if explorer.message:
            missing.append(f"{explorer.title}: {explorer.message}")
            continue
        write_explorer(explorer, out / page_of(name))
        pages[page_of(name)] = explorer.title
    return pages, missing


def write_index(
    out: Path,
    lessons: Iterable[LessonPage],
    explorers: dict[str, str],
    table: pd.DataFrame | None = None,
    notebooks: Path = NOTEBOOKS,
) -> Path:
    """The page on which a reader arrives: what this is, where to begin, every lesson, explorer and exercise."""
    exercises, glossary = set(copy_exercises(out, notebooks)), glossary_html(out, notebooks)
    rows = "".join(_row(lesson, f"{lesson.name}.ipynb" in exercises) for lesson in lessons)
    parts = [
        "<h1>Learning from mismatched pairs</h1>",
        "<p>Pictures with sentences, some of which belong to another picture: how do we learn from them, and how do we "
        "find them? Ten lessons on remote-sensing images, each a question. Begin with the first; every lesson names "
        "what it needs. The explorers below move through a recorded run; they work in this browser, without a "
        "kernel.</p>",
        f"<h2>Lessons</h2><table><tr><th>question</th><th>needs</th><th>exercises</th><th>state</th></tr>{rows}</table>",
    ]
    if explorers:
        links = "".join(f"<li><a href='{page}'>{html.escape(title)}</a></li>" for page, title in explorers.items())
        parts.append(f"<h2>Explorers</h2><ul>{links}</ul>")
    if glossary:
        parts.append(f"<p>Words and symbols: <a href='{glossary}'>glossary</a>.</p>")
    if table is not None:
        parts.append("<h2>Test recall in percent</h2>")
        parts.append(table.to_html(index=False, float_format="%.2f", na_rep="", border=0))
    return write_page(out / "index.html", "Learning from mismatched pairs", "".join(parts))


def _row(lesson: LessonPage, has_exercises: bool) -> str:
    title = html.escape(f"{lesson.name[:2]} · {lesson.title}")
    linked = f"<a href='{html.escape(lesson.page)}'>{title}</a>" if lesson.page else title
    exercise = f"<a href='exercises/{lesson.name}.ipynb' download>notebook</a>" if has_exercises else ""
    return f"<tr><td>{linked}</td><td>{html.escape(lesson.facts)}</td><td>{exercise}</td><td>{lesson.state}</td></tr>"


def build_site(out: str | Path, run: str | Path | None = None) -> Path:
    """The committed lessons, and the explorers of ``run`` where one is given, as a folder of static pages.

    Returns the index. Raises ``InputError`` where there is no lesson or no run.
    """
    out, pages = Path(out), []
    notebooks = sorted(NOTEBOOKS.glob("*.ipynb"))
    if not notebooks:
        raise InputError(f"{NOTEBOOKS}: no notebooks here; make notebooks builds them")
    out.mkdir(parents=True, exist_ok=True)
    explorers = export_explorers(run, out)[0] if run is not None else {}
    for notebook in notebooks:
        lesson_html(notebook, out / f"{notebook.stem}.html", explorers)
        pages.append(describe(notebook, f"{notebook.stem}.html"))
    return write_index(out, pages, explorers)
