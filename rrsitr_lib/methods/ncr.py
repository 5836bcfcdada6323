"""NCR (Huang et al., Learning with Noisy Correspondence for Cross-modal Matching, NeurIPS 2021), one network.

A mixture of two Gaussians over the hinge losses of the last epoch gives every pair a clean probability p. A pair learns
by a hardest-negative triplet whose margin shrinks with doubt, the opposite of RRSITR's. Adapted: the similarity is the
one that ranks in evaluation, and margins are in its unit; the reduction is a mean over the batch; p is fitted to the
losses that the epoch saw, P and the hardest negatives are those of a batch that mixes clean and noisy pairs; ``loss``
in the ledger is the four cross-entropies as for every method, NCR's own is ``hinge``; the warm-up is one epoch, as by
default in its code, whose commands take 5 or 10. The paper trains two networks,
each by the other's p; this is one, and ``ncr2`` are two. Taught in: lesson 10.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import Batch, Method, MethodSettings, Objective, RunFacts, column_of
from rrsitr_lib.methods.partition import CLEAN, NOISY, clean_posterior
from rrsitr_lib.methods.triplet import hinges, recorded_triplet, triplet_loss


class NcrSettings(MethodSettings):
    """The defaults are the paper's and its code's."""

    margin: float = Field(0.2, ge=0, description="margin of a pair that is believed right")
    base: float = Field(10.0, gt=1, description="m of the soft margin: the larger, the sooner doubt shrinks it")
    clean_above: float = Field(0.5, ge=0, le=1, description="clean where the mixture's posterior is above")
    noisy_from: float = Field(0.5, ge=0, le=1, description="share of its epochs before noisy pairs are trained on")


@register("ncr")
class Ncr(Method):
    """Soft margins by a mixture of losses."""

    Settings: ClassVar[type[NcrSettings]] = NcrSettings
    columns: ClassVar[Mapping[str, str]] = {"hinge": "<f4", "soft_label": "<f4"}
    settings: NcrSettings

    def __init__(self, settings: NcrSettings, run: RunFacts) -> None:
        super().__init__(settings, run)
        self.clean: list[Tensor] | None = None  # (N,) probabilities for every network, from the second epoch on
        self.train_noisy = False

    def begin_epoch(self, epoch: int, record: Mapping[str, np.ndarray] | None) -> None:
        """The clean probability of every pair, by the losses of the last epoch; the first epoch warms up."""
        self.train_noisy = self.run.own_share(epoch) >= self.settings.noisy_from
        self.clean = None
        if record is None or "hinge" not in record:  # another method trained the last epoch
            return
        hinges = [record[column_of("hinge", number)].astype(np.float64) for number in range(self.networks)]
        found = [torch.from_numpy(self.clean_probability(hinge)).float().to(self.run.device) for hinge in hinges]
        self.clean = found[::-1]  # of two networks each one learns by what the other one found

    def clean_probability(self, hinge: np.ndarray) -> np.ndarray:
        """Posterior of the lower one of two Gaussians. **Shape** (N,) -> (N,)."""
        return clean_posterior(hinge, self.run.seed)

    def label(self, batch: Batch, hinge: Tensor, clean: Tensor, is_clean: Tensor) -> Tensor:
        """How far every pair is believed right. **Shape** (B,) each -> (B,) in [0, 1]."""
        return soft_label(hinge, clean, is_clean, self.settings.margin)

    def warm_up_weight(self, hinge: Tensor) -> Tensor:
        """How much a pair counts before the first mixture. **Shape** (B,) -> (B,) in [0, 1]."""
        return torch.ones_like(hinge)

    def objective(self, batch: Batch) -> Objective:
        """Mean hinge over all negatives in the warm-up, then over the hardest ones with soft margins."""
        losses = batch.pair_loss(self.settings)
        similarity = self.ranking_similarity(losses)
        hinge = mean_hinge(similarity, self.settings.margin)
        with torch.no_grad():
            category, label, weight = self._belief(batch, hinge)
            margin = soft_margin(label, self.settings.margin, self.settings.base)
        loss = triplet_loss(similarity, margin)
        record = recorded_triplet(losses.similarity, margin, loss)
        contribution = weight * (hinge if self.clean is None else loss)
        return Objective.of(losses, contribution, weight, category, record, hinge=hinge, soft_label=label)

    def _belief(self, batch: Batch, hinge: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Category, soft label and weight of every pair."""
        ones = torch.ones_like(hinge)
        if self.clean is None:
            return torch.full_like(batch.rows, CLEAN), ones, self.warm_up_weight(hinge)
        clean = self.clean[batch.network][batch.rows].to(hinge.dtype)
        is_clean = clean > self.settings.clean_above
        weight = ones if self.train_noisy else is_clean.to(hinge.dtype)
        return torch.where(is_clean, CLEAN, NOISY), self.label(batch, hinge, clean, is_clean), weight


