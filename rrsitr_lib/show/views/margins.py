"""Margins, loss and pull of a pair that is suspected to be mismatched, and the margins that a run has recorded."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.base import PAPER_SCALE
from rrsitr_lib.methods.rrsitr.robust_triplet import dynamic_margin
from rrsitr_lib.show.style import (
    COLOURS,
    MODEBAR,
    PLOTLY_DASHES,
    PLOTLY_HATCHES,
    TRUE_COLOUR,
    TRUTH_NAMES,
    WRONG_COLOUR,
    hatched,
    straight,
)

LAMBDA_2 = 0.9  # the paper's factor of noisy pairs
SIMILARITIES = np.linspace(-1, 1, 81)
BARS = 24
DIGITS = 9  # a gap within 1e-9 of a kink is on it: 0.3 - 0.1 - 0.2 is not zero in binary
Cosines = np.ndarray | float


class HardNegatives(NamedTuple):
    """What a pair stands against: cosines of the hardest ``text`` and ``image``, and the base margin ``sigma``."""

    text: float
    image: float
    sigma: float

    def margins(self, similarity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The dynamic margins towards text and image (cosine units), each as ``similarity``."""
        own = torch.as_tensor(np.asarray(similarity, dtype=float))
        negatives = torch.tensor([self.text, self.image], dtype=own.dtype)
        return tuple(dynamic_margin(own, hardest, self.sigma).numpy() for hardest in negatives)

    def loss(self, similarity: np.ndarray) -> np.ndarray:
        """L^rt over the pair's own similarity, without lambda_2."""
        both = zip(self.margins(similarity), (self.text, self.image), strict=True)
        return sum(np.maximum(margin - similarity + hardest, 0) for margin, hardest in both)


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

    def counts(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Pairs in each of the bars in ``epoch`` (from 1): true ones, mismatched ones. The bars never move."""
        row = self.margin[epoch - 1]
        return tuple(np.histogram(row[self.mismatched == kind], self.edges)[0] for kind in (False, True))

    def quartiles(self, mismatched: bool) -> np.ndarray:
        """Lower quartile, median, upper quartile in every epoch, (3, epochs); NaN where there is no such pair."""
        chosen = np.asarray(self.margin)[:, self.mismatched == mismatched]
        return np.quantile(chosen, (0.25, 0.5, 0.75), axis=1) if chosen.size else np.full((3, len(chosen)), np.nan)


def margins_figure(
    similarity: float, negatives: HardNegatives, recorded: RecordedMargins | None, epoch: int
) -> go.Figure:
    """Margins and loss over the similarity; pull of triplet and cross-entropies; recorded margins in ``epoch``.

    Traces: text margin, image margin, loss, the pair on all three; triplet, cross-entropies, the pair on both; true
    pairs, mismatched pairs. Without a run the last two are empty.
    """
    titles = ("margins and loss", "pull on the pair", f"recorded, epoch {epoch}" if recorded else "no run is open")
    figure = make_subplots(1, 3, horizontal_spacing=0.08, subplot_titles=titles)
    pair, own = np.array([similarity]), SIMILARITIES
    names = ("margin to text", "margin to image", "loss", "0.9 x triplet", "two cross-entropies")
    values = (*negatives.margins(own), negatives.loss(own), *_gradient_magnitudes(own, negatives))
    here = (*negatives.margins(pair), negatives.loss(pair), *_gradient_magnitudes(pair, negatives))
    marker = {"size": 10, "symbol": "diamond", "color": "black"}
    for number, name in enumerate(names):
        line = {"color": COLOURS[number % 3], "dash": PLOTLY_DASHES[number % 3], "width": 2 + (number == 0)}
        curve = go.Scatter(
            x=own.round(3).tolist(), y=values[number].round(3).tolist(), name=name, mode="lines", line=line
        )
        figure.add_trace(curve, 1, 1 + number // 3)
        if number in (2, 4):
            points = np.concatenate(here[:3] if number == 2 else here[3:]).round(3).tolist()
            spot = {"mode": "markers", "marker": marker, "name": "this pair", "showlegend": number == 2}
            figure.add_trace(go.Scatter(x=[similarity] * len(points), y=points, **spot), 1, 1 + number // 3)
    counts = recorded.counts(epoch) if recorded else ([], [])
    centres = ((recorded.edges[:-1] + recorded.edges[1:]) / 2).round(4).tolist() if recorded else []
    looks = zip(TRUTH_NAMES, (TRUE_COLOUR, WRONG_COLOUR), (PLOTLY_HATCHES[0], PLOTLY_HATCHES[2]), counts, strict=True)
    for name, colour, hatch, count in looks:
        marker = hatched(colour, hatch)
        figure.add_trace(go.Bar(x=centres, y=[int(one) for one in count], name=name, opacity=0.75, marker=marker), 1, 3)
    return _labelled(figure, similarity, negatives)


def _gradient_magnitudes(similarity: np.ndarray, negatives: HardNegatives) -> tuple[np.ndarray, np.ndarray]:
    """Of the triplet loss with its factor, and of the two global cross-entropies with weight 1."""
    triplet = LAMBDA_2 * triplet_gradient_magnitude(similarity, *negatives)
    return triplet, entropy_gradient_magnitude(similarity, *negatives[:2])


def _labelled(figure: go.Figure, similarity: float, negatives: HardNegatives) -> go.Figure:
    places = ((similarity, "solid"), (negatives.text, "dash"), (negatives.image, "dot"))
    shapes = [straight(place, panel, dash, "grey") for panel in (1, 2) for place, dash in places]
    cosine = {"title": {"text": "similarity of the pair (cosine)"}, "range": [-1.02, 1.02]}
    figure.update_layout(
        xaxis=cosine,
        yaxis={"title": {"text": "cosine units"}, "rangemode": "tozero"},
        xaxis2=cosine,
        yaxis2={"title": {"text": "fall of the loss per unit"}, "range": [-0.5, 42]},
        xaxis3={"title": {"text": f"margin to text (cosine; {BARS} bars)"}},
        yaxis3={"title": {"text": "pairs"}},
        modebar=MODEBAR,
    )
    legend = {"orientation": "h", "y": -0.25}
    return figure.update_layout(
        height=450, barmode="overlay", bargap=0, legend=legend, margin={"t": 60, "b": 50}, shapes=shapes
    )
