"""Weights over epochs as a picture: a map of all pairs, the distribution in one epoch, the path of one pair."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from rrsitr_lib.errors import InputError
from rrsitr_lib.show.style import MODEBAR, TRUTH_LOOKS, selected_bars, straight, truth_bars

SORTS = ("loss", "weight")
LARGEST_ROWS = 400
BINS = np.linspace(0, 1, 21)


@dataclass(frozen=True)
class WeightMap:
    """What the figures show of a weight column.

    **Shape** ``weight`` (epochs, N) in [0, 1]; ``mismatched`` (N,); ``rows`` (rows, epochs) mean weight of neighbouring
    pairs, true pairs first; ``true_rows`` how many of them are true; ``row_of`` (N,) the row in which a pair stands;
    ``means`` (2, epochs) mean weight of true and of mismatched pairs, NaN where there are none. ``rule`` says what a
    row is.
    """

    weight: np.ndarray
    mismatched: np.ndarray
    rows: np.ndarray
    true_rows: int
    row_of: np.ndarray
    means: np.ndarray
    rule: str


def weight_map(weight: np.ndarray, mismatched: np.ndarray, loss: np.ndarray, sort: str = "loss") -> WeightMap:
    """Sort the pairs by truth, then by ``sort`` (loss of the last epoch, or mean weight), and thin them.

    **Shape** weight, loss (epochs, N), mismatched (N,). Above 400 pairs, neighbours are averaged in groups of one size,
    so that the heights of the true and the mismatched part are as their numbers.
    Raises ``InputError`` for shapes that do not fit or an unknown ``sort``.

    >>> found = weight_map(np.array([[0.2, 0.0, 0.5]]), np.array([False, True, False]), np.array([[4.0, 9.0, 1.0]]))
    >>> found.rows.ravel().tolist()
    [0.5, 0.2, 0.0]
    """
    weight, mismatched = np.asarray(weight), np.asarray(mismatched, dtype=bool)
    if weight.ndim != 2 or mismatched.shape != weight.shape[1:] or 0 in weight.shape:
        raise InputError(f"weight {weight.shape} and mismatched {mismatched.shape}: expected (epochs, N) and (N,)")
    if sort not in SORTS:
        raise InputError(f"sort is {sort!r}: allowed are {', '.join(SORTS)}")
    key = np.asarray(loss[-1]) if sort == "loss" else -weight.mean(axis=0)
    order, true_pairs = np.lexsort((key, mismatched)), int((~mismatched).sum())
    group = -(-len(order) // LARGEST_ROWS)
    kinds = [weight[:, part] for part in (order[:true_pairs], order[true_pairs:])]
    parts = [_thinned(kind, group) for kind in kinds]
    means = [kind.mean(axis=1, dtype=float) if kind.size else np.full(len(weight), np.nan) for kind in kinds]
    row_of = np.empty(len(order), np.int64)
    row_of[order[:true_pairs]] = np.arange(true_pairs) // group
    row_of[order[true_pairs:]] = len(parts[0]) + np.arange(len(order) - true_pairs) // group
    rule = "each row one pair" if group == 1 else f"each row the mean of {group} pairs"
    return WeightMap(weight, mismatched, np.concatenate(parts), len(parts[0]), row_of, np.stack(means), rule)


def bin_of(weight: np.ndarray) -> np.ndarray:
    """The bar of every pair in the distribution of weights; **Shape** (N,) -> (N,), 0 to 19."""
    return np.clip(np.searchsorted(BINS, weight, side="right") - 1, 0, len(BINS) - 2)


def weights_figure(
    weights: WeightMap, epoch: int, pair: int | None = None, label: str = "", selected: Sequence[int] = ()
) -> go.Figure:
    """Map of weights, distribution of weights in ``epoch`` (from 1), weights of one pair beside the two means.

    ``pair`` is a column of the map, called ``label`` or by its number; the columns ``selected`` are framed in the
    distribution.

    Traces: heat map; true and mismatched pairs as bars; mean of each as lines; the pair; selected bars.
    """
    figure = make_subplots(1, 3, column_widths=[0.4, 0.3, 0.3], horizontal_spacing=0.13)
    epochs, row = np.arange(1, len(weights.weight) + 1), weights.weight[epoch - 1]
    above = {"orientation": "h", "x": 0.15, "len": 0.32, "y": 1.02, "yanchor": "bottom", "thickness": 10}
    look = {"zmin": 0, "zmax": 1, "colorscale": "Cividis"}
    bar = {"title": {"text": "weight", "side": "top"}, **above}
    figure.add_heatmap(z=weights.rows.round(3), x=epochs, colorbar=bar, **look, row=1, col=1)
    bars, last = bin_of(row), len(BINS) - 1
    counts = (np.bincount(bars[kind], minlength=last) for kind in (~weights.mismatched, weights.mismatched))
    figure.add_traces(truth_bars(BINS, counts), rows=1, cols=2)
    for (name, colour, dash, _), mean in zip(TRUTH_LOOKS, weights.means.round(3), strict=True):
        line = {"color": colour, "dash": dash}
        figure.add_scatter(x=epochs, y=mean, mode="lines", line=line, name=f"mean of {name}", row=1, col=3)
    path = weights.weight[:, pair].astype(float).round(3) if pair is not None else np.full(len(epochs), np.nan)
    look = {"line": {"color": "black", "dash": "dot"}, "marker": {"symbol": "diamond", "size": 8}}
    shown = label or (f"pair {pair}" if pair is not None else "no pair chosen")
    figure.add_scatter(x=epochs, y=path, name=shown, mode="lines+markers", **look, row=1, col=3)
    chosen = np.bincount(bars[np.asarray(selected, np.int64)], minlength=last)
    figure.add_trace(selected_bars(BINS, chosen), row=1, col=2)
    return _labelled(figure, weights, epoch)


def _labelled(figure: go.Figure, weights: WeightMap, epoch: int) -> go.Figure:
    shapes = [straight(weights.true_rows - 0.5, 1, "dash", "white", across=True)]
    shapes += [straight(epoch, 1, "dot", "white"), straight(epoch, 3, "dot", "grey")]
    kinds = {"text": f"true above, mismatched below<br>({weights.rule})", "font": {"size": 12}}
    epochs = {"title": "epoch", "dtick": max(1, len(weights.weight) // 6)}
    return figure.update_layout(
        xaxis=epochs,
        yaxis={"title": kinds, "autorange": "reversed"},
        xaxis2={"title": f"weight in epoch {epoch}"},
        yaxis2={"title": {"text": "pairs", "standoff": 4}},
        xaxis3=epochs,
        yaxis3={"title": {"text": "weight", "standoff": 4}, "range": [-0.03, 1.03]},
        legend={"x": 0, "y": -0.2, "orientation": "h"},
        shapes=shapes, height=470, barmode="overlay", bargap=0, margin={"t": 90, "b": 90}, modebar=MODEBAR,
    )  # fmt: skip


def _thinned(weight: np.ndarray, group: int) -> np.ndarray:
    """Mean over groups of ``group`` neighbours, fewer in the last: (epochs, n) -> (rows, epochs)."""
    if weight.shape[1] == 0:
        return np.empty((0, len(weight)))
    edges = np.arange(0, weight.shape[1], group)
    sums = np.add.reduceat(weight.astype(np.float64), edges, axis=1)
    return (sums / np.diff(edges, append=weight.shape[1])).T
