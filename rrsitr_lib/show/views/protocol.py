"""What a noise protocol leaves: good captions by image, and how many images have none left, rate by rate."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy.stats import binom

from rrsitr_lib.data.noise import PROTOCOLS, Noise, inject
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.errors import InputError
from rrsitr_lib.show.style import COLOURS, MODEBAR, hatched, line_looks, straight

CURVE_RATES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


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


def injected(table: PairTable, rate: float, protocol: str, seed: int) -> Noise | str:
    """The noise, or the sentence that says why this table cannot have it."""
    try:
        return inject(table.image_ids, rate, protocol, seed, table.captions)
    except InputError as error:
        return str(error)


def ruined(table: PairTable, seed: int) -> np.ndarray:
    """Images without any good caption in percent, by every protocol at every rate. (protocols, rates).

    NaN where a protocol has no answer for this table, as where a single image would have to exchange with itself.
    """
    return np.array([[_ruined(table, injected(table, rate, name, seed)) for rate in CURVE_RATES] for name in PROTOCOLS])


def _ruined(table: PairTable, noise: Noise | str) -> float:
    if isinstance(noise, str):
        return np.nan
    return 100 * float((good_captions(noise.mismatched, table.image_of_row) == 0).mean())


def protocol_figure(table: PairTable, noise: Noise | str, curves: np.ndarray, rate: float, note: str = "") -> go.Figure:
    """Images by number of good captions, and the images that every protocol ruins, this injection marked.

    Where there is no noise but a reason, the bars are NaN. **Shape** ``curves`` (protocols, rates), from ``ruined``.
    Traces: bars as counted, the binomial law; a line a protocol; this injection.
    """
    figure = make_subplots(1, 2, horizontal_spacing=0.12)
    expected, possible = expected_images(rate, np.bincount(table.image_of_row)), isinstance(noise, Noise)
    numbers, counts = np.arange(len(expected)), np.full(len(expected), np.nan)
    if possible:
        counts = np.bincount(good_captions(noise.mismatched, table.image_of_row), minlength=len(expected))
    figure.add_bar(x=numbers, y=counts, name="counted", marker=hatched(COLOURS[3], ""), row=1, col=1)
    law = {"symbol": "diamond", "size": 11, "color": "white", "line": {"width": 2, "color": "black"}}
    drawn = {"name": "rows drawn one by one", "mode": "markers", "marker": law}
    figure.add_scatter(x=numbers, y=expected.round(2), **drawn, row=1, col=1)
    for name, shares, (colour, dash, symbol) in zip(PROTOCOLS, curves, line_looks(plotly=True), strict=False):
        look = {"line": {"color": colour, "dash": dash}, "marker": {"symbol": symbol, "size": 8}}
        figure.add_scatter(x=CURVE_RATES, y=shares.round(2), name=name, mode="lines+markers", **look, row=1, col=2)
    star = {"mode": "markers", "marker": {"symbol": "star", "size": 15, "color": "black"}}
    name = "this injection" if possible else "this injection (not possible)"
    figure.add_scatter(x=[rate], y=[np.round(_ruined(table, noise), 2)], name=name, **star, row=1, col=2)
    return _labelled(figure, rate, note)


def _labelled(figure: go.Figure, rate: float, note: str) -> go.Figure:
    title = {"text": note, "font": {"size": 13}, "y": 0.98, "yanchor": "top"}  # the legend may need three rows below it
    return figure.update_layout(
        shapes=[straight(rate, 2, "dot", "grey")],
        xaxis={"title": "good captions of the image", "dtick": 1},
        yaxis={"title": "images"},
        xaxis2={"title": "nominal rate (share of rows)", "range": [-0.03, 1.03]},
        yaxis2={"title": "images without a good caption (%)"},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        title=title, height=440, bargap=0.25, margin={"t": 120, "b": 50}, modebar=MODEBAR,
    )  # fmt: skip