def mean_hinge(similarity: Tensor, margin: float) -> Tensor:
    """Mean over j of [margin + s_ij - s_ii]+ and of [margin + s_ji - s_ii]+, j != i, divided by B as in NCR's code.

    **Shape** (B, B) image by caption -> (B,).

    >>> mean_hinge(torch.tensor([[1.0, 0.9], [0.0, 0.5]]), margin=0.2)
    tensor([0.0500, 0.3000])
    """
    by_image, by_text = hinges(similarity, margin)
    return by_image.mean(dim=1) + by_text.mean(dim=0)


def predicted_label(hinge: Tensor, margin: float) -> Tensor:
    """P of a network: margin - hinge / 2, clamped to [0, margin], relative to the tenth of the batch believed most.

    **Shape** (B,) -> (B,) in [0, 1].

    >>> predicted_label(torch.tensor([0.0, 0.1, 0.4]), margin=0.2)
    tensor([1.0000, 0.7500, 0.0000])
    """
    believed = (margin - hinge / 2).clamp(0, margin)
    best = believed.topk(len(hinge) // 10 + 1).values.mean()
    return (believed / best.clamp(min=torch.finfo(hinge.dtype).tiny)).clamp(max=1)


def soft_label(hinge: Tensor, clean: Tensor, is_clean: Tensor, margin: float) -> Tensor:
    """How far a pair is believed right, y in [0, 1]: p + (1 - p) P of clean pairs, P of noisy ones.

    **Shape** (B,) each -> (B,).

    >>> soft_label(torch.tensor([0.0, 0.4]), torch.tensor([0.9, 0.1]), torch.tensor([True, False]), margin=0.2)
    tensor([1., 0.])
    """
    predicted = predicted_label(hinge, margin)
    return torch.where(is_clean, clean + (1 - clean) * predicted, predicted)


def soft_margin(label: Any, margin: float = 0.2, m: float = 10) -> Any:
    """margin (m^y - 1) / (m - 1), NCR's margin of a triplet loss for a pair that is right with degree y = ``label``.

    It is ``margin`` for a pair believed right, y = 1, and 0 for one believed wrong, y = 0; the larger
    ``m``, the sooner doubt shrinks it. No gradient is meant to flow through it.
    **Shape** any, label in [0, 1], array or tensor -> the same. Raises ``InputError`` for labels of an array outside
    [0, 1] (of a tensor the answer would wait for the device), a negative margin, and an ``m`` not above 1.

    >>> soft_margin(np.array([0.0, 0.5, 1.0])).round(3)
    array([0.   , 0.048, 0.2  ])
    """
    if not isinstance(label, Tensor):
        label = np.asarray(label, dtype=float)
        outside = label[~((label >= 0) & (label <= 1))]  # NaN too
        if outside.size:
            raise InputError(f"label is {outside.flat[0]}: allowed is 0 (wrong) to 1 (right)")
    if not 0 <= margin < np.inf:
        raise InputError(f"margin is {margin}: allowed is 0 or more, in cosine units")
    if not 1 < m < np.inf:
        raise InputError(f"m is {m}: allowed is above 1")
    return margin * (m**label - 1) / (m - 1)
