"""The partition under one's hand: move the thresholds, and watch the pairs change sides."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.evaluation import confusion_scores
from rrsitr_lib.show.explorers.controls import Choice, Control, Slider
from rrsitr_lib.show.explorers.run_explorer import RunExplorer, by_turns
from rrsitr_lib.show.views.partition import confusion, partition_figure

SHORTEST = 40.0  # end of the histogram at least, in the unit of the loss


class PartitionExplorer(RunExplorer):
    """Losses by truth, what two thresholds call them, and the path of one pair over the epochs of a run.

    Where gamma_2 is moved under gamma_1, nothing is ambiguous and gamma_1 counts for both.
    """

    title = "Partition"
    on_page = ("gamma_1", "gamma_2", "epoch")
    needs = ("loss",)

    def controls(self) -> Sequence[Control]:
        epochs, self.loss = self.run.epochs, self.run.column("loss")
        self.top = max(SHORTEST, float(np.quantile(self.loss[-1], 0.999)))
        low, high = (min(round(2 * gamma) / 2, 40.0) for gamma in self.run.gammas(epochs))
        pairs = informative_pairs(self.loss, self.run.mismatched, high)
        return (
            Slider("gamma_1", "gamma_1", 0.0, 30.0, 0.5, min(low, 30.0), "loss"),
            Slider("gamma_2", "gamma_2", 0.0, 40.0, 0.5, high, "loss"),
            Slider("epoch", "epoch", 1, epochs, 1, epochs),
            Choice("pair", "pair", pairs, pairs[0]),
        )

    def draw(self, gamma_1: float, gamma_2: float, epoch: int, pair: int) -> go.Figure:
        return partition_figure(self.loss, self.run.mismatched, self.top, gamma_1, max(gamma_1, gamma_2), epoch, pair)

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


def informative_pairs(loss: np.ndarray, mismatched: np.ndarray, gamma_2: float) -> tuple[int, ...]:
    """Pairs that tell something: by turns a mismatched pair with a small loss at the end, a true pair with a large one,
    and the pair that crosses ``gamma_2`` most often. **Shape** loss (epochs, N), mismatched (N,).
    """
    by_loss = np.argsort(loss[-1], kind="stable")
    crossings = np.abs(np.diff((loss >= gamma_2).astype(int), axis=0)).sum(axis=0)
    wrong, true = (by_loss[mismatched[by_loss] == kind] for kind in (True, False))
    return by_turns(wrong, true[::-1], np.argsort(-crossings, kind="stable"))
