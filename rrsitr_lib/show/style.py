"""The look that all figures share: colours told apart by colour-blind people and in grey, doubled by dash and hatch."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRUE_COLOUR, WRONG_COLOUR = "#0072b2", "#d55e00"  # Okabe and Ito
COLOURS = ("#332288", "#999933", "#882255", "#888888")  # of what is no truth, no category, none of METHOD_LOOKS
DASHES, MARKERS = ("-", "--", "-.", ":"), "osD^v"
PLOTLY_DASHES = ("solid", "dash", "dashdot", "dot")
PLOTLY_MARKERS = ("circle", "square", "diamond", "triangle-up", "triangle-down")
CATEGORY_COLOURS, HATCHES = ("#56b4e9", "#f0e442", "#7b3294"), ("", "..", "//")  # what is called noisy may be true
METHOD_LOOKS = {  # one method, one look, in every figure; the colours of truth are no method's
    "rrsitr": ("#009e73", "-", "o"), "contrastive": ("#cc79a7", "--", "s"), "oracle": ("#e69f00", "-.", "D"),
    "clean pairs": ("#000000", ":", "^"),
}  # fmt: skip
OTHER_METHODS, OTHER_MARKERS = ("#56b4e9", "#882255", "#999933"), "vPX*p"  # those of METHOD_LOOKS are taken
COUNTS_MAP = {"colorscale": "Cividis", "zmin": 0, "zmax": 1, "showscale": False, "texttemplate": "%{text}"}  # of plotly
TEXT_LINE = 0.115  # inches, of the names at lines
PLOTLY_HATCHES = ("", ".", "/")
TRUTH_LOOKS = (("true pairs", TRUE_COLOUR, "solid", ""), ("mismatched pairs", WRONG_COLOUR, "dash", "/"))
FONT, INK, GRID, FRAME = "system-ui, -apple-system, 'Segoe UI', sans-serif", "#222222", "#e4e4e4", "#999999"
AXIS = {"gridcolor": GRID, "linecolor": FRAME, "zerolinecolor": GRID, "showline": True, "automargin": True}
# of explorers and their pages; the statics look the same
TEMPLATE = {"layout": {
    "font": {"family": FONT, "size": 12, "color": INK}, "paper_bgcolor": "white", "plot_bgcolor": "white",
    "colorway": list(COLOURS), "xaxis": AXIS, "yaxis": AXIS,
}}  # fmt: skip
# plotly's bar of buttons offers to upload the figure, with the data in it, and selections that few figures read
MODEBAR = {"remove": ["sendChartToCloud", "sendDataToCloud", "lasso2d", "select2d"]}
TOOLBAR = {"displaylogo": False, "showSendToCloud": False, "modeBarButtonsToRemove": MODEBAR["remove"]}


def line_looks(plotly: bool = False) -> Iterator[tuple[str, str, str]]:
    """Colour, dash and marker of one line after another, without an end; in the words of matplotlib, or of plotly.

    There is one marker more than dashes, so the first twenty lines differ in grey too.

    >>> from itertools import islice
    >>> len({(dash, marker) for _, dash, marker in islice(line_looks(), 20)})
    20
    """
    dashes, markers = (PLOTLY_DASHES, PLOTLY_MARKERS) if plotly else (DASHES, MARKERS)
    return zip(cycle(COLOURS), cycle(dashes), cycle(markers), strict=False)


def method_looks(names: Iterable[str]) -> dict[str, tuple[str, str, str]]:
    """Colour, dash and marker of methods by name, in capitals or not; one without a look of its own gets a free one.

    >>> method_looks(["oracle", "RRSITR", "mine"])["RRSITR"] == method_looks(["rrsitr"])["rrsitr"]
    True
    """
    free = zip(cycle(OTHER_METHODS), cycle(DASHES), cycle(OTHER_MARKERS), strict=False)
    return {name: METHOD_LOOKS.get(name.casefold()) or next(free) for name in names}


def hatched(colour: str, shape: str) -> dict[str, Any]:
    """The marker of a plotly bar: colour and hatch, also on a page that has no template to say how they meet.

    >>> hatched("#0072b2", "/")["pattern"]["fillmode"]
    'overlay'
    """
    return {"color": colour, "pattern": {"shape": shape, "fillmode": "overlay"}}


def truth_bars(edges: np.ndarray, counts: Iterable[np.ndarray]) -> list[dict[str, Any]]:
    """A histogram of true and one of mismatched pairs, to lie over each other: bars of plotly.

    **Shape** ``edges`` (bars + 1,), ``counts`` two of (bars,).

    >>> [bars["name"] for bars in truth_bars(np.array([0, 1]), ([3], [4]))]
    ['true pairs', 'mismatched pairs']
    """
    centres = ((edges[:-1] + edges[1:]) / 2).round(4).tolist()
    looks = zip(TRUTH_LOOKS, counts, strict=True)
    return [
        {"type": "bar", "x": centres, "y": list(count), "name": name, "opacity": 0.75, "marker": hatched(colour, hatch)}
        for (name, colour, _, hatch), count in looks
    ]


def selected_bars(edges: np.ndarray, count: np.ndarray) -> dict[str, Any]:
    """The part of a histogram that is selected, as black frames over its bars; no bar at all where nothing is.

    **Shape** ``edges`` (bars + 1,), ``count`` (bars,).

    >>> selected_bars(np.array([0, 1]), np.array([0]))["x"]
    []
    """
    centres, there = ((edges[:-1] + edges[1:]) / 2).round(4), count > 0
    marker = {"color": "rgba(0,0,0,0)", "line": {"color": "black", "width": 2}}
    width = float(edges[1] - edges[0]) if np.isfinite(edges).all() else None  # of margins that no method recorded
    look = {"name": "selected", "marker": marker, "hoverinfo": "skip", "width": width}
    return {"type": "bar", "x": centres[there].tolist(), "y": count[there].tolist(), **look}


def straight(value: float, panel: int, dash: str, colour: str, across: bool = False) -> dict[str, Any]:
    """A line through panel ``panel`` (from 1) at ``value``, upright or ``across``, as a shape of a plotly layout.

    Plotly's own ``add_vline`` takes several milliseconds each, and a control may move many.

    >>> straight(3, 2, "dot", "grey")["xref"]
    'x2'
    """
    axis = "" if panel == 1 else panel
    free, fixed = ("y", "x") if across else ("x", "y")
    span = {f"{free}0": value, f"{free}1": value, f"{free}ref": f"{free}{axis}"}
    span |= {f"{fixed}0": 0, f"{fixed}1": 1, f"{fixed}ref": f"{fixed}{axis} domain"}
    return {"type": "line", "line": {"dash": dash, "color": colour}, **span}


def label_ends(axis: "Axes", ends: Mapping[str, tuple[float, float]], colours: Mapping[str, str]) -> None:
    """Names at the right of a panel, each as near to its line's last point as the others leave it room.

    ``ends``: name -> that point, in the units of the axes, whose limits must be set. Heights are the least-squares
    ones with a line of text between two names (isotonic regression).
    """
    from scipy.optimize import isotonic_regression

    names = sorted(ends, key=lambda name: ends[name][1])
    inches = axis.get_window_extent().height / axis.figure.dpi
    gap = TEXT_LINE * (axis.get_ylim()[1] - axis.get_ylim()[0]) / inches
    steps = gap * np.arange(len(names))
    heights = isotonic_regression(np.array([ends[name][1] for name in names]) - steps).x + steps
    left, right = axis.get_xlim()
    beside = right + 0.02 * (right - left)
    for name, height in zip(names, heights, strict=True):
        axis.annotate(
            name, ends[name], (beside, height), fontsize=7, va="center", color=colours[name], annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colours[name], "lw": 0.5, "shrinkA": 1, "relpos": (0, 0.5)},
        )  # fmt: skip


def closed(figure: "Figure") -> "Figure":
    """A matplotlib figure out of pyplot's list, so that a notebook shows it once, as the cell's value.

    Its words are words: a ``$`` in a name or a caption begins no formula.
    """
    import matplotlib.pyplot as plt
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)
    plt.close(figure)
    return figure
