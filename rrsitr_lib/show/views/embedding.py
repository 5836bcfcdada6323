"""The map of the space of features as a figure, before training and after every epoch, or several side by side."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.rrsitr.partition import CATEGORY_NAMES
from rrsitr_lib.show.style import CATEGORY_COLOURS, MODEBAR, TRUTH_LOOKS
from rrsitr_lib.show.views.space_map import SpaceMap

GAPS = ("as it is", "removed")
LINES = ("all", "mismatched only", "none")
COLOURS = ("truth", "category")
MOST_DRAWN = 32
MODALITIES = (("picture", "circle"), ("caption", "diamond"))
# name, colour, ending of the symbol; the fill says what the colour says
POINT_LOOKS = tuple(
    (name, colour, ending) for (name, colour, *_), ending in zip(TRUTH_LOOKS, ("", "-open"), strict=True)
)
CATEGORY_LOOKS = tuple(zip(CATEGORY_NAMES, CATEGORY_COLOURS, ("", "-dot", "-open"), strict=True))


def space_figure(
    space: SpaceMap,
    epoch: int,
    mismatched: np.ndarray,
    lines: str = "all",
    category: np.ndarray | None = None,
    keys: np.ndarray | None = None,
) -> go.Figure:
    """The map in ``epoch`` (0 is before training): circles are pictures, diamonds captions, lines join a pair.

    Traces: lines of true and of mismatched pairs; then three groups of pictures and three of captions, by ``category``
    (n,) where it is given, else by truth (the third group is then empty). ``keys`` (n,) are the cards of the points.
    Raises ``InputError`` for an unknown ``lines``.
    """
    if lines not in LINES:
        raise InputError(f"lines is {lines!r}: allowed are {', '.join(LINES)}")
    points, figure = space.points[epoch].round(3), go.Figure()
    for kind, (name, colour, dash, _) in enumerate(TRUTH_LOOKS):
        shown = (mismatched == kind) & (lines == "all" or (lines == "mismatched only" and kind == 1))
        x, y = _joined(points[:, shown])
        look = {"color": colour, "dash": dash, "width": 1.3}
        figure.add_scatter(x=x, y=y, mode="lines", line=look, opacity=0.7, hoverinfo="skip", name=f"line: {name}")
    group = mismatched.astype(int) if category is None else category
    for modality, (what, symbol) in enumerate(MODALITIES):
        for number in range(len(CATEGORY_LOOKS)):
            select = group == number
            _add_points(figure, points[modality, select], what, symbol, number, category is not None)
            own = (np.arange(len(select)) if keys is None else np.asarray(keys))[select]
            figure.data[-1].customdata = own.tolist()  # a list stays one in a FigureWidget, an array gets packed
    return _labelled(figure, space, epoch)


def _add_points(figure: go.Figure, points: np.ndarray, what: str, symbol: str, group: int, by_category: bool) -> None:
    looks = CATEGORY_LOOKS if by_category else POINT_LOOKS
    name, colour, ending = looks[group] if group < len(looks) else ("", "black", "")
    edge = {"width": 1.5 if ending else 0.5, "color": "black" if by_category and ending != "-open" else colour}
    marker = {"symbol": symbol + ending, "color": colour, "size": 8 if symbol == "diamond" else 9, "line": edge}
    figure.add_scatter(
        x=points[:, 0], y=points[:, 1], mode="markers", marker=marker, name=f"{what}: {name}", showlegend=bool(name),
        hovertemplate=f"pair %{{customdata}}<extra>{what}</extra>",
    )  # fmt: skip


def _joined(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lines of all pairs as one, broken after each: (2, n, 2) -> two of (3 n,)."""
    broken = np.concatenate([points, np.full((1, *points.shape[1:]), np.nan)])
    return tuple(broken[..., axis].T.ravel() for axis in (0, 1))


def _labelled(figure: go.Figure, space: SpaceMap, epoch: int) -> go.Figure:
    low, high = space.frame.round(3)
    names = ("axis 1", "axis 2") if space.method == "pca" else ("UMAP 1", "UMAP 2")
    figure.update_xaxes(title=f"{names[0]} (no unit)", range=[low[0], high[0]], zeroline=False)
    equal = {"scaleanchor": "x", "scaleratio": 1}
    figure.update_yaxes(title=f"{names[1]} (no unit)", range=[low[1], high[1]], zeroline=False, **equal)
    when = "before training" if epoch == 0 else f"after epoch {epoch}"
    title = {"text": f"{when}; {space.rule}", "font": {"size": 13}}
    return figure.update_layout(height=560, title=title, margin={"t": 50, "b": 50}, modebar=MODEBAR)


def space_panels(space: SpaceMap, mismatched: np.ndarray, epochs: Sequence[int], titles: Sequence[str]) -> go.Figure:
    """A panel an epoch, all in the same coordinates. Above 32 pairs, evenly chosen ones are drawn, in all the same.

    **Shape** mismatched (n,).
    """
    drawn = np.unique(np.linspace(0, len(mismatched) - 1, min(len(mismatched), MOST_DRAWN)).round().astype(int))
    part = replace(space, points=space.points[:, :, drawn])
    figure = make_subplots(1, len(epochs), subplot_titles=titles, horizontal_spacing=0.04)
    for number, epoch in enumerate(epochs, 1):
        one = space_figure(part, epoch, mismatched[drawn])
        named = [trace.update(showlegend=bool(trace.showlegend is not False and number == 1)) for trace in one.data]
        figure.add_traces(named, rows=1, cols=number)
        figure.update_xaxes(one.layout.xaxis, showticklabels=False, col=number)
        equal = {"scaleanchor": "x" if number == 1 else f"x{number}", "showticklabels": False}
        figure.update_yaxes(one.layout.yaxis, **equal, col=number)
    figure.update_yaxes(title=None, selector=lambda axis: axis.scaleanchor != "x")
    figure.update_traces(marker_size=7, selector={"mode": "markers"})
    figure.update_traces(opacity=1, selector={"mode": "lines"})  # mixed colours would double the file of a notebook
    thinned = f" ({len(drawn)} of {len(mismatched)} pairs drawn)" if len(drawn) < len(mismatched) else ""
    title = {"text": space.rule + thinned, "font": {"size": 13}}
    return figure.update_layout(height=350, title=title, legend={"orientation": "h"}, modebar=MODEBAR)
