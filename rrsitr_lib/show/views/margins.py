"""Margins, loss and pull of a pair that is suspected to be mismatched, and the margins that a run has recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.base import PAPER_SCALE
from rrsitr_lib.methods.rrsitr import RrsitrSettings
from rrsitr_lib.methods.rrsitr.robust_triplet import dynamic_margin
from rrsitr_lib.show.style import COLOURS, MODEBAR, PLOTLY_DASHES, selected_bars, straight, truth_bars

LAMBDA_2 = RrsitrSettings().lambda_2
SIMILARITIES = np.linspace(-1, 1, 81).round(3)
PAIR = {"size": 10, "symbol": "diamond", "color": "black"}
BARS = 24
DIGITS = 9  # a gap within 1e-9 of a kink is on it: 0.3 - 0.1 - 0.2 is not zero in binary
Cosines = np.ndarray | float


def triplet_gradient_magnitude(
    similarity: Cosines, text: Cosines, image: Cosines, sigma: float, dynamic: bool = True
) -> np.ndarray:
    """-dL^rt / ds_ii: how much the triplet loss falls per unit of the pair's own similarity (paper, robust triplet).

    In each direction 0 beyond the margin, 1 within it, and ``1 + sigma`` behind the hardest negative, where the
    ``dynamic`` margin grows as well (quirk 10). **Shape** broadcast; cosines. On a kink the smaller value, as autograd.

    >>> triplet_gradient_magnitude(np.array([0.9, 0.5, 0.1]), 0.2, 0.2, sigma=0.6)
    array([0. , 2. , 3.2])
    """
    total = 0.0
    for hardest in (text, image):
        gap = np.round(np.subtract(hardest, similarity), DIGITS)
        behind = 1 + sigma if dynamic else 1.0
        total = total + np.where(np.round(gap + sigma, DIGITS) > 0, np.where(gap > 0, behind, 1.0), 0.0)
    return total


def entropy_gradient_magnitude(
    similarity: Cosines, text: Cosines, image: Cosines, scale: float = PAPER_SCALE
) -> np.ndarray:
    """-dL^g / ds_ii of the two global cross-entropies, with one wrong answer each (paper, fine-grained).

    ``scale`` times the probability of the wrong answer, in both directions: at most 2 ``scale``, about 40. More wrong
    answers make it larger, so this is a lower bound. **Shape** broadcast; cosines.

    >>> entropy_gradient_magnitude(np.array([0.5, 0.1]), 0.1, 0.6, scale=20.0).round(2)
    array([17.62, 30.  ])
    """
    gaps = (np.subtract(hardest, similarity) for hardest in (text, image))
    return sum(scale / (1 + np.exp(-scale * gap)) for gap in gaps)


class HardNegatives(NamedTuple):
    """What a pair stands against: cosines of the hardest ``text`` and ``image``, and the base margin ``sigma``."""

    text: float
    image: float
    sigma: float

    def dynamics(self, similarity: np.ndarray) -> np.ndarray:
        """Margin to text, margin to image, L^rt; pull of lambda_2 times L^rt, pull of the two cross-entropies.

        **Shape** the pair's own ``similarity`` (n,) -> (5, n); margins and loss in cosine units.

        >>> HardNegatives(text=0.6, image=0.3, sigma=0.6).dynamics(np.array([0.1])).round(2).ravel().tolist()
        [0.9, 0.72, 2.32, 2.88, 39.65]
        """
        own, hardest = torch.from_numpy(similarity), torch.tensor([[self.text], [self.image]], dtype=torch.float64)
        margins = dynamic_margin(own, hardest, self.sigma).numpy()
        loss = np.maximum(margins - similarity + hardest.numpy(), 0).sum(axis=0)
        triplet = LAMBDA_2 * triplet_gradient_magnitude(similarity, *self)
        return np.stack([*margins, loss, triplet, entropy_gradient_magnitude(similarity, *self[:2])])


def regime(similarity: float, hardest: float, sigma: float) -> str:
    """Where a pair stands towards its hardest negative, in words.

    >>> regime(0.1, 0.6, sigma=0.6)
    'behind its rival'
    """
    gap = round(hardest - similarity, DIGITS)
    if gap > 0:
        return "behind its rival"
    return "ahead, but within the margin" if round(gap + sigma, DIGITS) > 0 else "beyond the margin"


@dataclass(frozen=True)
class RecordedMargins:
    """The text margins of a run. **Shape** ``margin`` (epochs, N) in cosine units; ``mismatched`` (N,) bool.

    Raises ``InputError`` for shapes that do not fit.
    """

    margin: np.ndarray
    mismatched: np.ndarray

    def __post_init__(self) -> None:
        shapes = np.shape(self.margin), np.shape(self.mismatched)
        if len(shapes[0]) != 2 or shapes[1] != shapes[0][1:] or 0 in shapes[0]:
            raise InputError(f"margin {shapes[0]} and mismatched {shapes[1]}: expected (epochs, N) and (N,)")
        low, high = float(np.min(self.margin)), float(np.max(self.margin))
        object.__setattr__(self, "edges", np.linspace(low, max(high, low + 0.05), BARS + 1))

    def bar_of(self, epoch: int) -> np.ndarray:
        """The bar of every pair in ``epoch`` (from 1), (N,). The bars never move."""
        return np.clip(np.searchsorted(self.edges, self.margin[epoch - 1], side="right") - 1, 0, BARS - 1)

    def counts(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Pairs in each of the bars in ``epoch`` (from 1): true ones, mismatched ones."""
        bar = self.bar_of(epoch)
        return tuple(np.bincount(bar[self.mismatched == kind], minlength=BARS) for kind in (False, True))

    def quartiles(self, mismatched: bool) -> np.ndarray:
        """Lower quartile, median, upper quartile in every epoch, (3, epochs); NaN where there is no such pair."""
        chosen = np.asarray(self.margin)[:, self.mismatched == mismatched]
        return np.quantile(chosen, (0.25, 0.5, 0.75), axis=1) if chosen.size else np.full((3, len(chosen)), np.nan)


