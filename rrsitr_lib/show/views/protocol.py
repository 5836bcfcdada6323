"""What a noise protocol leaves: good captions by image, and how far the realised rate stays below the nominal one."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy.stats import binom

from rrsitr_lib.data.noise import PROTOCOLS, Noise, inject
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.errors import InputError
from rrsitr_lib.show.style import MODEBAR, TRUE_COLOUR, hatched, line_looks, straight

CURVE_RATES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
SHORTFALL = "nominal less realised rate (percentage points)"


@dataclass(frozen=True)
class ProtocolView:
    """What the figures show of one injection and of its neighbours.

    **Shape** ``counts``, ``expected`` (K + 1,): images with 0, 1 ... K good captions, as counted and as independent
    draws of rows would give on average; ``shortfall`` (protocols, rates) in percentage points over ``CURVE_RATES``,
    NaN where a protocol has no answer; ``here`` the shortfall of this injection.
    """

    counts: np.ndarray
    expected: np.ndarray
    shortfall: np.ndarray
    here: float
    rate: float
    protocol: str
    note: str = ""


def good_captions(mismatched: np.ndarray, image_of_row: np.ndarray) -> np.ndarray:
    """How many rows of every image still carry a caption of that image. (N,), (N,) -> (M,) int64.

    Raises ``InputError`` for shapes that do not fit.

    >>> good_captions(np.array([True, False, True]), np.array([0, 0, 1])).tolist()
    [1, 0]
    """
    mismatched, image_of_row = np.asarray(mismatched, dtype=bool), np.asarray(image_of_row)
    if mismatched.ndim != 1 or mismatched.shape != image_of_row.shape or not len(mismatched):
        raise InputError(f"mismatched {mismatched.shape} and image_of_row {image_of_row.shape}: expected (N,) for both")
    return np.bincount(image_of_row, weights=~mismatched).astype(np.int64)


def expected_images(rate: float, rows_of_image: np.ndarray) -> np.ndarray:
    """Images with 0, 1 ... K good captions, on average, where every row is wrong with chance ``rate`` by itself.

    **Shape** ``rows_of_image`` (M,) -> (K + 1,), K the largest of them. A binomial law for every image, summed.

    >>> expected_images(0.5, np.array([2, 2])).round(2).tolist()
    [0.5, 1.0, 0.5]
    """
    sizes, images = np.unique(rows_of_image, return_counts=True)
    return (images[:, None] * binom.pmf(np.arange(sizes[-1] + 1), sizes[:, None], 1 - rate)).sum(axis=0)


def shortfall(table: PairTable, seed: int, rates: tuple[float, ...] = CURVE_RATES) -> np.ndarray:
    """Nominal less realised rate in percentage points, of every protocol at every rate. (protocols, rates).

    NaN where a protocol has no answer for this table, as where a single image would have to exchange with itself.
    """
    found = [[injected(table, rate, protocol, seed) for rate in rates] for protocol in PROTOCOLS]
    return np.array([[np.nan if isinstance(one, str) else gap(one) for one in row] for row in found])


def injected(table: PairTable, rate: float, protocol: str, seed: int) -> Noise | str:
    """The noise, or the sentence that says why this table cannot have it."""
    try:
        return inject(table.image_ids, rate, protocol, seed, table.captions)
    except InputError as error:
        return str(error)


def gap(noise: Noise) -> float:
    """Nominal less realised rate in percentage points."""
    return 100 * (noise.rate - noise.realised_rate)


def protocol_view(table: PairTable, noise: Noise | str, curves: np.ndarray, rate: float, protocol: str) -> ProtocolView:
    """Put the numbers of one injection together; where there is none, the bars are NaN and the note says why.

    **Shape** ``curves`` (protocols, rates), from ``shortfall``.
    """
    rows_of_image = np.bincount(table.image_of_row)
    expected = expected_images(rate, rows_of_image)
    if isinstance(noise, str):
        return ProtocolView(np.full(len(expected), np.nan), expected, curves, np.nan, rate, protocol, "not possible")
    counts = np.bincount(good_captions(noise.mismatched, table.image_of_row), minlength=len(expected))
    return ProtocolView(counts.astype(float), expected, curves, gap(noise), rate, protocol)


def protocol_figure(view: ProtocolView, note: str = "") -> go.Figure:
    """Images by number of good captions, and the shortfall of every protocol with this injection marked.

    Traces: bars as counted, the binomial law; a line a protocol; this injection.
    """
    figure = make_subplots(1, 2, column_widths=[0.5, 0.5], horizontal_spacing=0.12)
    numbers = np.arange(len(view.counts))
    figure.add_trace(go.Bar(x=numbers, y=view.counts, name="counted", marker=hatched(TRUE_COLOUR, "/")), 1, 1)
    law = {"symbol": "diamond", "size": 11, "color": "white", "line": {"width": 2, "color": "black"}}
    drawn = {"name": "rows drawn one by one", "mode": "markers", "marker": law}
    figure.add_trace(go.Scatter(x=numbers, y=view.expected.round(2), **drawn), 1, 1)
    for name, gaps, (colour, dash, symbol) in zip(PROTOCOLS, view.shortfall, line_looks(plotly=True), strict=False):
        style = {"line": {"color": colour, "dash": dash}, "marker": {"symbol": symbol, "size": 8}}
        figure.add_trace(go.Scatter(x=CURVE_RATES, y=gaps.round(4), name=name, mode="lines+markers", **style), 1, 2)
    here = {"symbol": "star", "size": 15, "color": "black"}
    name = "this injection" + f" ({view.note})" * bool(view.note)
    point = go.Scatter(x=[view.rate], y=[round(view.here, 4)], mode="markers", marker=here, name=name)
    figure.add_trace(point, 1, 2)
    figure.update_layout(
        shapes=[straight(view.rate, 2, "dot", "grey")],
        xaxis={"title": {"text": "good captions of the image"}, "dtick": 1},
        yaxis={"title": {"text": "images"}},
        xaxis2={"title": {"text": "nominal rate (share of rows)"}, "range": [-0.03, 1.03]},
        yaxis2={"title": {"text": SHORTFALL}},
        modebar=MODEBAR,
    )
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}
    title = {"text": note, "font": {"size": 13}, "y": 0.98, "yanchor": "top"}  # the legend may need three rows below it
    return figure.update_layout(height=440, bargap=0.25, legend=legend, title=title, margin={"t": 120, "b": 50})
