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
from rrsitr_lib.teach.pages import markdown, render
from rrsitr_lib.teach.site import describe
from rrsitr_lib.teach.sources import lesson_sources, target_of

WORDS = 130  # more prose than this goes on under the same heading on a slide of its own
HEADING = re.compile(r"#{1,2} +\S")
LESSON = re.compile(r"\]\((\d\d_\w+)\.ipynb\)")
OTHER_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\d\d_\w+\.html\))[^)\s]+\)")
ANCHOR = re.compile(r'<a class="anchor-link".*?</a>', re.S)


@dataclass
class Slide:
    """One slide: its heading and the paragraphs below, in markdown, and a figure, PNG in base64, beside them."""

    title: str
    texts: list[str] = field(default_factory=list)
    figure: str = ""

    def has_room(self, text: str) -> bool:
        """Whether a paragraph still fits; the first always does."""
        return not self.texts or len(" ".join([*self.texts, text]).split()) <= WORDS

    @property
    def heading(self) -> Markup:
        """The heading as HTML."""
        return _html(self.title)

    @property
    def text(self) -> Markup:
        """The paragraphs as HTML."""
        return _html("\n\n".join(self.texts))


def slides_of(notebook: Path) -> list[Slide]:
    """The slides of an executed notebook: one a heading or figure, the text after a figure beside it, no code.

    Long prose goes on under the same heading on a slide of its own.
    Raises ``InputError`` for a notebook that is missing or damaged.
    """
    slides: list[Slide] = []
    for cell in _read(notebook).cells:
        for heading, text in _parts(cell.source) if cell.cell_type == "markdown" else ():
            if heading:
                slides.append(Slide(heading))
            elif text and not (slides and slides[-1].has_room(text)):
                slides.append(Slide(_again(slides)))
            if text:
                slides[-1].texts.append(text)
        slides += [Slide(_again(slides), figure=figure) for figure in _figures(cell)]
    return slides


def write_slides(notebook: Path, target: Path) -> Path:
    """The slides of a notebook as one self-contained page. Raises ``InputError`` as ``slides_of`` does."""
    return write_text(target, render("slides.html.j2", title=_title(notebook), slides=slides_of(notebook)))


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


def _html(text: str) -> Markup:
    """Links to lessons become links to their slides; all others become plain text, as nothing may need a network."""
    return Markup(ANCHOR.sub("", markdown(OTHER_LINK.sub(r"\1", LESSON.sub(r"](\1.html)", text)))))


def _title(notebook: Path) -> str:
    return describe(notebook).title.replace("`", "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the slides of all lessons and an index; returns 0, or exits with 2 where a notebook is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("slides"), help="folder of the slides, by default slides/")
    parser.add_argument("--figures", type=Path, help="folder that receives every figure as NN_name_k.png")
    options = parser.parse_args(arguments)
    lessons = {}
    try:
        for notebook in map(target_of, lesson_sources()):
            page = write_slides(notebook, options.out / f"{notebook.stem}.html")
            lessons[page.name] = _title(notebook)
            if options.figures:
                write_figures(notebook, options.figures)
    except InputError as error:
        parser.error(str(error))
    index = render("slides_index.html.j2", title="Slides", lessons=lessons)
    print(f"open {write_text(options.out / 'index.html', index)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
