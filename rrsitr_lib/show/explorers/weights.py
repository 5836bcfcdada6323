"""Weights over epochs: as recorded, or as another schedule of the thresholds would have given them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.methods.rrsitr.gamma_schedules import GAMMA_SCHEDULES
from rrsitr_lib.methods.rrsitr.method import Rrsitr, RrsitrSettings
from rrsitr_lib.methods.rrsitr.objective import SMALLEST_GAMMA
from rrsitr_lib.registry import METHODS
from rrsitr_lib.show.explorers.chosen import Selection, in_bars
from rrsitr_lib.show.explorers.controls import Choice, Control, Pair, Slider
from rrsitr_lib.show.explorers.pair_explorer import PairExplorer
from rrsitr_lib.show.explorers.run_explorer import by_turns
from rrsitr_lib.show.kept import kept
from rrsitr_lib.show.views.pacing import paced_weight, scheduled
from rrsitr_lib.show.views.weights import BINS, SORTS, WeightMap, bin_of, weight_map, weights_figure

RECORDED = "as recorded"
LARGEST_PAIRS = 20_000  # of a larger run a part is shown, evenly spread over its rows, or controls would wait


class WeightsExplorer(PairExplorer):
    """Weights of all pairs over the epochs of a run, a pair among them, and what other schedules would have given.

    A schedule other than the recorded one ends at the thresholds of the last recorded epoch and weighs the recorded
    losses anew, by the run's pace where its method has one, else by RRSITR's own; the training is not repeated. In a
    notebook, drag over the distribution or click a row of the map to see its pairs.
    """

    title = "Weights over epochs"
    gesture = "select"
    needs = ("weight", "loss")

    @cached_property
    def here(self) -> np.ndarray:
        all_pairs = len(self.run.mismatched)
        return np.arange(0, all_pairs, -(-all_pairs // LARGEST_PAIRS))

    def controls(self) -> Sequence[Control]:
        all_pairs = len(self.run.mismatched)
        step = -(-all_pairs // LARGEST_PAIRS)
        self.part = f"one of {step} among {all_pairs:,} pairs; " * (step > 1)
        self.loss, self.weight = (self.run.column(name)[:, self.here] for name in ("loss", "weight"))
        self.mismatched = self.run.mismatched[self.here]
        method = Rrsitr if self.run.config is None else METHODS[self.run.config.method]
        settings = RrsitrSettings() if self.run.config is None else self.run.config.method_settings
        self.pace, self.jump = getattr(settings, "pace", "cosine"), getattr(method, "jump", True)
        pairs = tuple(int(self.here[place]) for place in most_changing_pairs(self.weight, self.mismatched))
        return (
            Slider("epoch", "epoch", 1, self.run.epochs, 1, self.run.epochs),
            Choice("sort", "sort by", SORTS, "loss"),
            Pair("pair", "pair", pairs, pairs[0], on_page=pairs[:4], among=self.here),
            Choice("schedule", "thresholds", (RECORDED, *GAMMA_SCHEDULES), RECORDED, on_page=(RECORDED, "linear")),
            Slider("start", "schedule starts at", 0.1, 2.0, 0.1, 0.5, "times gamma", on_page=(0.2, 0.5, 1.0)),
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
            weight = paced_weight(self.loss, low if self.jump else high, high, pace=self.pace)
        found = weight_map(weight, self.mismatched, self.loss, sort)
        return replace(found, rule=self.part + found.rule)

    def draw(self, epoch: int, sort: str, pair: int, schedule: str, start: float) -> go.Figure:
        column = int(np.searchsorted(self.here, pair))
        marked = np.searchsorted(self.here, self.selected)
        return weights_figure(self.map(sort, schedule, start), epoch, column, f"pair {pair}", marked)

    def say(self, epoch: int, sort: str, pair: int, schedule: str, start: float) -> str:
        weights, column = self.map(sort, schedule, start), int(np.searchsorted(self.here, pair))
        means = zip(("true", "mismatched"), weights.means[:, epoch - 1], strict=True)
        shares = " and ".join(f"{mean:.2f} for {name} pairs" for name, mean in means if np.isfinite(mean))
        own = f"pair {pair} has loss {self.loss[epoch - 1, column]:.1f}"
        by = "" if schedule == RECORDED else f", by RRSITR's {self.pace} weight"
        return f"Mean weight in epoch {epoch}{by}: {shares}; {own} and weight {weights.weight[epoch - 1, column]:.2f}."

    def behind(
        self, points: Mapping[int, Sequence[Any]], epoch: int, sort: str, pair: int, schedule: str, start: float
    ) -> Selection | None:
        weights = self.map(sort, schedule, start)
        if points.get(0):
            row = points[0][0][0]
            kind = "true" if row < weights.true_rows else "mismatched"
            return Selection(self.here[weights.row_of == row], f"row {row} of the map, {kind} pairs sorted by {sort}")
        if (meant := in_bars(points, 1, bin_of(weights.weight[epoch - 1]), self.mismatched)) is None:
            return None
        found, first, last, kind = meant
        return Selection(self.here[found], f"{kind}weight {BINS[first]:.2f} to {BINS[last + 1]:.2f} in epoch {epoch}")


def most_changing_pairs(weight: np.ndarray, mismatched: np.ndarray) -> tuple[int, ...]:
    """True and mismatched pairs by turns, those whose weight changes most first.

    **Shape** weight (epochs, N), mismatched (N,).
    """
    change = np.abs(np.diff(weight, axis=0)).sum(axis=0) if len(weight) > 1 else weight[0]
    order = np.argsort(-change, kind="stable")
    return by_turns(*(order[mismatched[order] == kind] for kind in (False, True)))
