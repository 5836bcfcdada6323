"""NCR (Huang et al., Learning with Noisy Correspondence for Cross-modal Matching, NeurIPS 2021), one network.

A mixture of two Gaussians over the hinge losses of the last epoch gives every pair a clean probability p. A pair learns
by a hardest-negative triplet whose margin shrinks with doubt, the opposite of RRSITR's. Adapted: the similarity is the
one that ranks in evaluation; the reduction is a mean over the batch; ``loss`` in the ledger is the four cross-entropies
as for every method, NCR's own is ``hinge``. The paper trains two networks, each by the other's p; this is one.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import Batch, Method, MethodSettings, Objective, RunFacts
from rrsitr_lib.methods.rrsitr.partition import CLEAN, NOISY, mixture_posterior
from rrsitr_lib.methods.triplet import Triplet, hardest_negatives


class NcrSettings(MethodSettings):
    """The defaults are the paper's."""

    margin: float = Field(0.2, ge=0, description="margin of a pair that is believed right")
    base: float = Field(10.0, gt=1, description="m of the soft margin: the larger, the sooner doubt shrinks it")
    clean_above: float = Field(0.5, ge=0, le=1, description="clean where the mixture's posterior is above")
    noisy_from: float = Field(0.5, ge=0, le=1, description="share of the epochs before noisy pairs are trained on")


@register("ncr")
class Ncr(Method):
    """Soft margins by a mixture of losses."""

    Settings = NcrSettings
    columns: ClassVar[Mapping[str, str]] = {"hinge": "<f4", "soft_label": "<f4"}
    settings: NcrSettings

    def __init__(self, settings: NcrSettings, run: RunFacts) -> None:
        super().__init__(settings, run)
        self.clean: Tensor | None = None  # (N,) probabilities, from the second epoch on
        self.train_noisy = False

    def begin_epoch(self, epoch: int, record: Mapping[str, np.ndarray] | None) -> None:
        """The clean probability of every pair, by the losses of the last epoch; the first epoch warms up."""
        self.train_noisy = epoch >= self.settings.noisy_from * self.run.epochs
        if record is not None and "hinge" in record:
            posterior = mixture_posterior(record["hinge"].astype(np.float64), components=2, seed=self.run.seed)
            self.clean = torch.from_numpy(posterior[:, 0]).float().to(self.run.device)

    def objective(self, batch: Batch) -> Objective:
        """Mean hinge over all negatives in the warm-up, then over the hardest ones with soft margins."""
        losses, share = batch.pair_loss(self.settings), self.run.local_fraction
        similarity = (1 - share) * losses.similarity + share * losses.local_scores / self.settings.scale
        hinge = mean_hinge(similarity, self.settings.margin)
        with torch.no_grad():
            clean = torch.ones_like(hinge) if self.clean is None else self.clean[batch.rows].to(hinge.dtype)
            category = torch.where(clean > self.settings.clean_above, CLEAN, NOISY)
            label = soft_label(hinge, clean, category == CLEAN, self.settings.margin)
            margin = soft_margin(label, self.settings.margin, self.settings.base)
            weight = torch.ones_like(hinge) if self.train_noisy else (category == CLEAN).to(hinge.dtype)
        loss = soft_triplet(similarity, margin)
        cosine = losses.similarity.detach()
        record = Triplet(cosine.diagonal(), *hardest_negatives(cosine), margin, margin, loss)
        contribution = hinge if self.clean is None else weight * loss
        return Objective.of(losses, contribution, weight, category, record, hinge=hinge, soft_label=label)


def mean_hinge(similarity: Tensor, margin: float) -> Tensor:
    """Mean over j of [margin + s_ij - s_ii]+ and of [margin + s_ji - s_ii]+, j != i, divided by B as in NCR's code.

    **Shape** (B, B) image by caption -> (B,).

    >>> mean_hinge(torch.tensor([[1.0, 0.9], [0.0, 0.5]]), margin=0.2)
    tensor([0.0500, 0.3000])
    """
    own = similarity.diagonal()
    off = ~torch.eye(len(similarity), dtype=torch.bool, device=similarity.device)
    by_image = torch.relu(margin + similarity - own[:, None]) * off
    by_text = torch.relu(margin + similarity - own) * off
    return by_image.mean(dim=1) + by_text.mean(dim=0)


def soft_label(hinge: Tensor, clean: Tensor, is_clean: Tensor, margin: float) -> Tensor:
    """How far a pair is believed right, y in [0, 1]: p + (1 - p) P of clean pairs, P of noisy ones.

    P is margin - hinge / 2, clamped to [0, margin], relative to the tenth of the batch that is believed most.
    **Shape** (B,) each -> (B,).

    >>> soft_label(torch.tensor([0.0, 0.4]), torch.tensor([0.9, 0.1]), torch.tensor([True, False]), margin=0.2)
    tensor([1., 0.])
    """
    believed = (margin - hinge / 2).clamp(0, margin)
    best = believed.topk(len(hinge) // 10 + 1).values.mean()
    predicted = (believed / best.clamp(min=torch.finfo(hinge.dtype).tiny)).clamp(max=1)
    return torch.where(is_clean, clean + (1 - clean) * predicted, predicted)


def soft_triplet(similarity: Tensor, margin: Tensor) -> Tensor:
    """[m - s_ii + t-]+ + [m - s_ii + v-]+, hardest negatives and a margin a pair. **Shape** (B, B), (B,) -> (B,)."""
    own, negatives = similarity.diagonal(), hardest_negatives(similarity)
    first, second = (torch.relu(margin - own + hardest) for hardest in negatives)
    return first + second


def soft_margin(label: Any, margin: float = 0.2, m: float = 10) -> Any:
    """margin (m^y - 1) / (m - 1), NCR's margin of a triplet loss for a pair that is right with degree y = ``label``.

    It is ``margin`` (cosine units) for a pair believed right, y = 1, and 0 for one believed wrong, y = 0; the larger
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
