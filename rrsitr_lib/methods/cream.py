"""CREAM (Ma et al., Cross-Modal Retrieval With Noisy Correspondence via Consistency Refining and Mining, TIP 2024).

Two networks, each with a mixture of two Gaussians over its losses. A pair is clean where both call it clean, noisy
where both call it noisy, and hard, here AMBIGUOUS, where they differ. Its label y refines the cross-entropy: y weighs
the pair itself, and 1 - y is shared among its negatives by their similarity. Formulas and settings are those of the
public code (XLearning-SCU/2024-TIP-CREAM). Adapted: the cross-entropies are global and local at the towers'
temperature, so P is a mean of four probabilities; negative cosines take no share; a batch mixes the classes, where the
code draws batches of each; both networks learn in one step; classes start at shares of its own epochs (10 and 15 of
40); it warms up in the first of them, where the code does for five before. In the record ``weight`` is that of the pair
itself: its negatives teach beside it. Where all pairs seem clean the code calls a hundredth noisy, so that no loader is
empty; here none can be. Open: whether the paper, too, counts no share below a mean label: few shares are above it, so
that negatives are mined only where most pairs are clean. Taught in: lesson 10.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import Batch, Method, MethodSettings, Objective, RunFacts, column_of
from rrsitr_lib.methods.log_probabilities import own_probability, score_tables
from rrsitr_lib.methods.pair_loss import PairLoss
from rrsitr_lib.methods.partition import AMBIGUOUS, CLEAN, NOISY, clean_posterior, consensus_division
from rrsitr_lib.methods.triplet import only_negatives


class CreamSettings(MethodSettings):
    """The defaults are those of the public code."""

    clean_above: float = Field(0.5, ge=0, le=1, description="a network calls a pair clean where its posterior is above")
    hard_from: float = Field(0.25, ge=0, le=1, description="share of its epochs before hard pairs are trained on")
    noisy_from: float = Field(0.375, ge=0, le=1, description="share of its epochs before noisy pairs are trained on")
    mining_above: float = Field(0.85, ge=0, le=1, description="share of clean pairs above which all negatives share")


@register("cream")
class Cream(Method):
    """Soft labels for a pair and for its negatives, by the agreement of two networks."""

    Settings = CreamSettings
    networks: ClassVar[int] = 2
    columns: ClassVar[Mapping[str, str]] = {"soft_label": "<f4"}
    settings: CreamSettings

    def __init__(self, settings: CreamSettings, run: RunFacts) -> None:
        super().__init__(settings, run)
        self.clean: Tensor | None = None  # (2, N) probabilities by network, from the second epoch on
        self.clean_share = 0.0
        self.train_hard = self.train_noisy = False

    def begin_epoch(self, epoch: int, record: Mapping[str, np.ndarray] | None) -> None:
        """The clean probabilities by the losses of the last epoch; the first epoch is contrastive."""
        settings, self.clean = self.settings, None
        self.train_hard = self.run.own_share(epoch) >= settings.hard_from
        self.train_noisy = self.run.own_share(epoch) >= settings.noisy_from
        losses = [column_of("loss", number) for number in range(self.networks)]
        if record is None or any(name not in record for name in losses):
            return
        found = np.stack([clean_posterior(record[name], self.run.seed) for name in losses])
        self.clean = torch.from_numpy(found).float().to(self.run.device)
        self.clean_share = float((found > settings.clean_above).all(axis=0).mean())

    def objective(self, batch: Batch) -> Objective:
        """Cross-entropies of soft labels; the plain ones in the warm-up."""
        losses = batch.pair_loss(self.settings)
        if self.clean is None:
            ones, category = torch.ones_like(losses.total), torch.full_like(batch.rows, CLEAN)
            return Objective.of(losses, losses.total, ones, category, soft_label=ones)
        with torch.no_grad():
            clean = self.clean[:, batch.rows].to(losses.total.dtype)
            category = consensus_division(clean > self.settings.clean_above)
            label = self._label(batch, losses, clean, category)
            trained = self._trained(category).to(label.dtype)
            least = self._least_share(label, category)
        tables = score_tables(losses, self.settings)
        loss = torch.stack([refined_cross_entropy(logits, label, least) for logits in tables]).sum(dim=0)
        return Objective.of(losses, trained * loss, trained * label, category, soft_label=label)

    def _predicted(self, losses: PairLoss) -> Tensor:
        """P of a network: mean probability of the own partner."""
        tables = score_tables(losses, self.settings)
        return torch.stack([own_probability(logits) for logits in tables]).mean(dim=0)

    def _label(self, batch: Batch, losses: PairLoss, clean: Tensor, category: Tensor) -> Tensor:
        """w + (1 - w) P: w is the other network's p of clean pairs, the mean of both of hard ones, 0 of noisy ones."""
        own, peer = self._predicted(losses), self._predicted(batch.of_peer().pair_loss(self.settings))
        trust = torch.where(category == CLEAN, clean[1 - batch.network], clean.mean(dim=0))
        return torch.where(category == NOISY, (own + peer) / 2, trust + (1 - trust) * own)

    def _trained(self, category: Tensor) -> Tensor:
        """Whether this epoch trains on the pair's class."""
        hard, noisy = (category == AMBIGUOUS) & self.train_hard, (category == NOISY) & self.train_noisy
        return (category == CLEAN) | hard | noisy

    def _least_share(self, label: Tensor, category: Tensor) -> Tensor:
        """Smaller shares of a negative count as 0: the mean label, and before hard pairs are trained on all of them.

        Where nearly all pairs are clean, 0 for all but noisy pairs.
        """
        least = torch.where(category == NOISY, label.mean(), label.mean() if self.train_hard else 1.0)
        return torch.where(category == NOISY, least, 0.0) if self.clean_share > self.settings.mining_above else least


def refined_cross_entropy(logits: Tensor, label: Tensor, least: Tensor) -> Tensor:
    """-sum over j of q_ij ln p_ij, by rows and by columns; q_ii = y_i, q_ij = (1 - y_i) s_ij / sum over k != i of s_ik.

    Shares q_ij below ``least`` are 0; negative similarities take none. As in the public code, gradients flow through
    the shares. With y = 1 it is the plain cross-entropy. **Shape** (B, B), (B,) in [0, 1], (B,) -> (B,).

    >>> logits, none = torch.zeros(2, 2), torch.zeros(2)
    >>> refined_cross_entropy(logits, torch.ones(2), none)  # 2 ln 2 each
    tensor([1.3863, 1.3863])
    """
    negatives = only_negatives(torch.relu(logits), own=0.0)
    loss = torch.zeros_like(label)
    for dim in (1, 0):
        shares = negatives / negatives.sum(dim, keepdim=True).clamp(min=torch.finfo(logits.dtype).tiny)
        mined = (1 - label).unsqueeze(dim) * shares
        mined = torch.where(mined < least.unsqueeze(dim), 0.0, mined)
        loss = loss - ((mined + torch.diag(label)) * logits.log_softmax(dim)).sum(dim)
    return loss
