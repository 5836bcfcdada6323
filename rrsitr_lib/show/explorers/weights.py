"""Weights over epochs: as recorded, or as another schedule of the thresholds would have given them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.methods.rrsitr.gamma_schedules import GAMMA_SCHEDULES
from rrsitr_lib.show.explorers.controls import Choice, Control, Slider
from rrsitr_lib.show.explorers.run_explorer import RunExplorer, by_turns
from rrsitr_lib.show.kept import kept
from rrsitr_lib.show.views.pacing import paced_weight, scheduled
from rrsitr_lib.show.views.weights import SORTS, WeightMap, weight_map, weights_figure

RECORDED = "as recorded"
SMALLEST_GAMMA = 1e-6  # a run may have no clean pairs at all; a schedule needs a threshold above zero
LARGEST_PAIRS = 20_000  # of a larger run a part is shown, evenly spread over its rows, or controls would wait


class WeightsExplorer(RunExplorer):
    """Weights of all pairs over the epochs of a run, a pair among them, and what other schedules would have given.

    A schedule other than the recorded one ends at the thresholds of the last recorded epoch and weighs the recorded
    losses anew; the training itself is not repeated.
    """

    title = "Weights over epochs"
    on_page = ("epoch", "sort", "pair")
    needs = ("weight", "loss")

    def controls(self) -> Sequence[Control]:
        all_pairs = len(self.run.mismatched)
        step = -(-all_pairs // LARGEST_PAIRS)
        self.kept = np.arange(0, all_pairs, step)
        self.part = f"one of {step} among {all_pairs:,} pairs; " * (step > 1)
        self.loss, self.weight = (self.run.column(name)[:, self.kept] for name in ("loss", "weight"))
        self.mismatched = self.run.mismatched[self.kept]
        pairs = tuple(int(self.kept[place]) for place in most_changing_pairs(self.weight, self.mismatched))
        return (
            Slider("epoch", "epoch", 1, self.run.epochs, 1, self.run.epochs),
            Choice("sort", "sort by", SORTS, "loss"),
            Choice("pair", "pair", pairs, pairs[0]),
            Choice("schedule", "thresholds", (RECORDED, *GAMMA_SCHEDULES), RECORDED),
            Slider("start", "schedule starts at", 0.1, 2.0, 0.1, 0.5, "times gamma"),
        )

    def idle(self, schedule: str, **values: Any) -> Sequence[str]:
        return ("start",) if schedule == RECORDED else ()

    @kept(8)
    def map(self, sort: str, schedule: str, start: float) -> WeightMap:
        """The sorted and thinned weights."""
        weight = self.weight
        if schedule != RECORDED:
            ends = (max(gamma, SMALLEST_GAMMA) for gamma in self.run.gammas(len(weight)))
            low, high = (scheduled(schedule, len(weight), start, end)[:, None] for end in ends)
            weight = paced_weight(self.loss, low, high)
        found = weight_map(weight, self.mismatched, self.loss, sort)
        return replace(found, rule=self.part + found.rule)

    def draw(self, epoch: int, sort: str, pair: int, schedule: str, start: float) -> go.Figure:
        column = int(np.searchsorted(self.kept, pair))
        return weights_figure(self.map(sort, schedule, start), epoch, column, f"pair {pair}")

    def say(self, epoch: int, sort: str, pair: int, schedule: str, start: float) -> str:
        weights, column = self.map(sort, schedule, start), int(np.searchsorted(self.kept, pair))
        means = zip(("true", "mismatched"), weights.means[:, epoch - 1], strict=True)
        shares = " and ".join(f"{mean:.2f} for {name} pairs" for name, mean in means if np.isfinite(mean))
        own = f"pair {pair} has loss {self.loss[epoch - 1, column]:.1f}"
        return f"Mean weight in epoch {epoch}: {shares}; {own} and weight {weights.weight[epoch - 1, column]:.2f}."


def most_changing_pairs(weight: np.ndarray, mismatched: np.ndarray) -> tuple[int, ...]:
    """True and mismatched pairs by turns, those whose weight changes most first.

    **Shape** weight (epochs, N), mismatched (N,).
    """
    change = np.abs(np.diff(weight, axis=0)).sum(axis=0) if len(weight) > 1 else weight[0]
    order = np.argsort(-change, kind="stable")
    return by_turns(*(order[mismatched[order] == kind] for kind in (False, True)))
