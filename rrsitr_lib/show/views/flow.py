"""How pairs move between the categories from one epoch to the next, true and mismatched ones apart."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.partition import CATEGORY_NAMES
from rrsitr_lib.show.style import COUNTS_MAP, MODEBAR, TRUTH_LOOKS, straight


def flow(before: np.ndarray, after: np.ndarray, mismatched: np.ndarray) -> np.ndarray:
    """Pairs by truth (true, mismatched), category before, and category after; **Shape** three of (N,) -> (2, 3, 3).

    Raises ``InputError`` for shapes that do not fit.

    >>> flow(np.array([0, 2]), np.array([1, 2]), np.array([False, True])).sum(axis=0).tolist()
    [[0, 1, 0], [0, 0, 0], [0, 0, 1]]
    """
    if before.ndim != 1 or not before.shape == after.shape == mismatched.shape:
        raise InputError(f"categories {before.shape}, {after.shape}, mismatched {mismatched.shape}: expected (N,) all")
    place = 9 * mismatched.astype(np.int64) + 3 * before.astype(np.int64) + after
    return np.bincount(place, minlength=18).reshape(2, 3, 3)


def moved_shares(category: np.ndarray, mismatched: np.ndarray) -> np.ndarray:
    """The share of true and of mismatched pairs with another category than one epoch before; NaN without such pairs.

    **Shape** category (epochs, N), mismatched (N,) -> (2, epochs - 1).
    """
    moved = category[1:] != category[:-1]
    kinds = [moved[:, mismatched == kind] for kind in (False, True)]
    return np.stack([kind.mean(axis=1) if kind.shape[1] else np.full(len(moved), np.nan) for kind in kinds])


def flow_figure(category: np.ndarray, mismatched: np.ndarray, epoch: int) -> go.Figure:
    """Where the pairs of each category in ``epoch`` (from 1) stand one epoch later, and how many move in each epoch.

    Traces: a map of true and one of mismatched pairs, shares by row; the share that moved, of both, over the epochs.
    **Shape** category (epochs, N) with two epochs at least, mismatched (N,).
    """
    figure = make_subplots(1, 3, column_widths=[0.33, 0.33, 0.34], horizontal_spacing=0.1)
    for panel, found in enumerate(flow(category[epoch - 1], category[epoch], mismatched), 1):
        shares = found / np.maximum(found.sum(axis=1, keepdims=True), 1)
        text = [[f"{number:,}" for number in row] for row in found]
        names = {"x": CATEGORY_NAMES, "y": CATEGORY_NAMES}
        figure.add_heatmap(z=shares.round(3), text=text, **names, **COUNTS_MAP, row=1, col=panel)
    epochs = np.arange(2, len(category) + 1)
    for (name, colour, dash, _), share in zip(TRUTH_LOOKS, moved_shares(category, mismatched).round(3), strict=True):
        line = {"color": colour, "dash": dash}
        figure.add_scatter(x=epochs, y=share, mode="lines+markers", line=line, name=name, row=1, col=3)
    kinds = [f"<b>{name}</b><br>category in epoch {epoch + 1}" for name, *_ in TRUTH_LOOKS]
    return figure.update_layout(
        xaxis={"title": kinds[0]}, xaxis2={"title": kinds[1]},
        yaxis={"title": f"category in epoch {epoch}"}, yaxis2={"showticklabels": False},
        xaxis3={"title": "epoch", "dtick": max(1, len(category) // 6)},
        yaxis3={"title": "share that changed category", "rangemode": "tozero"},
        shapes=[straight(epoch + 1, 3, "dot", "grey")],
        legend={"orientation": "h", "y": 1.2}, height=420, margin={"t": 70, "b": 50}, modebar=MODEBAR,
    )  # fmt: skip
