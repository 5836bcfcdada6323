"""Slides from the executed lessons: one HTML file a lesson, which needs neither a kernel nor a network.

nbconvert's own slides load reveal.js from the network; these pages hold everything. ``python -m
rrsitr_lib.teach.slides`` writes them, ``--figures DIR`` the figures besides.
"""

import argparse
import base64
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import nbformat
from markupsafe import Markup

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_atomically, write_text
from rrsitr_lib.teach.figure_texts import figure_texts
from rrsitr_lib.teach.pages import markdown, render
from rrsitr_lib.teach.site import describe
from rrsitr_lib.teach.slide_lines import BESIDE, LETTERS, MARK, answers_of, formulas_of, lines_of
from rrsitr_lib.teach.sources import lesson_sources, target_of
from rrsitr_lib.teach.sphinx_pages import need_sphinx

FORMULAS, WIDE = 2, 1.5  # formulas a slide; a figure this much wider than high has its lines below it
HEADING = re.compile(r"#{1,2} +\S")
LESSON = re.compile(r"\]\((\d\d[a-z]?_\w+)\.ipynb\)")
OTHER_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\d\d[a-z]?_\w+\.html\))[^)\s]+\)")


@dataclass
class Slide:
    """One slide: its heading, a figure (PNG in base64, and what it shows), and the texts that belong to it."""

    title: str
    texts: list[str] = field(default_factory=list)
    figure: str = ""
    alt: str = ""
    kept: bool = False  # an author wants it
    spoken: list[str] = field(default_factory=list)  # before it, for the speaker only

    def takes(self, text: str) -> bool:
        """Whether a text under the same heading still belongs to it."""
        return not formulas_of([text]) or not (self.figure or formulas_of(self.texts))

    @property
    def is_prose(self) -> bool:
        """Whether nothing of it would be missed beside a figure under the same heading."""
        marked = any(MARK.search(text) for text in self.texts)
        return not (self.figure or self.kept or marked or formulas_of(self.texts) or answers_of(self.texts))

    @property
    def is_wide(self) -> bool:
        """Whether the figure leaves no room beside it."""
        head = base64.b64decode(self.figure[:32])
        return int.from_bytes(head[16:20], "big") > WIDE * int.from_bytes(head[20:24], "big")

    @property
    def heading(self) -> Markup:
        """The heading as HTML."""
        return _html(self.title)

    @property
    def lines(self) -> list[Markup]:
        """At most three, as HTML."""
        letters = BESIDE if self.figure else LETTERS
        return [_html(line, inline=True) for line in lines_of(self.texts, letters)]

    @property
    def answers(self) -> list[Markup]:
        """What is shown last, as HTML."""
        return [_html(line, inline=True) for line in answers_of(self.texts)]

    @property
    def formulas(self) -> list[Markup]:
        """The first formulas, as HTML."""
        return [_html(formula) for formula in formulas_of(self.texts)[:FORMULAS]]

    @property
    def notes(self) -> Markup:
        """All texts, for the speaker."""
        return _html("\n\n".join([*self.spoken, *self.texts]))


def slides_of(notebook: Path) -> list[Slide]:
    """The slides of an executed notebook: one a figure, and one for a heading below which there is none; no code.

    ``slide_lines`` says what stands on them. Raises ``InputError`` for a notebook that is missing or damaged.
    """
    slides: list[Slide] = []
    cells = _read(notebook).cells
    alts = figure_texts(cells)
    for place, cell in enumerate(cells):
        tags = cell.metadata.get("tags", [])
        if "skip" in tags:
            continue
        for heading, text in _parts(cell.source) if cell.cell_type == "markdown" else ():
            if heading or (text and not (slides and slides[-1].takes(text) and "slide" not in tags)):
                slides.append(Slide(heading or _again(slides), kept="slide" in tags))
            if text:
                slides[-1].texts.append(text)
        slides += [Slide(_again(slides), figure=figure, alt=alts[place]) for figure in _figures(cell)]
    return _without_prose(slides)


def _without_prose(slides: Sequence[Slide]) -> list[Slide]:
    """Prose before a figure under the same heading is for the speaker."""
    kept: list[Slide] = []
    for slide in slides:
        before = kept[-1] if kept else None
        if before and slide.figure and before.is_prose and before.title == slide.title:
            kept.pop()
            slide.spoken = before.spoken + before.texts
        kept.append(slide)
    return kept


def write_slides(notebook: Path, target: Path) -> Path:
    """The slides of a notebook as one self-contained page. Raises ``InputError`` as ``slides_of`` does."""
    return write_text(target, render("slides.html.j2", title=describe(notebook).title, slides=slides_of(notebook)))


def write_figures(notebook: Path, folder: Path) -> list[Path]:
    """Every figure of a notebook as ``NN_name_k.png``, k from 1. Raises ``InputError`` as ``slides_of`` does."""
    written: list[Path] = []
    for figure in (base64.b64decode(one) for cell in _read(notebook).cells for one in _figures(cell)):
        target = folder / f"{notebook.stem}_{len(written) + 1}.png"
        written.append(write_atomically(target, partial(Path.write_bytes, data=figure)))
    return written


def _read(notebook: Path) -> nbformat.NotebookNode:
    if not notebook.exists():
        raise InputError(f"{notebook}: no such notebook; make notebooks builds those of the lessons")
    try:
        return nbformat.read(notebook, as_version=4)
    except Exception as error:  # nbformat converts what looks like an old version, and then can raise anything
        raise InputError(f"{notebook}: not a notebook ({' '.join(str(error).split())[:90]})") from None


def _again(slides: Sequence[Slide]) -> str:
    """The heading of the last slide, for one that goes on under it: always of the second level."""
    return f"## {slides[-1].title.lstrip('# ')}" if slides and slides[-1].title else ""


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """A markdown cell cut before its headings of the first and second level, as (heading or "", text)."""
    heading, fenced = "", False
    body: list[str] = []
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        if HEADING.match(line) and not fenced:
            yield heading, "\n".join(body).strip()
            heading, body = line, []
        else:
            body.append(line)
    yield heading, "\n".join(body).strip()


def _figures(cell: nbformat.NotebookNode) -> list[str]:
    found = (output.get("data", {}).get("image/png") for output in cell.get("outputs", []))
    return ["".join("".join(one).split()) for one in found if one]


def _html(text: str, inline: bool = False) -> Markup:
    """Links to lessons become links to their slides; all others become plain text, as nothing may need a network."""
    return markdown(OTHER_LINK.sub(r"\1", LESSON.sub(r"](\1.html)", text)), inline)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the slides of all lessons and an index; returns 0, or exits with 2 where a notebook is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("slides"), help="folder of the slides, by default slides/")
    parser.add_argument("--figures", type=Path, help="folder that receives every figure as NN_name_k.png")
    options = parser.parse_args(arguments)
    lessons = {}
    try:
        need_sphinx()
        for notebook in map(target_of, lesson_sources()):
            page = write_slides(notebook, options.out / f"{notebook.stem}.html")
            lessons[page.name] = describe(notebook).title
            if options.figures:
                write_figures(notebook, options.figures)
    except InputError as error:
        parser.error(str(error))
    index = render("slides_index.html.j2", title="Slides", lessons=lessons)
    print(f"open {write_text(options.out / 'index.html', index)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
