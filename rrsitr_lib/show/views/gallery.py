"""A gallery of suspects as a picture: all scores sorted, the page looked at, what was decided; signals side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rrsitr_lib.audit.mismatch_ranking import SIGNALS, precision_at
from rrsitr_lib.errors import InputError
from rrsitr_lib.show.style import COLOURS, DASHES, MARKERS, MODEBAR, TRUE_COLOUR, WRONG_COLOUR, closed

PAGE = 6
LARGEST_POINTS = 2000
SORTS = ("agreement", *SIGNALS)
SHOWS = ("all", "undecided", "wrong", "right")


@dataclass(frozen=True)
class Curve:
    """All pairs sorted by one score, the most suspect first, and the points that a figure draws of them.

    **Shape** ``order`` (N,) rows of the pairs; ``score`` (N,) in [0, 1], in that order; ``rank`` (N,) the rank of
    every row, from 1; ``drawn`` (points,) positions in ``order``; ``rule`` says which they are.
    """

    order: np.ndarray
    score: np.ndarray
    rank: np.ndarray
    drawn: np.ndarray
    rule: str


def curve(rows: np.ndarray, score: np.ndarray) -> Curve:
    """Sort pairs by score, highest first, ties as they come; above 2,000 pairs every m-th and the last is drawn.

    **Shape** rows (N,) whole numbers 0 to N - 1, each once; score (N,). Raises ``InputError`` for other shapes.

    >>> curve(np.arange(3), np.array([0.2, 0.9, 0.5])).order.tolist()
    [1, 2, 0]
    """
    rows, score = np.asarray(rows), np.asarray(score, dtype=np.float64)
    if rows.shape != score.shape or rows.ndim != 1 or not len(rows):
        raise InputError(f"rows {rows.shape} and score {score.shape}: allowed is (N,) for both, N at least 1")
    by_score = np.argsort(-score, kind="stable")
    rank = np.empty(len(rows), dtype=np.int64)
    rank[rows[by_score]] = np.arange(1, len(rows) + 1)
    step = -(-len(rows) // LARGEST_POINTS)
    drawn = np.unique(np.append(np.arange(0, len(rows), step), len(rows) - 1))
    rule = "each point one pair" if step == 1 else f"each point one pair, every {step}th drawn"
    return Curve(rows[by_score], score[by_score], rank, drawn, rule)


def listed(order: np.ndarray, decisions: Mapping[int, str], show: str) -> np.ndarray:
    """The rows of ``order`` whose decision is ``show``, or all; a row without a decision is undecided.

    >>> listed(np.array([4, 2, 7]), {2: "wrong"}, "undecided").tolist()
    [4, 7]
    """
    if show not in SHOWS:
        raise InputError(f"show is {show!r}: allowed are {', '.join(SHOWS)}")
    if show == "all":
        return order
    return order[[decisions.get(row, "undecided") == show for row in order.tolist()]]


def gallery_figure(
    view: Curve, page: Sequence[int], decisions: Mapping[int, str], sort: str, reveal: bool = False
) -> go.Figure:
    """The sorted scores, a band over the places of the page, and marks where something was decided.

    ``page`` holds rows. Traces: scores, pairs of the page, called wrong, called right; ``customdata`` is the row, or
    its complement (``~row``, below 0) where the truth is to be told.
    """
    figure = go.Figure()
    line, dot = {"color": "#666666"}, {"color": "black", "size": 9, "symbol": "circle-open"}
    figure.add_trace(_marks(view, view.order[view.drawn], "all pairs", reveal, mode="lines", line=line))
    figure.add_trace(_marks(view, np.asarray(page, dtype=np.int64), "this page", reveal, mode="markers", marker=dot))
    looks = (("wrong", WRONG_COLOUR, "x"), ("right", TRUE_COLOUR, "circle"))
    for said, colour, symbol in looks:
        made = np.array(sorted(row for row, decision in decisions.items() if decision == said), dtype=np.int64)
        marker = {"color": colour, "symbol": symbol, "size": 8}
        figure.add_trace(_marks(view, made, f"called {said}", reveal, mode="markers", marker=marker))
    first, last = _band(view, page)
    figure.add_vrect(
        x0=first, x1=last, fillcolor="#f0e442", opacity=0.5, line_width=2, line_color="#b59f00", layer="below"
    )
    figure.update_xaxes(title=f"place of the pair, the most suspect first ({view.rule})")
    figure.update_yaxes(title=f"{sort} (rank, 0 to 1)", range=[-0.03, 1.05])
    legend = {"y": 1.18, "orientation": "h"}
    return figure.update_layout(height=320, margin={"t": 40}, legend=legend, modebar=MODEBAR)


def precision_curves(table: pd.DataFrame, mismatched: np.ndarray, ks: np.ndarray) -> pd.DataFrame:
    """Precision at every k of ``ks``, a row a k, a column a signal and one for the agreement.

    **Shape** ``table`` as ``mismatch_ranking`` gives it; mismatched (N,) in its order.
    """
    found = {name: [precision_at(table[name].to_numpy(), mismatched, int(k)) for k in ks] for name in SORTS}
    return pd.DataFrame(found, index=pd.Index(ks, name="k"))


def signals_static(table: pd.DataFrame, mismatched: np.ndarray) -> Figure:
    """Left precision at k by signal, where a truth was injected; right Spearman's correlation of the signals.

    **Shape** ``table`` as ``mismatch_ranking`` gives it; mismatched (N,) in its order.
    """
    known = bool(np.any(mismatched))
    figure, axes = plt.subplots(1, 1 + known, figsize=(5 + 5 * known, 4.2), squeeze=False, layout="tight")
    if known:
        _draw_precision(axes[0, 0], table, mismatched)
    together = table[list(SIGNALS)].corr("spearman").to_numpy()
    axis = axes[0, -1]
    axis.imshow(together, cmap="cividis", vmin=-1, vmax=1)
    for (i, j), value in np.ndenumerate(together):
        shown = "–" if np.isnan(value) else f"{value:.2f}"
        axis.text(j, i, shown, ha="center", va="center", fontsize=8, color="white" if not value > 0.3 else "black")
    names, ticks = list(SIGNALS), range(len(SIGNALS))
    axis.set_xticks(ticks, names, rotation=40, ha="right")
    axis.set_yticks(ticks, names)
    axis.set_title("Spearman's correlation")
    return closed(figure)


def _draw_precision(axis: Axes, table: pd.DataFrame, mismatched: np.ndarray) -> None:
    most = min(len(table), 2 * int(mismatched.sum()))
    found = precision_curves(table, mismatched, np.unique(np.linspace(1, most, 60).astype(int)))
    for number, name in enumerate(SORTS):
        look = {"color": COLOURS[number % 4], "marker": MARKERS[number % 5], "markevery": (7 * number % 10, 12)}
        axis.plot(
            found.index, found[name], DASHES[number // 2], ms=4, lw=2.5 if number == 0 else 1.2, label=name, **look
        )
    axis.axvline(int(mismatched.sum()), color="black", ls=":", lw=1)
    axis.axhline(float(mismatched.mean()), color="black", lw=1)
    axis.set(xlabel="k, pairs looked at", ylabel="share truly mismatched", ylim=(0, 1.03), title="precision at k")
    axis.legend(fontsize=8, loc="lower left")


def _band(view: Curve, page: Sequence[int]) -> tuple[float, float]:
    """First and last place of the page with half a rank of room; an empty band at 0 for an empty page."""
    places = view.rank[np.asarray(page, dtype=np.int64)]
    return (float(places.min()) - 0.5, float(places.max()) + 0.5) if len(places) else (0.0, 0.0)


def _marks(view: Curve, rows: np.ndarray, name: str, reveal: bool, **look: object) -> go.Scatter:
    rank, keys = view.rank[rows], ~rows if reveal else rows  # as lists: arrays do not survive a patch of the widget
    score = view.score[rank - 1].round(4)
    return go.Scatter(x=rank.tolist(), y=score.tolist(), customdata=keys.tolist(), name=name, **look)
