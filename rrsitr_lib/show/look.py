"""The look that all figures share: colours told apart by colour-blind people and in grey, doubled by dash and hatch."""

from typing import Any

TRUE_COLOUR, WRONG_COLOUR = "#0072b2", "#d55e00"  # Okabe and Ito
COLOURS, DASHES, MARKERS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7"), ("-", "--", "-.", ":"), "osD^v"
PLOTLY_DASHES = ("solid", "dash", "dashdot", "dot")
CATEGORY_COLOURS, HATCHES = ("#56b4e9", "#f0e442", WRONG_COLOUR), ("", "..", "//")
PLOTLY_HATCHES = ("", ".", "/")
TRUTH_NAMES = ("true pairs", "mismatched pairs")


def hatched(colour: str, shape: str) -> dict[str, Any]:
    """The marker of a plotly bar: colour and hatch, also on a page that has no template to say how they meet.

    >>> hatched("#0072b2", "/")["pattern"]["fillmode"]
    'overlay'
    """
    return {"color": colour, "pattern": {"shape": shape, "fillmode": "overlay"}}
