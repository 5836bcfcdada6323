"""The partition as a picture: losses by truth, what the thresholds call them, the path of one pair."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.partition import CATEGORY_NAMES, partition
from rrsitr_lib.show.style import COUNTS_MAP, MODEBAR, selected_bars, straight, truth_bars

BARS = 50


def confusion(loss: np.ndarray, mismatched: np.ndarray, gamma_1: float, gamma_2: float) -> np.ndarray:
    """Pairs by category (clean, ambiguous, noisy) and truth (true, mismatched).

    **Shape** loss, mismatched (N,) -> (3, 2). Raises ``InputError`` for shapes that do not fit.

    >>> confusion(np.array([1.0, 6.0, 20.0]), np.array([False, False, True]), 5.0, 18.0).tolist()
    [[1, 0], [1, 0], [0, 1]]
    """
    if loss.ndim != 1 or loss.shape != mismatched.shape:
        raise InputError(f"loss {loss.shape} and mismatched {mismatched.shape}: expected (N,) both")
    category = partition(torch.tensor(loss), gamma_1, gamma_2).numpy()
    return np.bincount(2 * category + mismatched, minlength=6).reshape(3, 2)


def bar_of(loss: np.ndarray, top: float) -> tuple[np.ndarray, np.ndarray]:
    """Edges (51,) of the bars of a histogram of losses, and the bar of every pair, (N,); the last holds all beyond.

    It ends at ``top``, or at the next multiple of five. **Shape** loss (N,).

    >>> bar_of(np.array([0.5, 1.0, 99.0]), 50.0)[1].tolist()
    [0, 1, 49]
    """
    edges = np.linspace(0, 5 * np.ceil(top / 5), BARS + 1)
    return edges, np.clip(np.searchsorted(edges, loss, side="right") - 1, 0, BARS - 1)


def loss_bars(loss: np.ndarray, mismatched: np.ndarray, top: float) -> tuple[np.ndarray, np.ndarray]:
    """Edges (51,) and counts (2, 50) of the losses of true and of mismatched pairs, as ``bar_of`` sorts them.

    **Shape** loss, mismatched (N,).
    """
    edges, bar = bar_of(loss, top)
    return edges, np.stack([np.bincount(bar[mismatched == kind], minlength=BARS) for kind in (False, True)])


def partition_figure(
    loss: np.ndarray,
    mismatched: np.ndarray,
    top: float,
    gamma_1: float,
    gamma_2: float,
    epoch: int,
    pair: int,
    selected: Sequence[int] = (),
) -> go.Figure:
    """Histogram of the losses of ``epoch`` by truth, the confusion as a map, the loss of ``pair`` over the epochs.

    ``top``: loss at which the histogram may end. ``selected``: rows of pairs that are framed in the histogram.

    Traces: true and mismatched bars, confusion, path, present epoch, selected bars.
    **Shape** loss (epochs, N), mismatched (N,).
    """
    figure = make_subplots(1, 3, column_widths=[0.42, 0.24, 0.34], horizontal_spacing=0.1)
    bars = loss_bars(loss[epoch - 1], mismatched, top)
    figure.add_traces(truth_bars(*bars), rows=1, cols=1)
    found = confusion(loss[epoch - 1], mismatched, gamma_1, gamma_2)
    shares = found / np.maximum(found.sum(axis=0), 1)
    text = [[f"{number:,}" for number in row] for row in found]
    names = {"x": ["true", "mismatched"], "y": CATEGORY_NAMES}
    figure.add_heatmap(z=shares.round(3), text=text, **names, **COUNTS_MAP, row=1, col=2)
    epochs, path = np.arange(1, len(loss) + 1), loss[:, pair].astype(float).round(3)
    line = {"mode": "lines+markers", "line": {"color": "black", "dash": "dot"}, "name": f"pair {pair}"}
    figure.add_scatter(x=epochs, y=path, **line, row=1, col=3)
    now = {"mode": "markers", "marker": {"size": 13, "symbol": "diamond-open", "color": "black"}, "name": "this epoch"}
    figure.add_scatter(x=[epoch], y=[path[epoch - 1]], **now, row=1, col=3)
    _, bar = bar_of(loss[epoch - 1, list(selected)], top)
    figure.add_trace(selected_bars(bars[0], np.bincount(bar, minlength=BARS)), row=1, col=1)
    figure.update_xaxes(range=[0, bars[0][-1]], row=1, col=1)  # the same while the epochs are played
    return _labelled(figure, gamma_1, gamma_2, epoch, len(loss))


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
