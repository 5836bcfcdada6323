"""Two runs on the same pairs as a picture: loss against loss, who moved to which category, what each pair gained."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from rrsitr_lib.methods.partition import CATEGORY_NAMES
from rrsitr_lib.show.style import COUNTS_MAP, MODEBAR, TRUTH_LOOKS, straight, truth_bars
from rrsitr_lib.show.views.flow import flow

LARGEST_POINTS = 1200  # as many as an exported page has cards for
BARS = 40
LIMITS = (("gamma_1", "dash"), ("gamma_2", "solid"), ("chance level", "dot"))


def sides(loss: np.ndarray, mismatched: np.ndarray) -> np.ndarray:
    """Pairs by truth (true, mismatched) whose loss in B is the larger one, equal, the smaller one.

    **Shape** loss (2, N) of A and B, mismatched (N,) -> (2, 3).

    >>> sides(np.array([[1.0, 5.0, 2.0], [3.0, 4.0, 9.0]]), np.array([False, False, True])).tolist()
    [[1, 0, 1], [1, 0, 0]]
    """
    place = 1 - np.sign(loss[1] - loss[0]).astype(int)
    return np.bincount(3 * np.asarray(mismatched, int) + place, minlength=6).reshape(2, 3)


@dataclass(frozen=True)
class Scale:
    """What stays while the epochs pass: where the axes of loss and of gain end, and which pairs are drawn.

    **Shape** ``rows`` (drawn,), every ``step``-th pair. Bars of gain hold at the ends all that lies beyond.
    """

    loss: float
    gain: float
    rows: np.ndarray
    step: int


def scale_of(loss_a: np.ndarray, loss_b: np.ndarray) -> Scale:
    """The largest drawn loss of all epochs, and the gain within which 99 % lie, both to the next five.

    **Shape** both (epochs, N).

    >>> scale_of(np.array([[1.0, 2.0]]), np.array([[3.0, 12.0]])).loss
    15.0
    """
    pairs = loss_a.shape[1]
    step = max(1, -(-pairs // LARGEST_POINTS))
    rows = np.arange(0, pairs, step)
    top = max(loss_a[:, rows].max(), loss_b[:, rows].max())
    gain = np.quantile(np.abs(loss_b - loss_a), 0.99)
    return Scale(*(max(5.0, 5.0 * float(np.ceil(end / 5))) for end in (top, gain)), rows, step)


def compare_figure(
    loss: np.ndarray,
    category: np.ndarray,
    mismatched: np.ndarray,
    scale: Scale,
    limits: np.ndarray,
    names: Sequence[str],
    pair: int | None = None,
    selected: Sequence[int] = (),
) -> go.Figure:
    """Loss in run A against loss in run B, categories in A against B, and the histogram of loss B minus loss A.

    ``limits`` (2, 3): gamma_1, gamma_2 and chance level of A and of B, NaN where it has none; ``names`` of A and B.
    ``pair`` and the rows ``selected`` are marked.

    Traces: true and mismatched pairs, whose ``customdata`` is the row; the diagonal, gamma_1, gamma_2, chance level;
    categories; true and mismatched bars; selected pairs as far as they are drawn; the pair.
    **Shape** loss, category (2, N), mismatched (N,).
    """
    figure = make_subplots(1, 3, column_widths=[0.38, 0.27, 0.35], horizontal_spacing=0.13)
    looks = zip(TRUTH_LOOKS, ("circle", "x"), (False, True), strict=True)
    for (name, colour, *_), symbol, kind in looks:
        rows = scale.rows[mismatched[scale.rows] == kind]
        marker = {"color": colour, "symbol": symbol, "size": 5}
        x, y = loss[:, rows].astype(float).round(2)
        look = {"mode": "markers", "marker": marker, "opacity": 0.6, "legendgroup": name}
        figure.add_scatter(x=x, y=y, customdata=rows.tolist(), name=name, **look, row=1, col=1)
    for name, dash, x, y in _lines(scale.loss, limits):
        line = {"color": "grey", "dash": dash, "width": 1.5}
        figure.add_scatter(x=x, y=y, mode="lines", line=line, name=name, row=1, col=1)
    found = flow(*category, mismatched)
    figure.add_trace(_categories(found), row=1, col=2)
    figure.add_traces(_gains(loss[1] - loss[0], mismatched, scale.gain), rows=1, cols=3)
    drawn = np.intersect1d(np.asarray(selected, np.int64), scale.rows)
    figure.add_traces(_marks(loss, drawn, [] if pair is None else [pair]), rows=1, cols=1)
    return _labelled(figure, scale, names)


def _marks(loss: np.ndarray, selected: np.ndarray, pair: list[int]) -> list[dict]:
    """Rings around the pairs ``selected``, a square around the chosen one."""
    looks = (("selected", selected, "circle-open", 10, 1.2), ("the pair", pair, "square-open", 13, 2))
    traces = []
    for name, rows, symbol, size, width in looks:
        marker = {"symbol": symbol, "size": size, "color": "black", "line": {"width": width}}
        x, y = loss[:, np.asarray(rows, np.int64)].astype(float).round(2)
        look = {"mode": "markers", "marker": marker, "hoverinfo": "skip"}
        traces.append({"type": "scatter", "x": x, "y": y, "name": name, **look})
    return traces


def _categories(found: np.ndarray) -> go.Heatmap:
    """Counts by category in A (rows) and B, coloured by the share of the row. **Shape** (2, 3, 3)."""
    both = found.sum(axis=0)
    shares = (both / np.maximum(both.sum(axis=1, keepdims=True), 1)).round(3)
    text = [
        [f"{number:,}<br>({wrong:,})" for number, wrong in zip(*row, strict=True)]
        for row in zip(both, found[1], strict=True)
    ]
    return go.Heatmap(z=shares, x=CATEGORY_NAMES, y=CATEGORY_NAMES, text=text, **COUNTS_MAP)


def bar_of_gain(gain: np.ndarray, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Edges (41,) of the bars from ``-end`` to ``end``, and the bar of every pair, the outer ones with all beyond.

    **Shape** gain (N,) -> (N,).

    >>> bar_of_gain(np.array([-9.0, 0.1, 9.0]), 4.0)[1].tolist()
    [0, 20, 39]
    """
    edges = np.linspace(-end, end, BARS + 1)
    return edges, np.clip(np.searchsorted(edges, gain, side="right") - 1, 0, BARS - 1)


