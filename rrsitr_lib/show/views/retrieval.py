"""One question and its ranked answers as a picture: how much of each score is global and how much local."""

import html
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from rrsitr_lib.errors import InputError
from rrsitr_lib.show.style import COLOURS, MODEBAR, hatched
from rrsitr_lib.training.retrieval_results import RetrievalResults

DIRECTIONS = ("caption to pictures", "picture to captions")
PART_LOOKS = ((COLOURS[0], ""), (COLOURS[3], "."))  # colour and hatch: global, local
FRAMED = "true answer, framed"
LONGEST, LETTERS = 90, 130  # letters of a caption below a bar at most, and of one line across the figure


@dataclass(frozen=True)
class RankedCandidates:
    """The first K candidates for one query.

    **Shape** all (K,), best first: ``candidates`` numbers of pictures or captions, ``global_part`` and ``local_part``
    of the score, already weighted, ``true`` bool. ``rank`` of the best true answer, from 1 (0: there is none); ties
    count against us. ``among`` how many answers were ranked; ``local_fraction`` the weight of the local part.
    """

    direction: str
    query: int
    candidates: np.ndarray
    global_part: np.ndarray
    local_part: np.ndarray
    true: np.ndarray
    rank: int
    among: int
    local_fraction: float

    @property
    def score(self) -> np.ndarray:
        """Both parts together, (K,)."""
        return self.global_part + self.local_part

    @property
    def parts(self) -> tuple[np.ndarray, np.ndarray]:
        """Global and local part, in the order in which they are stacked."""
        return self.global_part, self.local_part

    @property
    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper end of every bar, (K,): a negative cosine hangs below zero, the norm stands above."""
        return np.minimum(self.global_part, 0), np.maximum(self.global_part, 0) + self.local_part

    @property
    def names(self) -> tuple[str, str]:
        """Both parts with their weights, as a legend shows them."""
        return (f"global part, {1 - self.local_fraction:.3g} x cosine", f"local part, {self.local_fraction:.3g} x norm")

    @property
    def tied(self) -> bool:
        """Whether the truth is shown before a wrong answer of equal score, which is counted before it."""
        return bool(self.true.any()) and int(np.argmax(self.true)) + 1 < self.rank


def ranked_candidates(results: RetrievalResults, direction: str, query: int, k: int) -> RankedCandidates:
    """The ``k`` best recorded candidates for a query, with both parts of their score.

    ``direction``: one of ``DIRECTIONS``; ``query``: number of the caption or of the picture, from 0.
    **Shape** (k,), fewer where fewer are recorded. Raises ``InputError`` for what the rankings do not hold.
    """
    if direction not in DIRECTIONS:
        raise InputError(f"direction is {direction!r}: allowed are {', '.join(DIRECTIONS)}")
    of, by_caption = results.image_of_caption, direction == DIRECTIONS[0]
    columns = ("images", "images_global", "images_local", "image_rank") if by_caption else (
        "captions", "captions_global", "captions_local", "caption_rank")  # fmt: skip
    candidates, cosine, local, rank = (getattr(results, name) for name in columns)
    if not 0 <= query < len(candidates) or k < 1:
        raise InputError(f"question {query}, k {k}: allowed are questions 0 to {len(candidates) - 1}, k from 1")
    first, fraction = candidates[query, :k], float(results.local_fraction)
    true = first == of[query] if by_caption else of[first] == query
    parts = ((1 - fraction) * cosine[query, :k], fraction * local[query, :k])
    among = len(results.captions) if by_caption else len(of)
    return RankedCandidates(direction, query, first, *parts, true, int(rank[query]), among, fraction)


def retrieval_figure(ranked: RankedCandidates, keys: Sequence[int] | None = None) -> go.Figure:
    """Stacked bars, best answer first; the truth has a thick frame, the score stands above.

    Traces: global part, local part, frame of the true answers, scores as text. ``keys`` (K,) are the cards of the bars.
    """
    places = np.arange(1, len(ranked.candidates) + 1)
    figure = go.Figure()
    for name, part, (colour, hatch) in zip(ranked.names, ranked.parts, PART_LOOKS, strict=True):
        figure.add_bar(x=places, y=part.round(4), name=name, marker=hatched(colour, hatch), customdata=keys)
    low, top = ranked.ends
    frame = {"color": "rgba(0,0,0,0)", "line": {"color": "black", "width": 3}}
    framed = np.where(ranked.true, (top - low).round(4), np.nan)  # a bar with a base of its own is not stacked
    figure.add_bar(x=places, y=framed, base=low.round(4), name=FRAMED, marker=frame, hoverinfo="skip")
    text = ["<b>true</b><br>" * bool(true) + f"{one:.3f}" for one, true in zip(ranked.score, ranked.true, strict=True)]
    look = {"mode": "text", "textposition": "top center", "showlegend": False, "hoverinfo": "skip"}
    figure.add_scatter(x=places, y=top.round(4), text=text, **look)
    figure.update_xaxes(title="place of the answer", dtick=1, range=[0.4, len(places) + 0.6])
    figure.update_yaxes(title="score", range=[1.1 * float(low.min()), 1.2 * max(0.1, float(top.max()))])
    figure.update_layout(barmode="relative", bargap=0.25, legend={"orientation": "h", "y": 1.15}, modebar=MODEBAR)
    return figure.update_layout(height=380, margin={"t": 60, "b": 50})


def answers_figure(
    ranked: RankedCandidates, question: str | np.ndarray, answers: Sequence[str] | Sequence[np.ndarray]
) -> go.Figure:
    """The bars with the question above and every answer below its bar: a caption, in bold where true, or a picture.

    **Shape** ``question`` and each of ``answers`` (K,): a text, or a picture (h, w, 3) uint8.
    """
    figure, places = retrieval_figure(ranked), range(1, len(answers) + 1)
    if isinstance(answers[0], str):
        lines = [textwrap.wrap(_cut(text, LONGEST), LETTERS // len(answers)) for text in answers]
        texts = ["<br>".join(map(html.escape, one)) for one in lines]
        names = [f"<b>{text}</b>" if true else text for text, true in zip(texts, ranked.true, strict=True)]
        figure.update_xaxes(tickvals=list(places), ticktext=names, title=None)
    else:
        figure.update_xaxes(showticklabels=False, title=None)
        figure.layout.images = [_picture(image, at, -0.04, 0.34) for image, at in zip(answers, places, strict=True)]
    as_text = isinstance(question, str)
    if not as_text:
        figure.add_layout_image(_picture(question, 1, 1.4, 0.34))
    words = html.escape(_cut(question, 110)) if as_text else "the picture on the left"
    title = {"text": f"Question: {words}", "font": {"size": 13}, "x": 0.5}
    return figure.update_layout(title=title, height=400, margin={"t": 60 if as_text else 130, "b": 120})


def _picture(image: np.ndarray, at: float, top: float, height: float) -> dict[str, Any]:
    """A picture of a plotly layout, its middle at ``at``, its upper edge and height in heights of the panel."""
    place = {"x": at, "y": top, "sizex": 0.9, "sizey": height, "xanchor": "center", "yanchor": "top"}
    return {"source": Image.fromarray(image), "xref": "x", "yref": "y domain", **place}


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"
