"""The look that all figures share: colours told apart by colour-blind people and in grey, doubled by dash and hatch."""

from collections.abc import Iterable, Iterator
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRUE_COLOUR, WRONG_COLOUR = "#0072b2", "#d55e00"  # Okabe and Ito
COLOURS, DASHES, MARKERS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7"), ("-", "--", "-.", ":"), "osD^v"
PLOTLY_DASHES = ("solid", "dash", "dashdot", "dot")
PLOTLY_MARKERS = ("circle", "square", "diamond", "triangle-up", "triangle-down")
CATEGORY_COLOURS, HATCHES = ("#56b4e9", "#f0e442", WRONG_COLOUR), ("", "..", "//")
PLOTLY_HATCHES = ("", ".", "/")
TRUTH_LOOKS = (("true pairs", TRUE_COLOUR, "solid", ""), ("mismatched pairs", WRONG_COLOUR, "dash", "/"))
# plotly's bar of buttons offers to upload the figure, with the data in it, and selections that nothing reads
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
