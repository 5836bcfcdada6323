"""One question and its ranked answers as a picture: how much of each score is global and how much local."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.patches import Patch

from rrsitr_lib.errors import InputError
from rrsitr_lib.show.style import COLOURS, HATCHES, MODEBAR, PLOTLY_HATCHES, hatched
from rrsitr_lib.training.retrieval_results import RetrievalResults

DIRECTIONS = ("caption to pictures", "picture to captions")
PART_LOOKS = ((COLOURS[0], 0), (COLOURS[3], 1))  # colour, number of the hatch: global, local
FRAMED = "true answer, framed"
PICTURE_INCHES = 0.5
LONGEST = 90  # letters of a caption beside a bar


@dataclass(frozen=True)
class RankedCandidates:
    """The first K candidates for one query.

    **Shape** all (K,), best first: ``candidates`` numbers of pictures or captions, ``global_part`` and ``local_part``
    of the score, already weighted, ``true`` bool. ``rank`` of the best true answer, from 1 (0: there is none); ties count
    against us. ``among`` how many answers were ranked; ``share`` the weight of the local part.
    Taught in: notebooks/01_retrieval
    """

    direction: str
    query: int
    candidates: np.ndarray
    global_part: np.ndarray
    local_part: np.ndarray
    true: np.ndarray
    rank: int
    among: int
    share: float

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
        return (f"global part, {1 - self.share:.3g} x cosine", f"local part, {self.share:.3g} x norm")

    @property
    def tied(self) -> bool:
        """Whether the truth is shown before a wrong answer of equal score, which is counted before it."""
        return bool(self.true.any()) and int(np.argmax(self.true)) + 1 < self.rank


def ranked_candidates(results: RetrievalResults, direction: str, query: int, k: int) -> RankedCandidates:
    """The ``k`` best recorded candidates for a query, with both parts of their score.

    ``direction``: one of ``DIRECTIONS``; ``query``: number of the caption or of the picture, from 0.
    **Shape** (k,), fewer where fewer are recorded. Raises ``InputError`` for what the rankings do not hold.
    Taught in: notebooks/01_retrieval
    """
    if direction not in DIRECTIONS:
        raise InputError(f"direction is {direction!r}: allowed are {', '.join(DIRECTIONS)}")
    of, found = results.image_of_caption, results
    by_caption = direction == DIRECTIONS[0]
    columns = ("images", "images_global", "images_local", "image_rank") if by_caption else (
        "captions", "captions_global", "captions_local", "caption_rank")  # fmt: skip
    candidates, cosine, local, rank = (getattr(found, name) for name in columns)
    if not 0 <= query < len(candidates) or k < 1:
        raise InputError(f"question {query}, k {k}: allowed are questions 0 to {len(candidates) - 1}, k from 1")
    first, share = candidates[query, :k], float(found.local_fraction)
    true = first == of[query] if by_caption else of[first] == query
    parts = ((1 - share) * cosine[query, :k], share * local[query, :k])
    among = len(found.captions) if by_caption else len(of)
    return RankedCandidates(direction, query, first, *parts, true, int(rank[query]), among, share)


def retrieval_figure(ranked: RankedCandidates, keys: Sequence[int] | None = None) -> go.Figure:
    """Stacked bars, best answer first; the truth has a thick frame, the score stands above.

    Traces: global part, local part, frame of the true answers, scores as text. ``keys`` (K,) are the cards of the bars.
    Taught in: notebooks/01_retrieval
    """
    places = np.arange(1, len(ranked.candidates) + 1)
    figure = go.Figure()
    for name, part, (colour, hatch) in zip(ranked.names, ranked.parts, PART_LOOKS, strict=True):
        marker = hatched(colour, PLOTLY_HATCHES[hatch])
        figure.add_bar(
            x=places, y=part.round(4), name=name, marker=marker, customdata=None if keys is None else list(keys)
        )
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


def retrieval_static(
    ranked: RankedCandidates, question: str | np.ndarray, answers: Sequence[str] | Sequence[np.ndarray]
) -> Figure:
    """The static twin: a bar an answer with its caption or picture, the truth framed; the question above.

    **Shape** ``question`` and each of ``answers`` (K,): a text, or a picture (h, w, 3) uint8.
    Taught in: notebooks/01_retrieval
    """
    texts = isinstance(answers[0], str)
    height = 1.5 + len(answers) * (0.34 if texts else PICTURE_INCHES + 0.08)
    head = 1.0 if isinstance(question, str) else 1.15
    figure, axis = plt.subplots(figsize=(9, height))
    figure.subplots_adjust(left=0.6 if texts else 0.14, right=0.97, top=1 - head / height, bottom=0.5 / height)
    _bars(axis, ranked)
    handles = [*axis.get_legend_handles_labels()[0], Patch(fc="none", ec="black", lw=2.5, label=FRAMED)]
    figure.legend(handles=handles, loc="upper right", ncols=3, fontsize=8, frameon=False)
    _answers(axis, ranked.true, answers)
    _question(figure, question, height)
    plt.close(figure)
    return figure


def _bars(axis: Axes, ranked: RankedCandidates) -> None:
    """Stacked bars from top to bottom, the true ones framed, the score behind each."""
    (low, top), rows = ranked.ends, np.arange(len(ranked.candidates))
    starts = (np.zeros(len(rows)), np.maximum(ranked.global_part, 0))
    for name, part, start, (colour, hatch) in zip(ranked.names, ranked.parts, starts, PART_LOOKS, strict=True):
        axis.barh(rows, part, 0.7, start, color=colour, hatch=HATCHES[hatch], ec="white", lw=0, label=name)
    true = ranked.true
    axis.barh(rows[true], (top - low)[true], 0.7, low[true], fc="none", ec="black", lw=2.5)
    for row, end, score in zip(rows, top, ranked.score, strict=True):
        axis.text(end, row, f" {score:.3f}", va="center", fontsize=8)
    axis.set(xlabel="score", ylim=(len(rows) - 0.4, -0.6), yticks=rows)
    axis.set_xlim(1.1 * low.min(), 1.14 * max(0.1, top.max()))


def _answers(axis: Axes, true: np.ndarray, answers: Sequence[str] | Sequence[np.ndarray]) -> None:
    """Captions as labels of the rows, or pictures in their place; the true ones bold, or framed."""
    if isinstance(answers[0], str):
        labels = axis.set_yticklabels([_cut(text) for text in answers], fontsize=7.5)
        for label, right in zip(labels, true, strict=True):
            label.set_weight("bold" if right else "normal")
        return
    axis.set_yticklabels([str(place) for place in range(1, len(answers) + 1)])
    axis.tick_params(axis="y", pad=2 + 72 * (PICTURE_INCHES + 0.15))
    for row, (picture, right) in enumerate(zip(answers, true, strict=True)):
        axis.add_artist(_thumbnail(picture, (0, row), ("axes fraction", "data"), (-24, 0), 3 if right else 0.5))


def _question(figure: Figure, question: str | np.ndarray, height: float) -> None:
    """The question in the upper left corner."""
    if isinstance(question, str):
        figure.text(0.02, 1 - 0.55 / height, f"Question: {_cut(question, 130)}", fontsize=9, va="center")
        return
    figure.text(0.02, 1 - 0.55 / height, "Question:", fontsize=9, va="center")
    figure.add_artist(_thumbnail(question, (0.1, 1 - 0.55 / height), "figure fraction", (24, 0), 0.5, 1.6))


def _thumbnail(
    picture: np.ndarray, at: tuple, coords: object, offset: tuple, frame: float, times: float = 1
) -> AnnotationBbox:
    zoom = 72 * PICTURE_INCHES * times / picture.shape[0]
    box = OffsetImage(picture, zoom=zoom, interpolation="nearest")
    look = {"edgecolor": "black", "linewidth": frame}
    return AnnotationBbox(box, at, offset, coords, boxcoords="offset points", pad=0.1, bboxprops=look)


def _cut(text: str, letters: int = LONGEST) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"
