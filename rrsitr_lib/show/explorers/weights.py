"""Weights over epochs: as recorded, or as another schedule of the thresholds would have given them."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.show.explorers.base import Choice, Control, Explorer, Slider
from rrsitr_lib.show.record import RunRecord
from rrsitr_lib.show.views.pacing import paced_weight, scheduled
from rrsitr_lib.show.views.weights import SORTS, WeightMap, weight_map, weights_figure
from rrsitr_lib.training.ledger import Ledger
from rrsitr_lib.training.schedules import GAMMA_SCHEDULES

RECORDED = "as recorded"
CHOSEN_PAIRS = 12


class WeightsExplorer(Explorer):
    """Weights of all pairs over the epochs of a run, a pair among them, and what other schedules would have given.

    A schedule other than the recorded one weighs the recorded losses anew; the training itself is not repeated.
    Taught in: notebooks/04_self_paced_weights
    """

    title = "Weights over epochs"
    on_page = ("epoch", "sort", "pair")

    def __init__(self, source: str | Path | Ledger | RunRecord, **given: Any) -> None:
        self.record = RunRecord.open(source)
        self.source = self.record.code
        self.map = lru_cache(maxsize=8)(self._map)
        self.begin(given)

    def missing(self) -> str:
        """Weight and loss are needed."""
        return self.record.missing("weight", "loss")

    def controls(self) -> Sequence[Control]:
        """Epoch, sorting, pair, schedule and where it starts."""
        epochs, pairs = self.record.epochs, telling_pairs(self.record.column("weight"), self.record.mismatched)
        return (
            Slider("epoch", "epoch", 1, epochs, 1, epochs),
            Choice("sort", "sort by", SORTS, "loss"),
            Choice("pair", "pair", pairs, pairs[0]),
            Choice("schedule", "thresholds", (RECORDED, *GAMMA_SCHEDULES), RECORDED),
            Slider("start", "schedule starts at", 0.1, 2.0, 0.1, 0.5, "times gamma"),
        )

    def _map(self, sort: str, schedule: str, start: float) -> WeightMap:
        """The sorted and thinned weights; the last few are kept."""
        loss, weight = self.record.column("loss"), self.record.column("weight")
        if schedule != RECORDED:
            low, high = (scheduled(schedule, len(loss), start, end)[:, None] for end in self.record.gammas)
            weight = paced_weight(loss, low, high)
        return weight_map(weight, self.record.mismatched, loss, sort)

    def draw(self, epoch: int, sort: str, pair: int, schedule: str, start: float) -> go.Figure:
        """Heat map, distribution, the pair's path."""
        return weights_figure(self.map(sort, schedule, start if schedule != RECORDED else 1.0), epoch, pair)

    def say(self, epoch: int, sort: str, pair: int, schedule: str, start: float) -> str:
        """Mean weights by truth, and the pair's."""
        weights = self.map(sort, schedule, start if schedule != RECORDED else 1.0)
        means = ((name, weights.mean(kind)[epoch - 1]) for name, kind in (("true", False), ("mismatched", True)))
        shares = " and ".join(f"{mean:.2f} for {name} pairs" for name, mean in means if np.isfinite(mean))
        own = f"pair {pair} has loss {self.record.column('loss')[epoch - 1, pair]:.1f}"
        return f"Mean weight in epoch {epoch}: {shares}; {own} and weight {weights.weight[epoch - 1, pair]:.2f}."

    def shown(self, pair: int, **values: Any) -> Sequence[int]:
        """The chosen pair."""
        return (pair,)

    def card(self, key: int) -> str:
        """Picture and caption of a pair."""
        return self.record.card(key)


def telling_pairs(weight: np.ndarray, mismatched: np.ndarray, count: int = CHOSEN_PAIRS) -> tuple[int, ...]:
    """Up to ``count`` pairs worth looking at, true and mismatched by turns: those whose weight changes most.

    **Shape** weight (epochs, N), mismatched (N,).
    """
    change = np.abs(np.diff(weight, axis=0)).sum(axis=0) if len(weight) > 1 else weight[0]
    order = np.argsort(-change, kind="stable")
    kinds = [order[mismatched[order] == kind][:count] for kind in (False, True)]
    turns = [int(kind[place]) for place in range(count) for kind in kinds if place < len(kind)]
    return tuple(turns[:count])
