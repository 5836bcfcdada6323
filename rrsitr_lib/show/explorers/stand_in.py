"""What the output of a cell says of its explorers where no widget can live: in an HTML page, or on GitHub.

Beside the widget, the output carries a sentence, and in its metadata the explorers' names (``METADATA_KEY``), so that
whoever makes a page of the notebook can put exported explorers in the widget's place.
"""

import html
from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets

METADATA_KEY = "explorers"
WHERE = "when this cell is run in JupyterLab"


class StandIn:
    """A part of widgets that show the explorers ``names``; ``words`` stand in for them."""

    def __init__(self, children: Sequence[widgets.Widget], names: Sequence[str], words: str, **options: Any) -> None:
        super().__init__(children, **options)
        self.names, self.words = tuple(names), words

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        said = {"text/plain": self.words, "text/html": f"<p><em>{html.escape(self.words, quote=False)}</em></p>"}
        return super()._repr_mimebundle_(**options) | said, {METADATA_KEY: list(self.names)}


class ExplorerBox(StandIn, widgets.VBox):
    """One explorer."""


class ExplorerTabs(StandIn, widgets.Tab):
    """Several explorers, a tab each."""
