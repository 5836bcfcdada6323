"""One question and its ranked answers as a picture: how much of each score is global and how much local."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.errors import InputError
from rrsitr_lib.show.style import COLOURS, MODEBAR, hatched
from rrsitr_lib.training.retrieval_results import RetrievalResults

DIRECTIONS = ("caption to images", "image to captions")
PART_LOOKS = ((COLOURS[0], ""), (COLOURS[3], "."))  # colour and hatch: global, local
FRAMED = "true answer, framed"


@dataclass(frozen=True)
class RankedCandidates:
    """The first K candidates for one query.

    **Shape** best first: ``candidates`` (K,) numbers of images or captions, ``parts`` (2, K) global and local part of
    the score, already weighted, ``true`` (K,) bool. ``rank`` of the best true answer, from 1 (0: there is none); ties
    count against us. ``among`` how many answers were ranked; ``local_fraction`` the weight of the local part.
    """

    direction: str
    query: int
    candidates: np.ndarray
    parts: np.ndarray
    true: np.ndarray
    rank: int
    among: int
    local_fraction: float

    @property
    def score(self) -> np.ndarray:
        """Both parts together, (K,)."""
        return self.parts.sum(axis=0)

    @property
    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper end of every bar, (K,): a negative cosine hangs below zero, the norm stands above."""
        return np.minimum(self.parts[0], 0), np.maximum(self.parts[0], 0) + self.parts[1]

    @property
    def tied(self) -> bool:
        """Whether the truth is shown before a wrong answer of equal score, which is counted before it."""
        return bool(self.true.any()) and int(np.argmax(self.true)) + 1 < self.rank


def ranked_candidates(results: RetrievalResults, direction: str, query: int, k: int) -> RankedCandidates:
    """The ``k`` best recorded candidates for a query, with both parts of their score.

    ``direction``: one of ``DIRECTIONS``; ``query``: number of the caption or of the image, from 0.
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
    parts = np.stack([(1 - fraction) * cosine[query, :k], fraction * local[query, :k]])
    among = len(results.captions) if by_caption else len(of)
    return RankedCandidates(direction, query, first, parts, true, int(rank[query]), among, fraction)


def retrieval_figure(ranked: RankedCandidates, keys: Sequence[int] | None = None) -> go.Figure:
    """Stacked bars, best answer first; the truth has a thick frame, the score stands above.

    Traces: global part, local part, frame of the true answers, scores as text. ``keys`` (K,) are the cards of the bars.
    """
    places = np.arange(1, len(ranked.candidates) + 1)
    figure = go.Figure()
    share = ranked.local_fraction
    names = (f"global part, {1 - share:.3g} x cosine", f"local part, {share:.3g} x norm")
    for name, part, (colour, hatch) in zip(names, ranked.parts, PART_LOOKS, strict=True):
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
    legend = {"orientation": "h", "y": 1.15}
    return figure.update_layout(
        barmode="relative", bargap=0.25, height=380, legend=legend, margin={"t": 60, "b": 50}, modebar=MODEBAR
    )
