"""The partition under one's hand: move the thresholds, and watch the pairs change sides."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.evaluation import confusion_scores
from rrsitr_lib.show.explorers.controls import Choice, Control, Slider
from rrsitr_lib.show.explorers.run_explorer import RunExplorer, by_turns
from rrsitr_lib.show.kept import kept
from rrsitr_lib.show.views.partition import LossCounts, count_losses, partition_figure


class PartitionExplorer(RunExplorer):
    """Losses by truth, what two thresholds call them, and the path of one pair over the epochs of a run.

    Where gamma_2 is moved under gamma_1, nothing is ambiguous and gamma_1 counts for both.
    """

    title = "Partition"
    on_page = ("gamma_1", "gamma_2", "epoch")
    needs = ("loss",)

    def controls(self) -> Sequence[Control]:
        epochs, loss = self.run.epochs, self.run.column("loss")
        self.top = max(40.0, float(np.ceil(np.quantile(loss[-1], 0.999))))
        low, high = (min(max(round(2 * gamma) / 2, 0.0), 40.0) for gamma in self.run.gammas(epochs))
        pairs = informative_pairs(loss, self.run.mismatched, high)
        return (
            Slider("gamma_1", "gamma_1", 0.0, 30.0, 0.5, min(low, 30.0), "loss"),
            Slider("gamma_2", "gamma_2", 0.0, 40.0, 0.5, high, "loss"),
            Slider("epoch", "epoch", 1, epochs, 1, epochs),
            Choice("pair", "pair", pairs, pairs[0]),
        )

    @kept(64)
    def counted(self, epoch: int) -> LossCounts:
        """The counted losses of an epoch; thresholds move more often than the epoch."""
        return count_losses(self.run.column("loss")[epoch - 1], self.run.mismatched, self.top)

    def draw(self, gamma_1: float, gamma_2: float, epoch: int, pair: int) -> go.Figure:
        path = self.run.column("loss")[:, pair]
        return partition_figure(self.counted(epoch), gamma_1, max(gamma_1, gamma_2), path, epoch, pair)

    def say(self, gamma_1: float, gamma_2: float, epoch: int, pair: int) -> str:
        found, own = self.counted(epoch).confusion(gamma_1, max(gamma_1, gamma_2)), self.run.gammas(epoch)
        told = confusion_scores(found)
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
            f"{self._moved_pairs(epoch, found, own):,} pairs crossed one."
        )

    def _moved_pairs(self, epoch: int, found: np.ndarray, own: tuple[float, float]) -> int:
        """How many pairs ``found`` has on another side; the run's thresholds lie on no edge of a bin: count losses."""
        under = [(self.run.column("loss")[epoch - 1] < gamma).sum() for gamma in own]
        return int(np.abs(np.cumsum(found.sum(axis=1))[:2] - under).sum())


def informative_pairs(loss: np.ndarray, mismatched: np.ndarray, gamma_2: float) -> tuple[int, ...]:
    """Pairs that tell something: by turns a mismatched pair with a small loss at the end, a true pair with a large one,
    and the pair that crosses ``gamma_2`` most often. **Shape** loss (epochs, N), mismatched (N,).
    """
    by_loss = np.argsort(loss[-1], kind="stable")
    crossings = np.abs(np.diff((loss >= gamma_2).astype(int), axis=0)).sum(axis=0)
    wrong, true = (by_loss[mismatched[by_loss] == kind] for kind in (True, False))
    return by_turns(wrong, true[::-1], np.argsort(-crossings, kind="stable"))
