"""The partition as a picture: losses by truth, what the thresholds call them, the path of one pair."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.rrsitr.partition import CATEGORY_NAMES
from rrsitr_lib.show.style import MODEBAR, straight, truth_bars

FINE, SHOWN = 0.05, 50  # width of the bins in which an epoch is counted, and number of bars that are drawn of them
ROUND = 5  # the histogram ends at a multiple of it, so that bars are whole bins


@dataclass(frozen=True)
class LossCounts:
    """The losses of one epoch, counted once in fine bins, so that moving a threshold sums bins and sorts nothing.

    **Shape** ``edges`` (bins + 1,) in the unit of the loss; ``counts`` (2, bins) by true, mismatched.
    """

    edges: np.ndarray
    counts: np.ndarray

    def confusion(self, gamma_1: float, gamma_2: float) -> np.ndarray:
        """Pairs by category and truth, (3, 2); exact for thresholds on an edge, as all of the explorer's are."""
        first, second = (int(np.searchsorted(self.edges, one - 1e-9)) for one in (gamma_1, gamma_2))
        parts = (slice(0, first), slice(first, second), slice(second, None))
        return np.array([self.counts[:, part].sum(axis=1) for part in parts])

    def bars(self) -> tuple[np.ndarray, np.ndarray]:
        """Edges (SHOWN + 1,) and counts (2, SHOWN) of the bars."""
        step = len(self.counts[0]) // SHOWN
        return self.edges[::step], self.counts.reshape(2, SHOWN, step).sum(axis=2)


def count_losses(loss: np.ndarray, mismatched: np.ndarray, top: float) -> LossCounts:
    """Count the losses of an epoch by truth, from 0 to ``top`` or a little over; what lies above is in the last bin.

    **Shape** loss, mismatched (N,). Raises ``InputError`` for shapes that do not fit.

    >>> counted = count_losses(np.array([1.0, 6.0, 20.0]), np.array([False, False, True]), top=40.0)
    >>> counted.confusion(5.0, 18.0).tolist()
    [[1, 0], [1, 0], [0, 1]]
    """
    if loss.ndim != 1 or loss.shape != mismatched.shape:
        raise InputError(f"loss {loss.shape} and mismatched {mismatched.shape}: expected (N,) both")
    bins = round(ROUND * np.ceil(top / ROUND) / FINE)
    place = np.clip((loss / FINE + 1e-6).astype(np.int64), 0, bins - 1)
    counts = np.bincount(place + bins * mismatched, minlength=2 * bins).reshape(2, bins)
    return LossCounts(np.linspace(0, bins * FINE, bins + 1), counts)


def partition_figure(
    counted: LossCounts, gamma_1: float, gamma_2: float, path: np.ndarray, epoch: int, pair: int
) -> go.Figure:
    """Histogram of losses by truth, the confusion as a map with its numbers, the pair's loss over the epochs.

    Traces: true and mismatched bars, confusion, path, present epoch. **Shape** path (epochs,).
    """
    figure = make_subplots(1, 3, column_widths=[0.42, 0.24, 0.34], horizontal_spacing=0.1)
    figure.add_traces(truth_bars(*counted.bars()), rows=1, cols=1)
    confusion = counted.confusion(gamma_1, gamma_2)
    shares = confusion / np.maximum(confusion.sum(axis=0), 1)
    text = [[f"{number:,}" for number in row] for row in confusion]
    look = {"colorscale": "Cividis", "zmin": 0, "zmax": 1, "showscale": False, "texttemplate": "%{text}"}
    figure.add_heatmap(z=shares.round(3), x=["true", "mismatched"], y=CATEGORY_NAMES, text=text, **look, row=1, col=2)
    epochs, path = np.arange(1, len(path) + 1), path.astype(float).round(3)
    line = {"mode": "lines+markers", "line": {"color": "black", "dash": "dot"}, "name": f"pair {pair}"}
    figure.add_scatter(x=epochs, y=path, **line, row=1, col=3)
    now = {"mode": "markers", "marker": {"size": 13, "symbol": "diamond-open", "color": "black"}, "name": "this epoch"}
    figure.add_scatter(x=[epoch], y=[path[epoch - 1]], **now, row=1, col=3)
    return _labelled(figure, gamma_1, gamma_2, epoch, len(path))


def _labelled(figure: go.Figure, gamma_1: float, gamma_2: float, epoch: int, epochs: int) -> go.Figure:
    shapes, labels, top = [], [], {"y": 1, "xref": "x", "yref": "y domain", "yanchor": "bottom", "showarrow": False}
    looks = ((gamma_1, "dash", "gamma_1", "right"), (gamma_2, "solid", "gamma_2", "left"))
    for value, dash, name, side in looks:  # one name on each side: they stay readable where the thresholds meet
        shapes += [straight(value, 1, dash, "black"), straight(value, 3, dash, "grey", across=True)]
        labels.append({"x": value, "text": name, "xanchor": side, **top})
    return figure.update_layout(
        shapes=shapes,
        annotations=labels,
        xaxis={"title": f"loss in epoch {epoch}"},
        yaxis={"title": "pairs"},
        xaxis2={"title": "truth"},
        xaxis3={"title": "epoch", "dtick": max(1, epochs // 6)},
        yaxis3={"title": "loss of the pair"},
        legend={"orientation": "h", "y": 1.25},
        height=420, barmode="overlay", bargap=0, margin={"t": 90, "b": 50}, modebar=MODEBAR,
    )  # fmt: skip
