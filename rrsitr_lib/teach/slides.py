"""Slides from the executed lessons: one HTML file a lesson, which needs neither a kernel nor a network.

nbconvert's own slides load reveal.js from the network; these pages hold everything. ``python -m
rrsitr_lib.teach.slides`` writes them, ``--figures DIR`` the figures besides.
"""

import argparse
import base64
import html
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbconvert.filters import markdown2html

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_atomically, write_text
from rrsitr_lib.notebook_run import NOTEBOOKS
from rrsitr_lib.teach.notebooks import sources
from rrsitr_lib.teach.site import describe, write_page

WORDS = 130  # more prose than this goes on under the same heading on a slide of its own
HEADING = re.compile(r"#{1,2} +\S")
LESSON = re.compile(r"\]\((\d\d_\w+)\.ipynb\)")
ANCHOR = re.compile(r'<a class="anchor-link".*?</a>', re.S)

STYLE = """
body{margin:0;font:1.25rem/1.5 system-ui,sans-serif;color:#222} section{padding:3vh 4vw 6vh} code{background:#eee}
h1,h2{font-size:1.9rem;line-height:1.2;margin:0 0 2vh} p,ul,ol{margin:0 0 1.6vh;max-width:46rem} a{color:#0b4a8f}
.pair{display:grid;grid-template-columns:minmax(0,2fr) minmax(0,3fr);gap:3vw} img{max-width:100%;max-height:82vh}
.turned section{display:none;min-height:88vh} .turned section.now{display:block}
#place{position:fixed;right:1.5vw;bottom:1vh;font-size:1rem;color:#555} @media (max-width:50rem){.pair{display:block}}
@media print{@page{size:A4 landscape;margin:10mm} body{font-size:11pt} #place{display:none} img{max-height:165mm}
.turned section,.turned section.now{display:block;min-height:0;padding:0;break-after:page;break-inside:avoid}}
"""
SCRIPT = """
const all = [...document.querySelectorAll('section')], place = document.getElementById('place');
const steps = {ArrowRight: 1, PageDown: 1, ' ': 1, ArrowLeft: -1, PageUp: -1, Home: -1e9, End: 1e9};
let now = 0;
function show(number) {
  now = Math.max(0, Math.min(all.length - 1, number));
  all.forEach((one, index) => one.classList.toggle('now', index === now));
  history.replaceState(null, '', '#' + (now + 1)); scrollTo(0, 0);
  place.textContent = (now + 1) + ' / ' + all.length;
}
document.onkeydown = event => {
  if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  show(now + (event.shiftKey ? -1 : 1) * steps[event.key]);
};
document.onclick = event => event.target.closest('a') || String(getSelection()) || show(now + 1);
document.body.classList.add('turned'); show(parseInt(location.hash.slice(1)) - 1 || 0);
"""


@dataclass
class _Slide:
    heading: str  # markdown, with its signs
    texts: list[str] = field(default_factory=list)
    figure: str = ""  # PNG in base64


def slides_of(notebook: Path) -> list[str]:
    """An executed notebook as HTML sections: one a heading or figure, the text after a figure beside it, no code.

    Long prose goes on under the same heading on a slide of its own.
    Raises ``InputError`` for a notebook that is missing or damaged.
    """
    return [_section(slide) for slide in _slides(_read(notebook))]


def write_slides(notebook: Path, target: Path) -> Path:
    """The slides of a notebook as one self-contained page. Raises ``InputError`` as ``slides_of`` does."""
    body, title = "\n".join(slides_of(notebook)), _title(notebook)
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style><body>{body}<div id='place'></div>"
        f"<script>{SCRIPT}</script></body></html>"
    )
    return write_text(target, page)


def write_figures(notebook: Path, folder: Path) -> list[Path]:
    """Every figure of a notebook as ``NN_name_k.png``, k from 1. Raises ``InputError`` as ``slides_of`` does."""
    written = []
    for figure in (base64.b64decode(one) for cell in _read(notebook).cells for one in _figures(cell)):
        target = Path(folder) / f"{Path(notebook).stem}_{len(written) + 1}.png"
        written.append(write_atomically(target, lambda temporary, content=figure: temporary.write_bytes(content)))
    return written


def _read(notebook: Path) -> nbformat.NotebookNode:
    if not Path(notebook).exists():
        raise InputError(f"{notebook}: no such notebook; make notebooks builds those of the lessons")
    try:
        return nbformat.read(notebook, as_version=4)
    except Exception as error:  # nbformat converts what looks like an old version, and then can raise anything
        raise InputError(f"{notebook}: not a notebook ({' '.join(str(error).split())[:90]})") from None


def _slides(notebook: nbformat.NotebookNode) -> list[_Slide]:
    slides: list[_Slide] = []
    for cell in notebook.cells:
        for heading, text in _parts(cell.source) if cell.cell_type == "markdown" else ():
            if heading:
                slides.append(_Slide(heading))
            elif text and (not slides or ((held := slides[-1].texts) and len(" ".join([*held, text]).split()) > WORDS)):
                slides.append(_Slide(_again(slides)))
            if text:
                slides[-1].texts.append(text)
        slides += [_Slide(_again(slides), figure=figure) for figure in _figures(cell)]
    return slides


def _again(slides: Sequence[_Slide]) -> str:
    """The heading of the last slide, for one that goes on under it: always of the second level."""
    return f"## {slides[-1].heading.lstrip('# ')}" if slides and slides[-1].heading else ""


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """A markdown cell cut before its headings of the first and second level, as (heading or "", text)."""
    heading, body, fenced = "", [], False
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


def _section(slide: _Slide) -> str:
    text = ANCHOR.sub("", markdown2html(_linked("\n\n".join(slide.texts))))
    head = ANCHOR.sub("", markdown2html(_linked(slide.heading)))
    if slide.figure:
        picture = f'<img src="data:image/png;base64,{slide.figure}" alt="figure; the text says what to see">'
        text = f'<div class="pair"><div>{text}</div><div>{picture}</div></div>'
    return f"<section>{head}{text}</section>"


def _title(notebook: Path) -> str:
    return html.escape(describe(notebook).title.replace("`", ""))


def _linked(text: str) -> str:
    """Links to lessons become links to their slides; all others become plain text, as nothing may need a network."""
    return re.sub(r"(?<!!)\[([^\]]+)\]\((?!\d\d_\w+\.html\))[^)\s]+\)", r"\1", LESSON.sub(r"](\1.html)", text))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the slides of all lessons and an index; returns 0, or exits with 2 where a notebook is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("slides"), help="folder of the slides, by default slides/")
    parser.add_argument("--figures", type=Path, help="folder that receives every figure as NN_name_k.png")
    options = parser.parse_args(arguments)
    rows = []
    try:
        for notebook in (NOTEBOOKS / f"{source.stem}.ipynb" for source in sources()):
            page = write_slides(notebook, options.out / f"{notebook.stem}.html")
            rows.append(f'<li><a href="{page.name}">{_title(notebook)}</a></li>')
            if options.figures:
                write_figures(notebook, options.figures)
    except InputError as error:
        parser.error(str(error))
    body = f"<h1>Slides</h1><p>Arrow keys, space or a click turn a slide.</p><ol start='0'>{''.join(rows)}</ol>"
    print(f"open {write_page(options.out / 'index.html', 'Slides', body)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
