"""Weights over epochs as a picture: pairs sorted by truth and loss, thinned by a stated rule; arrays, then a figure."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from rrsitr_lib.errors import InputError

SORTS = ("loss", "weight")
LARGEST_ROWS = 400
BINS = np.linspace(0, 1, 21)


@dataclass(frozen=True)
class WeightMap:
    """What the figures show of a weight column.

    **Shape** ``weight`` (epochs, N) in [0, 1]; ``mismatched`` (N,); ``order`` (N,) true pairs first;
    ``rows`` (rows, epochs) mean weight of neighbouring pairs; ``true_rows`` how many of them are true pairs.
    """

    weight: np.ndarray
    mismatched: np.ndarray
    order: np.ndarray
    rows: np.ndarray
    true_rows: int
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
    Taught in: notebooks/06_training_end_to_end

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
    return WeightMap(weight, mismatched, order, np.concatenate(parts), len(parts[0]), rule)


def weights_figure(weights: WeightMap, epoch: int) -> go.Figure:
    """Map of weights beside the distribution of weights in ``epoch`` (from 1).

    Traces: heat map, true pairs, mismatched pairs. Taught in: notebooks/06_training_end_to_end
    """
    figure = make_subplots(1, 2, column_widths=[0.55, 0.45], horizontal_spacing=0.14)
    epochs = np.arange(1, weights.rows.shape[1] + 1)
    bar = {"title": "weight", "x": 0.47, "thickness": 12}
    figure.add_trace(
        go.Heatmap(z=weights.rows.round(3), x=epochs, zmin=0, zmax=1, colorscale="Cividis", colorbar=bar), 1, 1
    )
    bins, *counts = weights.histogram(epoch)
    centres = ((bins[:-1] + bins[1:]) / 2).round(3)
    looks = (("true pairs", "#0072b2", ""), ("mismatched pairs", "#d55e00", "/"))
    for (name, colour, pattern), count in zip(looks, counts, strict=True):
        marker = {"color": colour, "pattern": {"shape": pattern}}
        figure.add_trace(go.Bar(x=centres, y=count, name=name, marker=marker), 1, 2)
    figure.add_hline(weights.true_rows - 0.5, line={"dash": "dash", "color": "white"}, row=1, col=1)
    figure.add_vline(epoch, line={"dash": "dot", "color": "white"}, row=1, col=1)
    figure.update_yaxes(title=f"true above, mismatched below ({weights.rule})", autorange="reversed", row=1, col=1)
    figure.update_xaxes(title="epoch", row=1, col=1)
    figure.update_xaxes(title=f"weight in epoch {epoch}", row=1, col=2)
    figure.update_yaxes(title="pairs", row=1, col=2)
    return figure.update_layout(
        height=380, barmode="overlay", bargap=0, legend={"x": 0.62, "y": 1.12, "orientation": "h"}
    )


def _thinned(weight: np.ndarray, group: int) -> np.ndarray:
    """Mean over groups of ``group`` neighbours, fewer in the last: (epochs, n) -> (rows, epochs)."""
    if weight.shape[1] == 0:
        return np.empty((0, len(weight)))
    edges = np.arange(0, weight.shape[1], group)
    sums = np.add.reduceat(weight.astype(np.float64), edges, axis=1)
    return (sums / np.diff(edges, append=weight.shape[1])).T
