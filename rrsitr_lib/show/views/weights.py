"""Weights over epochs as a picture: a map of all pairs, the distribution in one epoch, the path of one pair."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from rrsitr_lib.errors import InputError
from rrsitr_lib.show.style import MODEBAR, TRUE_COLOUR, TRUTH_NAMES, WRONG_COLOUR, hatched, straight

SORTS = ("loss", "weight")
LARGEST_ROWS = 400
BINS = np.linspace(0, 1, 21)


@dataclass(frozen=True)
class WeightMap:
    """What the figures show of a weight column.

    **Shape** ``weight`` (epochs, N) in [0, 1]; ``mismatched`` (N,); ``order`` (N,) true pairs first;
    ``rows`` (rows, epochs) mean weight of neighbouring pairs; ``true_rows`` how many of them are true pairs;
    ``means`` (2, epochs) mean weight of true and of mismatched pairs, NaN where there are none.
    """

    weight: np.ndarray
    mismatched: np.ndarray
    order: np.ndarray
    rows: np.ndarray
    true_rows: int
    means: np.ndarray
    rule: str

    def histogram(self, epoch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Bin edges, counts of true pairs and of mismatched pairs in ``epoch`` (from 1)."""
        row = self.weight[epoch - 1]
        return BINS, *(np.histogram(row[select], BINS)[0] for select in (~self.mismatched, self.mismatched))


def weight_map(
    weight: np.ndarray, mismatched: np.ndarray, loss: np.ndarray | None = None, sort: str = "loss"
) -> WeightMap:
    """Sort the pairs by truth, then by ``sort`` (loss of the last epoch, or mean weight), and thin them.

    **Shape** weight, loss (epochs, N), mismatched (N,). Above 400 pairs, neighbours are averaged in groups of one size,
    so that the heights of the true and the mismatched part are as their numbers.
    Raises ``InputError`` for shapes that do not fit or an unknown ``sort``.

    >>> weight_map(np.array([[1.0, 0.0, 0.5]]), np.array([False, True, False]), sort="weight").order.tolist()
    [0, 2, 1]
    """
    weight, mismatched = np.asarray(weight), np.asarray(mismatched, dtype=bool)
    if weight.ndim != 2 or mismatched.shape != weight.shape[1:] or 0 in weight.shape:
        raise InputError(f"weight {weight.shape} and mismatched {mismatched.shape}: expected (epochs, N) and (N,)")
    if sort not in SORTS:
        raise InputError(f"sort is {sort!r}: allowed are {', '.join(SORTS)}")
    key = -weight.mean(axis=0) if sort == "weight" or loss is None else np.asarray(loss[-1])
    order = np.lexsort((key, mismatched))
    true_pairs = int((~mismatched).sum())
    group = -(-len(order) // LARGEST_ROWS)
    parts = [_thinned(weight[:, part], group) for part in (order[:true_pairs], order[true_pairs:])]
    rule = "each row one pair" if group == 1 else f"each row the mean of {group} pairs"
    return WeightMap(weight, mismatched, order, np.concatenate(parts), len(parts[0]), _means(weight, mismatched), rule)


def _means(weight: np.ndarray, mismatched: np.ndarray) -> np.ndarray:
    """Mean weight of true and of mismatched pairs in every epoch, by two products instead of two copies."""
    numbers = np.array([(~mismatched).sum(), mismatched.sum()])
    sums = np.stack([weight @ kind.astype(np.float32) for kind in (~mismatched, mismatched)])
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums / numbers[:, None]


def weights_figure(weights: WeightMap, epoch: int, pair: int | None = None, label: str = "") -> go.Figure:
    """Map of weights, distribution of weights in ``epoch`` (from 1), weights of one pair beside the two means.

    ``pair`` is a column of the map, called ``label`` or by its number.

    Traces: heat map; true and mismatched pairs as bars; mean of each as lines; the pair.
    """
    figure = make_subplots(1, 3, column_widths=[0.4, 0.3, 0.3], horizontal_spacing=0.13)
    epochs = np.arange(1, weights.rows.shape[1] + 1)
    above = {"orientation": "h", "x": 0.15, "len": 0.32, "y": 1.02, "yanchor": "bottom", "thickness": 10}
    bar = {"title": {"text": "weight", "side": "top"}, **above}
    heat = go.Heatmap(z=weights.rows.round(3), x=epochs, zmin=0, zmax=1, colorscale="Cividis", colorbar=bar)
    figure.add_trace(heat, 1, 1)
    bins, *counts = weights.histogram(epoch)
    centres = ((bins[:-1] + bins[1:]) / 2).round(3)
    looks = tuple(zip(TRUTH_NAMES, (TRUE_COLOUR, WRONG_COLOUR), ("", "/"), ("solid", "dash"), strict=True))
    for (name, colour, hatch, _), count in zip(looks, counts, strict=True):
        marker = hatched(colour, hatch)
        figure.add_trace(go.Bar(x=centres, y=count, name=name, marker=marker, opacity=0.75), 1, 2)
    for kind, (name, colour, _, dash) in enumerate(looks):
        line = {"color": colour, "dash": dash}
        mean = weights.means[kind].round(3)
        figure.add_trace(go.Scatter(x=epochs, y=mean, mode="lines", line=line, name=f"mean of {name}"), 1, 3)
    path = weights.weight[:, pair] if pair is not None else np.full(len(epochs), np.nan)
    look = {"line": {"color": "black", "dash": "dot"}, "marker": {"symbol": "diamond", "size": 8}}
    shown = label or (f"pair {pair}" if pair is not None else "no pair chosen")
    figure.add_trace(
        go.Scatter(x=epochs, y=np.asarray(path, float).round(3), name=shown, mode="lines+markers", **look), 1, 3
    )
    return _labelled(figure, weights, epoch)


def _labelled(figure: go.Figure, weights: WeightMap, epoch: int) -> go.Figure:
    shapes = [straight(weights.true_rows - 0.5, 1, "dash", "white", across=True)]
    shapes += [straight(epoch, 1, "dot", "white"), straight(epoch, 3, "dot", "grey")]
    kinds = {"text": f"true above, mismatched below<br>({weights.rule})", "font": {"size": 12}}
    epochs = {"title": {"text": "epoch"}, "dtick": max(1, weights.rows.shape[1] // 6)}
    figure.update_layout(
        xaxis=epochs,
        yaxis={"title": kinds, "autorange": "reversed"},
        xaxis2={"title": {"text": f"weight in epoch {epoch}"}},
        yaxis2={"title": {"text": "pairs", "standoff": 4}},
        xaxis3=epochs,
        yaxis3={"title": {"text": "weight", "standoff": 4}, "range": [-0.03, 1.03]},
        modebar=MODEBAR,
    )
    legend = {"x": 0, "y": -0.2, "orientation": "h"}
    return figure.update_layout(
        shapes=shapes, height=470, barmode="overlay", bargap=0, legend=legend, margin={"t": 90, "b": 90}
    )


def _thinned(weight: np.ndarray, group: int) -> np.ndarray:
    """Mean over groups of ``group`` neighbours, fewer in the last: (epochs, n) -> (rows, epochs)."""
    if weight.shape[1] == 0:
        return np.empty((0, len(weight)))
    edges = np.arange(0, weight.shape[1], group)
    sums = np.add.reduceat(weight.astype(np.float64), edges, axis=1)
    return (sums / np.diff(edges, append=weight.shape[1])).T
