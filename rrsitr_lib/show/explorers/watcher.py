"""What a figure in a notebook needs beside plotly: the width of its cell, and word of what a hand did in it."""

from pathlib import Path

import anywidget
import plotly.graph_objects as go

from rrsitr_lib.show.style import MODEBAR, TEMPLATE, TOOLBAR

BUTTONS = {"select": "select2d", "lasso": "lasso2d"}


class FigureWatcher(anywidget.AnyWidget):
    """Stands unseen in the box of a figure, and sends a message for every gesture in it; ``on_msg`` listens.

    Messages: ``{"event": "selected" or "clicked", "points": {trace: [points]}}``, and ``{"event": "dragged",
    "shape": number, "x" or "y": where}``. Plotly's own callbacks lose selections that are made quickly.
    """

    _esm = Path(__file__).with_name("figure_watcher.js").read_text(encoding="utf-8")


def prepare(figure: go.FigureWidget, gesture: str = "", drags: bool = False) -> None:
    """Give a figure its look, no button that nothing reads, and a mouse that selects: ``gesture`` by box or lasso.

    ``drags``: its straight lines can be dragged.
    """
    removed = [button for button in MODEBAR["remove"] if button != BUTTONS.get(gesture)]
    figure.update_layout(template=TEMPLATE, modebar_remove=removed)
    if gesture:
        figure.update_layout(dragmode=gesture, selectdirection="h" if gesture == "select" else "any")
        for trace in figure.data:  # what is selected is drawn by the explorer, and stays when its figure changes
            if trace.type in ("bar", "scatter"):
                trace.update(unselected={"marker": {"opacity": 1}})
    config = {"responsive": True, "modeBarButtonsToRemove": removed, "edits": {"shapePosition": drags}}
    figure._config = {**figure._config, **TOOLBAR, **config}  # a widget has no public place for it


def forget_gesture(figure: go.FigureWidget) -> None:
    """Take the drawn box or lasso away; it is set first, as a figure sends only what changes."""
    figure.layout.selections = [{"type": "rect", "x0": 0, "x1": 0, "y0": 0, "y1": 0}]
    figure.layout.selections = []
