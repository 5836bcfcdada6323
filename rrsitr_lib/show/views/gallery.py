"""A gallery of suspects as a picture: all scores sorted, the page looked at, what was decided."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from rrsitr_lib.show.style import MODEBAR, TRUE_COLOUR, WRONG_COLOUR

LARGEST_POINTS = 2000


def places(score: pd.Series, rows: Sequence[int]) -> np.ndarray:
    """Where ``rows`` stand in a sorted score, from 1.

    >>> places(pd.Series([0.9, 0.5], index=[4, 2]), [2]).tolist()
    [2]
    """
    return 1 + score.index.get_indexer(rows)


def gallery_figure(
    score: pd.Series, page: Sequence[int], decisions: Mapping[int, str], reveal: bool = False
) -> go.Figure:
    """The sorted scores, a band over the places of the page, and marks where something was decided.

    ``score``: in [0, 1] by row, the most suspect first, named after what it ranks by; of more than 2,000 pairs every
    m-th and the last is drawn. ``page`` holds rows. Traces: scores, pairs of the page, called wrong, called right;
    ``customdata`` is the row, or its complement (``~row``, below 0) where the truth is to be told.
    """
    figure, step = go.Figure(), -(-len(score) // LARGEST_POINTS)
    drawn = score.index[np.unique([*range(0, len(score), step), len(score) - 1])]
    dot = {"color": "black", "size": 9, "symbol": "circle-open"}
    _add(figure, score, drawn, reveal, name="all pairs", mode="lines", line={"color": "#666666"})
    _add(figure, score, page, reveal, name="this page", mode="markers", marker=dot)
    for said, colour, symbol in (("wrong", WRONG_COLOUR, "x"), ("right", TRUE_COLOUR, "circle")):
        rows = sorted(row for row, decision in decisions.items() if decision == said)
        marker = {"color": colour, "symbol": symbol, "size": 8}
        _add(figure, score, rows, reveal, name=f"called {said}", mode="markers", marker=marker)
    there = places(score, page)
    first, last = (there.min() - 0.5, there.max() + 0.5) if len(there) else (0, 0)
    band = {"fillcolor": "#f0e442", "opacity": 0.5, "line_width": 2, "line_color": "#b59f00", "layer": "below"}
    figure.add_vrect(x0=first, x1=last, **band)
    rule = "each point one pair" + f", every {step}th drawn" * (step > 1)
    figure.update_xaxes(title=f"place of the pair, the most suspect first ({rule})")
    figure.update_yaxes(title=f"{score.name} (rank, 0 to 1)", range=[-0.03, 1.05])
    legend = {"y": 1.18, "orientation": "h"}
    return figure.update_layout(height=320, margin={"t": 40}, legend=legend, modebar=MODEBAR)


def _add(figure: go.Figure, score: pd.Series, rows: Sequence[int], reveal: bool, **look: Any) -> None:
    at, keys = places(score, rows), np.asarray(rows, dtype=np.int64)
    keys = (~keys if reveal else keys).tolist()  # as lists: arrays do not survive a patch of the widget
    figure.add_scatter(x=at.tolist(), y=score.iloc[at - 1].round(4).tolist(), customdata=keys, **look)
