"""What the figures of a lesson show, in words, for readers who do not see them: one mechanism for site and slides."""

import re
from collections.abc import Sequence

from nbformat import NotebookNode

LETTERS = 250  # a screen reader reads an alt text in one go
NOTICE = re.compile(r"\*\*What to notice\.?\*\*\s*")
MARKUP = re.compile(r"<!--.*?-->|<[^>]+>|[*`#$\\]|\[(?P<text>[^\]]*)\]\([^)]*\)", re.S)
END = re.compile(r"(?<=[.?!])\s+(?=\S)")


def has_figure(cell: NotebookNode) -> bool:
    """Whether a cell shows an image."""
    return any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))


def figure_texts(cells: Sequence[NotebookNode]) -> dict[int, str]:
    """The alt text of every cell with a figure, by the cell's number.

    It is what the next text says there is to notice; where it says nothing of it, the text before the figure.
    """
    texts, figures = {}, [place for place, cell in enumerate(cells) if has_figure(cell)]
    for number, place in enumerate(figures, 1):
        after = next((cell.source for cell in cells[place:] if cell.cell_type == "markdown"), "")
        before = next((cell.source for cell in cells[place::-1] if cell.cell_type == "markdown"), "")
        noticed = NOTICE.split(after, 1)[1:] or [before.strip().rpartition("\n\n")[2]]
        texts[place] = f"Figure {number}. {_short(noticed[0].partition(chr(10) * 2)[0])}".strip()
    return texts


def _short(text: str) -> str:
    """The first sentences without markup, at least one."""
    first, *others = END.split(" ".join(MARKUP.sub(lambda found: found["text"] or "", text).split()))
    for sentence in others:
        if len(first) + len(sentence) > LETTERS:
            break
        first += f" {sentence}"
    return first
