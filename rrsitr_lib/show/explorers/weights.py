"""Weights over epochs: a map of all pairs, the distribution in one epoch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from rrsitr_lib.show.explorers.base import Choice, Control, Explorer, Slider
from rrsitr_lib.show.record import RunRecord
from rrsitr_lib.show.views.weights import SORTS, WeightMap, weight_map, weights_figure
from rrsitr_lib.training.ledger import Ledger


class WeightsExplorer(Explorer):
    """Weights of all pairs over the epochs of a run: an epoch to look at, a key to sort the pairs by.

    Taught in: notebooks/04_self_paced_weights
    """

    title = "Weights over epochs"

    def __init__(self, source: str | Path | Ledger | RunRecord, **given: Any) -> None:
        self.record = RunRecord.open(source)
        self.source = self.record.code
        self._maps: dict[str, WeightMap] = {}
        self.begin(given)

    def missing(self) -> str:
        """Weight and loss are needed."""
        return self.record.missing("weight", "loss")

    def controls(self) -> Sequence[Control]:
        """Epoch and sorting."""
        epochs = self.record.epochs
        return Slider("epoch", "epoch", 1, epochs, 1, epochs), Choice("sort", "sort by", SORTS, "loss")

    def map(self, sort: str) -> WeightMap:
        """The sorted and thinned weights; each sorting is computed once."""
        if sort not in self._maps:
            columns = [self.record.column(name) for name in ("weight", "mismatched", "loss")]
            self._maps[sort] = weight_map(*columns, sort=sort)
        return self._maps[sort]

    def draw(self, epoch: int, sort: str) -> go.Figure:
        """Heat map, true pairs, mismatched pairs."""
        return weights_figure(self.map(sort), epoch)

    def say(self, epoch: int, sort: str) -> str:
        """Mean weights by truth."""
        weight, wrong = self.record.column("weight")[epoch - 1], self.record.mismatched
        named = (("true pairs", ~wrong), ("mismatched pairs", wrong))
        shares = (f"{weight[select].mean():.2f} for {name}" for name, select in named if select.any())
        return f"Mean weight in epoch {epoch}: {' and '.join(shares)}."
