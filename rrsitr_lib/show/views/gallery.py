"""A gallery of suspects as a picture: all scores sorted, the page looked at, what was decided."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from rrsitr_lib.errors import InputError
from rrsitr_lib.show.style import MODEBAR, TRUE_COLOUR, WRONG_COLOUR

LARGEST_POINTS = 2000


def places(score: pd.Series, rows: Sequence[int]) -> np.ndarray:
    """Where ``rows`` stand in a sorted score, from 1.

    >>> places(pd.Series([0.9, 0.5], index=[4, 2]), [2]).tolist()
    [2]
    """
    return 1 + score.index.get_indexer(rows)


def balanced_accuracy(called: np.ndarray, mismatched: np.ndarray) -> float:
    """Mean over the two kinds of pairs, where there are any, of the share that is called what it is, in [0, 1].

    **Shape** both (n,) bool. Raises ``InputError`` for no pair.

    >>> balanced_accuracy(np.array([True, True, False]), np.array([True, False, False]))
    0.75
    """
    if not len(mismatched):
        raise InputError("no pair is decided: there is nothing to count")
    kinds = [kind for kind in (mismatched, ~mismatched) if kind.any()]
    return float(np.mean([(called == mismatched)[kind].mean() for kind in kinds]))


def best_balanced_accuracy(score: np.ndarray, mismatched: np.ndarray) -> float:
    """Balanced accuracy of calling pairs with a high score wrong, at the threshold that suits these pairs best.

    **Shape** both (n,). Raises ``InputError`` for no pair.

    >>> best_balanced_accuracy(np.array([0.9, 0.5, 0.1]), np.array([True, False, False]))
    1.0
    """
    return max(balanced_accuracy(score >= limit, mismatched) for limit in [*np.unique(score), np.inf])


def gallery_figure(
    score: pd.Series, page: Sequence[int], decisions: Mapping[int, str], offset: int = 0, hidden: bool = False
) -> go.Figure:
    """The sorted scores, a band over the places of the page, and marks where something was decided.

    ``score``: in [0, 1] by row, the most suspect first, named after what it ranks by; of more than 2,000 pairs every
    m-th and the last is drawn. ``page`` holds rows. Traces: scores, pairs of the page, called wrong, called right;
    ``customdata`` is the row plus ``offset``. ``hidden``: the traces are empty.
    """
    end = len(score) + 1
    if hidden:
        score, page, decisions = score.iloc[:0], (), {}
    figure, step = go.Figure(), max(1, -(-len(score) // LARGEST_POINTS))
    drawn = score.index[np.unique([*range(0, len(score), step), *[len(score) - 1] * (not hidden)]).astype(int)]
    dot = {"color": "black", "size": 9, "symbol": "circle-open"}
    _add(figure, score, drawn, offset, name="all pairs", mode="lines", line={"color": "#666666"})
    _add(figure, score, page, offset, name="this page", mode="markers", marker=dot)
    for said, colour, symbol in (("wrong", WRONG_COLOUR, "x"), ("right", TRUE_COLOUR, "circle")):
        rows = sorted(row for row, decision in decisions.items() if decision == said)
        marker = {"color": colour, "symbol": symbol, "size": 8}
        _add(figure, score, rows, offset, name=f"called {said}", mode="markers", marker=marker)
    there = places(score, page)
    first, last = (there.min() - 0.5, there.max() + 0.5) if len(there) else (0, 0)
    band = {"fillcolor": "#f0e442", "opacity": 0.5, "line_width": 2, "line_color": "#b59f00", "layer": "below"}
    figure.add_vrect(x0=first, x1=last, **band)
    words = "scores are hidden until every pair of the page is decided" if hidden else ""
    figure.add_annotation(x=end / 2, y=0.5, yref="y domain", xref="x", xanchor="center", text=words, showarrow=False)
    rule = "each point one pair" + f", every {step}th drawn" * (step > 1)
    figure.update_xaxes(title=f"place of the pair, the most suspect first ({rule})", range=[0, end])
    figure.update_yaxes(title=f"{score.name} (rank, 0 to 1)", range=[-0.03, 1.05])
    legend = {"y": 1.18, "orientation": "h"}
    return figure.update_layout(height=320, margin={"t": 40}, legend=legend, modebar=MODEBAR)


def _add(figure: go.Figure, score: pd.Series, rows: Sequence[int], offset: int, **look: Any) -> None:
    at, keys = places(score, rows), np.asarray(rows, dtype=np.int64)
    keys = (keys + offset).tolist()  # as lists: arrays do not survive a patch of the widget
    figure.add_scatter(x=at.tolist(), y=score.iloc[at - 1].round(4).tolist(), customdata=keys, **look)
