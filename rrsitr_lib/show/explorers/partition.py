"""The partition under one's hand: move the thresholds, and watch the pairs change sides."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import torch

from rrsitr_lib.evaluation import confusion_scores
from rrsitr_lib.methods.partition import CATEGORY_NAMES, partition
from rrsitr_lib.show.explorers.chosen import Selection, in_bars
from rrsitr_lib.show.explorers.controls import Control, Pair, Slider
from rrsitr_lib.show.explorers.pair_explorer import PairExplorer
from rrsitr_lib.show.explorers.run_explorer import by_turns
from rrsitr_lib.show.views.partition import bar_of, confusion, partition_figure

SHORTEST = 40.0  # end of the histogram at least, in the unit of the loss


class PartitionExplorer(PairExplorer):
    """Losses by truth, what two thresholds call them, and the path of one pair over the epochs of a run.

    Where gamma_2 is moved under gamma_1, nothing is ambiguous and gamma_1 counts for both. In a notebook, drag over the
    histogram or click a cell of the map to see its pairs, and drag the thresholds themselves.
    """

    title = "Partition"
    gesture, drags = "select", True
    needs = ("loss",)

    def controls(self) -> Sequence[Control]:
        epochs, self.loss = self.run.epochs, self.run.column("loss")
        self.top = max(SHORTEST, float(np.quantile(self.loss[-1], 0.999)))
        low, high = (min(round(2 * gamma) / 2, 40.0) for gamma in self.run.gammas(epochs))
        pairs = informative_pairs(self.loss, self.run.mismatched, high)
        return (
            Slider("gamma_1", "gamma_1", 0.0, 30.0, 0.5, min(low, 30.0), "loss", on_page=(3.0, 5.0, 10.0)),
            Slider("gamma_2", "gamma_2", 0.0, 40.0, 0.5, high, "loss", on_page=(8.0, 12.0, 18.0, 24.0)),
            Slider("epoch", "epoch", 1, epochs, 1, epochs),
            Pair("pair", "pair", pairs, pairs[0], on_page=pairs[:3], among=self.here),
        )

    def draw(self, gamma_1: float, gamma_2: float, epoch: int, pair: int) -> go.Figure:
        thresholds = gamma_1, max(gamma_1, gamma_2)
        return partition_figure(self.loss, self.run.mismatched, self.top, *thresholds, epoch, pair, self.selected)

    def say(self, gamma_1: float, gamma_2: float, epoch: int, pair: int) -> str:
        own, pairs = self.run.gammas(epoch), (self.loss[epoch - 1], self.run.mismatched)
        found, by_run = (confusion(*pairs, low, max(low, high)) for low, high in ((gamma_1, gamma_2), own))
        told, moved = confusion_scores(found), np.abs(np.cumsum((found - by_run).sum(axis=1))).sum()
        crossed = " (gamma_2 lies under gamma_1 and counts as gamma_1)" if gamma_2 < gamma_1 else ""
        named = (
            ("precision", "of these {:.0%} are mismatched."),
            ("recall", "{:.0%} of all mismatched pairs are among them."),
            ("clean_precision", "Of the clean ones {:.0%} are true."),
        )
        shares = " ".join(words.format(told[name]) for name, words in named if told[name] is not None)
        return (
            f"Epoch {epoch}: {found[2].sum():,} pairs are called noisy{crossed}; {shares} "
            f"Against the run's own thresholds in this epoch, {own[0]:.2f} and {own[1]:.2f}, "
            f"{moved:,} pairs crossed one."
        )

    def behind(
        self, points: Mapping[int, Sequence[Any]], gamma_1: float, gamma_2: float, epoch: int, pair: int
    ) -> Selection | None:
        loss, wrong = self.loss[epoch - 1], self.run.mismatched
        if 2 in points:
            (category, kind), high = points[2][0], max(gamma_1, gamma_2)
            found = (partition(torch.tensor(loss), gamma_1, high).numpy() == category) & (wrong == bool(kind))
            origin = f"{('true', 'mismatched')[kind]} pairs called {CATEGORY_NAMES[category]} in epoch {epoch}"
            return Selection(np.flatnonzero(found), f"{origin} by the thresholds {gamma_1} and {high}")
        edges, bar = bar_of(loss, self.top)
        if (meant := in_bars(points, 0, bar, wrong)) is None:
            return None
        found, first, last, kind = meant
        end = "and beyond" if last == len(edges) - 2 else f"to {edges[last + 1]:.1f}"
        return Selection(np.flatnonzero(found), f"{kind}loss {edges[first]:.1f} {end} in epoch {epoch}")

    def told(self, message: Mapping[str, Any]) -> None:
        super().told(message)
        if message["event"] == "dragged":  # each threshold is drawn twice: upright in one panel, across in another
            name, at = ("gamma_1", "gamma_2")[message["shape"] // 2], message["y" if message["shape"] % 2 else "x"]
            self.drag(name, at)


def informative_pairs(loss: np.ndarray, mismatched: np.ndarray, gamma_2: float) -> tuple[int, ...]:
    """Pairs that tell something: by turns a mismatched pair with a small loss at the end, a true pair with a large one,
    and the pair that crosses ``gamma_2`` most often. **Shape** loss (epochs, N), mismatched (N,).
    """
    by_loss = np.argsort(loss[-1], kind="stable")
    crossings = np.abs(np.diff((loss >= gamma_2).astype(int), axis=0)).sum(axis=0)
    wrong, true = (by_loss[mismatched[by_loss] == kind] for kind in (True, False))
    return by_turns(wrong, true[::-1], np.argsort(-crossings, kind="stable"))
