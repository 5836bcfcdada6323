"""Explorers: a figure and its controls. A control calls the pure functions beside it and changes the figure's data."""

from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.errors import InputError
from rrsitr_lib.show.weights import SORTS, WeightMap, weight_map, weights_figure
from rrsitr_lib.training.ledger import Ledger


class WeightsExplorer:
    """Weights over epochs of a run: a slider for the epoch (1 to the last, arrow keys), a list for the sorting.

    ``source`` is a run folder or an open ledger. A column that the ledger lacks is said in ``message``, not raised.
    Raises ``InputError`` for an ``epoch`` or a ``sort`` that the controls do not offer.
    Taught in: notebooks/06_training_end_to_end
    """

    def __init__(self, source: str | Path | Ledger, epoch: int | None = None, sort: str = "loss") -> None:
        self.ledger = source if isinstance(source, Ledger) else Ledger.open(source)
        self.message = self._missing()
        epochs = max(1, self.ledger.epochs)
        self._check(epochs, epochs if epoch is None else epoch, sort)
        self.epoch = widgets.IntSlider(min=1, max=epochs, value=epochs if epoch is None else epoch, description="epoch")
        self.sort = widgets.Dropdown(options=SORTS, value=sort, description="sort by")
        self.text = widgets.HTML(self.message)
        self.figure: go.FigureWidget | None = None
        if not self.message:
            self._maps: dict[str, WeightMap] = {}
            self.figure = go.FigureWidget(weights_figure(self.map, self.epoch.value))
            self.epoch.observe(self._update, names="value")
            self.sort.observe(self._update, names="value")
            self._say()

    @property
    def map(self) -> WeightMap:
        """The sorted and thinned weights; each sorting is computed once."""
        if self.sort.value not in self._maps:
            columns = [np.asarray(self.ledger.column(name)) for name in ("weight", "mismatched", "loss")]
            self._maps[self.sort.value] = weight_map(*columns, sort=self.sort.value)
        return self._maps[self.sort.value]

    def view(self) -> widgets.Widget:
        """The controls above the figure."""
        shown = [self.text] if self.figure is None else [widgets.HBox([self.epoch, self.sort]), self.figure, self.text]
        return widgets.VBox(shown)

    def state(self) -> str:
        """The one line of code that shows the present view again."""
        folder = self.ledger.folder.as_posix()
        return f"WeightsExplorer({folder!r}, epoch={self.epoch.value}, sort={self.sort.value!r}).view()"

    def _update(self, change: Any) -> None:
        new = weights_figure(self.map, self.epoch.value)
        with self.figure.batch_update():
            if change["owner"] is self.sort:  # the map is large, and the slider leaves it as it is
                self.figure.data[0].z = new.data[0].z
            for place in (1, 2):
                self.figure.data[place].y = new.data[place].y
            self.figure.layout.shapes = new.layout.shapes
            self.figure.layout.xaxis2.title = new.layout.xaxis2.title
        self._say()

    def _say(self) -> None:
        weight = np.asarray(self.ledger.column("weight")[self.epoch.value - 1])
        wrong = self.map.mismatched
        shares = " and ".join(
            f"{weight[select].mean():.2f} for {name}"
            for name, select in (("true pairs", ~wrong), ("mismatched pairs", wrong))
            if select.any()
        )
        self.text.value = f"Mean weight in epoch {self.epoch.value}: {shares}."

    @staticmethod
    def _check(epochs: int, epoch: int, sort: str) -> None:
        """ipywidgets would move an epoch that is out of range without a word."""
        if not 1 <= epoch <= epochs:
            raise InputError(f"epoch is {epoch}: allowed is 1 to {epochs}")
        if sort not in SORTS:
            raise InputError(f"sort is {sort!r}: allowed are {', '.join(SORTS)}")

    def _missing(self) -> str:
        missing = [name for name in ("weight", "loss") if name not in self.ledger.columns]
        if missing:
            return f"This run's ledger has no column {' and '.join(missing)}: nothing to show here."
        return "" if self.ledger.epochs else "This run has no finished epoch yet: nothing to show here."