def margins_figure(
    similarity: float,
    negatives: HardNegatives,
    recorded: RecordedMargins | None,
    epoch: int,
    pair: int | None = None,
    selected: Sequence[int] = (),
) -> go.Figure:
    """Margins and loss over the similarity; pull of triplet and cross-entropies; recorded margins in ``epoch``.

    There the recorded margin of ``pair`` is marked, and the rows ``selected`` are framed.

    Traces: text margin, image margin, loss, the pair on all three; triplet, cross-entropies, the pair on both; true
    pairs, mismatched pairs, selected pairs. Without a run the last three are empty.
    """
    titles = ("margins and loss", "pull on the pair", f"recorded, epoch {epoch}" if recorded else "no run is open")
    figure = make_subplots(1, 3, horizontal_spacing=0.08, subplot_titles=titles)
    names = ("margin to text", "margin to image", "loss", f"{LAMBDA_2} x triplet", "two cross-entropies")
    curves, here = (negatives.dynamics(own).round(3) for own in (SIMILARITIES, np.array([similarity])))
    for number, (name, curve) in enumerate(zip(names, curves.tolist(), strict=True)):
        panel = 1 + number // 3
        line = {"color": COLOURS[number % 3], "dash": PLOTLY_DASHES[number % 3], "width": 2 + (number == 0)}
        figure.add_scatter(x=SIMILARITIES.tolist(), y=curve, name=name, mode="lines", line=line, row=1, col=panel)
        if number in (2, 4):
            spot = {"mode": "markers", "name": "this pair", "showlegend": number == 2, "marker": PAIR}
            points = here[:3, 0] if number == 2 else here[3:, 0]
            figure.add_scatter(x=[similarity] * len(points), y=points.tolist(), **spot, row=1, col=panel)
    edges, counts = (recorded.edges, recorded.counts(epoch)) if recorded else (np.empty(1), ([], []))
    figure.add_traces(truth_bars(edges, counts), rows=1, cols=3)
    bars = recorded.bar_of(epoch)[np.asarray(selected, np.int64)] if recorded else np.empty(0, np.int64)
    frames = selected_bars(recorded.edges if recorded else np.arange(BARS + 1.0), np.bincount(bars, minlength=BARS))
    figure.add_trace(frames, row=1, col=3)
    own = (
        []
        if recorded is None or pair is None
        else [straight(float(recorded.margin[epoch - 1, pair]), 3, "dot", "black")]
    )
    return _labelled(figure, similarity, negatives, own)


def _labelled(figure: go.Figure, similarity: float, negatives: HardNegatives, own: list[dict[str, Any]]) -> go.Figure:
    places = ((similarity, "solid"), (negatives.text, "dash"), (negatives.image, "dot"))
    shapes = [straight(place, panel, dash, "grey") for panel in (1, 2) for place, dash in places]
    cosine = {"title": "similarity (cosine)", "range": [-1.02, 1.02]}
    return figure.update_layout(
        xaxis=cosine,
        yaxis={"title": "cosine units", "rangemode": "tozero"},
        xaxis2=cosine,
        yaxis2={"title": "fall of the loss per unit", "range": [-0.5, 42]},
        xaxis3={"title": "margin to text (cosine)"},
        yaxis3={"title": "pairs"},
        legend={"orientation": "h", "y": -0.25},
        shapes=[*shapes, *own], height=450, barmode="overlay", bargap=0, margin={"t": 60, "b": 50}, modebar=MODEBAR,
    )  # fmt: skip