def _gains(gain: np.ndarray, mismatched: np.ndarray, end: float) -> list[dict]:
    edges, bar = bar_of_gain(gain, end)
    bars = truth_bars(edges, (np.bincount(bar[mismatched == kind], minlength=BARS) for kind in (False, True)))
    return [{**one, "showlegend": False, "legendgroup": one["name"]} for one in bars]


def _lines(top: float, limits: np.ndarray) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """Name, dash and points of the diagonal, and of each limit: upright that of A, across that of B."""
    ends = np.array([0, top])
    yield "equal loss", "dashdot", ends, ends
    for (name, dash), upright, across in zip(LIMITS, *limits.tolist(), strict=True):
        yield name, dash, np.array([upright, upright, np.nan, *ends]), np.array([*ends, np.nan, across, across])


def _labelled(figure: go.Figure, scale: Scale, names: Sequence[str]) -> go.Figure:
    axis = [{"title": f"loss in {name}", "range": [0, scale.loss]} for name in names]
    return figure.update_layout(
        xaxis=axis[0],
        yaxis=axis[1],
        xaxis2={"title": "category in B<br>(in brackets: mismatched)", "tickangle": 0, "tickfont": {"size": 10}},
        yaxis2={"title": {"text": "category in A", "standoff": 2}},
        xaxis3={"title": "loss in B minus loss in A<br>(the outer bars hold all beyond)"},
        yaxis3={"title": {"text": "pairs", "standoff": 4}},
        shapes=[straight(0, 3, "dashdot", "grey")], legend={"orientation": "h", "y": 1.03, "yanchor": "bottom"},
        height=430, barmode="overlay", bargap=0, margin={"t": 80, "b": 60, "l": 60, "r": 20}, modebar=MODEBAR,
    )  # fmt: skip
