"""The map of the space of features as a figure, before training and after every epoch."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.partition import CATEGORY_NAMES
from rrsitr_lib.show.style import CATEGORY_COLOURS, MODEBAR, TRUTH_LOOKS
from rrsitr_lib.show.views.space_map import SpaceMap

GAPS = ("as it is", "removed")
LINES = ("all", "mismatched only", "none")
COLOURS = ("truth", "category", "class")
MODALITIES = (("image", "circle", 9), ("caption", "diamond", 8))
# name, colour, ending of the symbol, colour of its edge; the fill says what the colour says
ENDINGS = ("", "-open")
KIND_LOOKS = (*((*look[:2], ending, look[1]) for look, ending in zip(TRUTH_LOOKS, ENDINGS, strict=True)),
              ("", "black", "", "black"))  # fmt: skip
EDGES = ("black", "black", CATEGORY_COLOURS[2])
Look = tuple[str, str, str, str]
CLASS_LOOKS = (("#009e73", "", "black"), ("#e69f00", "-dot", "black"), ("#bbbbbb", "-open", "#bbbbbb"))
CATEGORY_LOOKS = tuple(zip(CATEGORY_NAMES, CATEGORY_COLOURS, ("", "-dot", "-open"), EDGES, strict=True))


def space_figure(
    space: SpaceMap,
    epoch: int,
    mismatched: np.ndarray,
    lines: str = "all",
    group: np.ndarray | None = None,
    looks: Sequence[Look] = CATEGORY_LOOKS,
    keys: np.ndarray | None = None,
    pair: int | None = None,
    selected: Sequence[int] = (),
) -> go.Figure:
    """The map in ``epoch`` (0 is before training): circles are images, diamonds captions, lines join a pair.

    Traces: lines of true and of mismatched pairs; then three groups of images and three of captions, by ``group``
    (n,) with its ``looks`` where it is given, else by truth (the third group is then empty); then rings around the
    points ``selected``, and a line between those of ``pair``, both by their place. ``keys`` (n,) are the cards of the
    points.
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
    if group is None:
        looks, group = KIND_LOOKS, mismatched
    cards = np.arange(len(group)) if keys is None else np.asarray(keys)
    for (what, symbol, size), places in zip(MODALITIES, points, strict=True):
        for number, (name, colour, ending, edge) in enumerate(looks):
            x, y = places[group == number].T
            line = {"width": 1.5 if ending else 0.5, "color": edge}
            figure.add_scatter(
                x=x, y=y, mode="markers", name=f"{what}: {name}", showlegend=bool(name),
                marker={"symbol": symbol + ending, "color": colour, "size": size, "line": line},
                customdata=cards[group == number].tolist(),  # a list stays one in a FigureWidget, an array gets packed
                hovertemplate=f"pair %{{customdata}}<extra>{what}</extra>",
            )  # fmt: skip
    x, y = points[:, np.asarray(selected, np.int64)].reshape(-1, 2).T
    ring = {"symbol": "circle-open", "size": 15, "color": "black", "line": {"width": 1.2}}
    figure.add_scatter(x=x, y=y, mode="markers", name="selected", marker=ring, hoverinfo="skip")
    if pair is not None:
        x, y = points[:, pair].T
        mark = {"symbol": "square-open", "size": 17, "color": "black", "line": {"width": 2}}
        look = {"line": {"color": "black", "dash": "dot"}, "marker": mark, "hoverinfo": "skip"}
        figure.add_scatter(x=x, y=y, mode="lines+markers", name="the pair", **look)
    return _labelled(figure, space, epoch)


def by_class(image: np.ndarray, classes: np.ndarray, own: str) -> tuple[np.ndarray, tuple[Look, ...]]:
    """Which pairs are of the class ``own`` (0), of the class whose mean image is nearest to its (1), of others (2).

    With the looks of the three. **Shape** image (n, D), classes (n,) with two of them at least -> (n,).

    >>> by_class(np.eye(3)[[0, 0, 1]], np.array(["port", "pond", "farm"]), "port")[0].tolist()
    [0, 1, 2]
    """
    names = np.unique(classes)
    means = np.stack([image[classes == name].mean(axis=0) for name in names])
    cosine = means @ means[names == own][0] / np.maximum(np.linalg.norm(means, axis=1), 1e-12)
    near = names[np.argmax(np.where(names == own, -np.inf, cosine))]
    group = np.where(classes == own, 0, np.where(classes == near, 1, 2))
    said = (f"{own}, as the pair", f"{near}, the nearest class", "other classes")
    return group, tuple((name, *look) for name, look in zip(said, CLASS_LOOKS, strict=True))


def nearest(image: np.ndarray, place: int, same: np.ndarray, count: int) -> np.ndarray:
    """Places of the ``count`` images with the largest cosine to that at ``place``, those ``same`` left out.

    **Shape** image (n, D) normalised, same (n,) bool -> (count,), fewer where there are fewer.
    """
    order = np.argsort(-(image @ image[place]), kind="stable")
    return order[~same[order]][:count]


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
