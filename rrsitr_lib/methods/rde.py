"""RDE (Qin et al., Noisy-Correspondence Learning for Text-to-Image Person Re-identification, CVPR 2024).

Two similarities, each with its triplet alignment loss, judge every pair, by a mixture of two Gaussians over its losses.
A pair that both call clean is clean, one that both call noisy is left out, and where they differ a label is drawn.
Adapted: the cosine and the local similarity take the parts of two embeddings, of whole items (BGE) and chosen tokens
(TSE). The local one is divided by its largest value, the root of both numbers of tokens multiplied, to lie in [0, 1];
its spread is much smaller than a cosine's all the same, so that margin and temperature, which are the paper's, mean
more there. The mean is taken where its code sums over the batch. Losses are the last epoch's, not of a pass before
each, so the first epoch trains on all. Without local loss the cosine judges alone. Left out: its code calls a hundredth
noisy where a mixture finds none, and fits more closely where it is told that noise is high. Taught in: lesson 10.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import Batch, Method, Objective, RunFacts
from rrsitr_lib.methods.pair_loss import PairLoss
from rrsitr_lib.methods.partition import AMBIGUOUS, CLEAN, clean_posterior, consensus_division
from rrsitr_lib.methods.tal import TalSettings, triplet_alignment
from rrsitr_lib.methods.triplet import recorded_triplet


class RdeSettings(TalSettings):
    """The defaults are those of the paper's code."""

    clean_above: float = Field(0.5, ge=0, lt=1, description="clean where a mixture's posterior is above")


@register("rde")
class Rde(Method):
    """Triplet alignment of the pairs that two similarities agree on."""

    Settings = RdeSettings
    columns: ClassVar[Mapping[str, str]] = {"alignment_global": "<f4", "alignment_local": "<f4"}
    settings: RdeSettings

    def __init__(self, settings: RdeSettings, run: RunFacts) -> None:
        super().__init__(settings, run)
        self.category: Tensor | None = None  # (N,), from the second epoch on
        self.label: Tensor | None = None

    def begin_epoch(self, epoch: int, record: Mapping[str, np.ndarray] | None) -> None:
        """The division of all pairs by the losses of the last epoch; the first epoch takes all for clean."""
        self.category = self.label = None
        if record is not None and "alignment_global" in record:
            judges = ("alignment_global", "alignment_local" if self.settings.local_loss else "alignment_global")
            posterior = np.stack([clean_posterior(record[judge], self.run.seed) for judge in judges])
            category = consensus_division(posterior > self.settings.clean_above)
            drawn = np.random.default_rng([self.run.seed, epoch]).integers(0, 2, len(category))
            label = np.where(category == AMBIGUOUS, drawn, category == CLEAN)
            self.category, self.label = (torch.from_numpy(part).to(self.run.device) for part in (category, label))

    def objective(self, batch: Batch) -> Objective:
        """Mean of both triplet alignment losses of the pairs whose label is 1."""
        losses = batch.pair_loss(self.settings)
        by_global, by_local = self._alignments(batch, losses)
        loss = by_global + by_local
        label, category = torch.ones_like(loss), torch.full_like(batch.rows, CLEAN)
        if self.label is not None and self.category is not None:
            label, category = self.label[batch.rows].to(loss.dtype), self.category[batch.rows]
        record = recorded_triplet(losses.similarity, torch.full_like(loss, self.settings.margin), loss)
        own = {"alignment_global": by_global, "alignment_local": by_local}
        return Objective.of(losses, label * loss, label, category, record, **own)

    def _alignments(self, batch: Batch, losses: PairLoss) -> tuple[Tensor, Tensor]:
        """The triplet alignment loss of both similarities, (B,) each; zero of the local one where it takes no part."""
        margin, temperature = self.settings.margin, self.settings.temperature
        by_global = triplet_alignment(losses.similarity, margin, temperature)
        if not self.settings.local_loss:
            return by_global, torch.zeros_like(by_global)
        images, texts = (real_tokens(side.tokens) for side in (batch.image, batch.text))
        local = losses.local_scores / (self.settings.scale * (images[:, None] * texts).sqrt())
        return by_global, triplet_alignment(local, margin, temperature)


def real_tokens(tokens: Tensor) -> Tensor:
    """How many tokens of every item are not masked, and at least 1. **Shape** (B, L, D) -> (B,), of the same type.

    >>> real_tokens(torch.tensor([[[1.0], [2.0]], [[3.0], [0.0]]]))
    tensor([2., 1.])
    """
    return (tokens.detach() != 0).any(dim=2).sum(dim=1).clamp(min=1).to(tokens.dtype)
