"""Contrastive training, the control that the paper lacks, and the oracle, which leaves the mismatched pairs out."""

import torch
from torch import Tensor

from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import PAPER_SCALE, Batch, Method, MethodSettings, Objective, RunFacts
from rrsitr_lib.methods.pair_loss import checked_features, pair_loss
from rrsitr_lib.methods.rrsitr.partition import partition
from rrsitr_lib.methods.rrsitr.robust_triplet import robust_triplet


def contrastive_objective(
    image: Tensor,
    text: Tensor,
    image_tokens: Tensor,
    text_tokens: Tensor,
    *,
    gamma_1: float = 5,
    gamma_2: float = 18,
    sigma: float = 0.6,
    scale: float = PAPER_SCALE,
    local: bool = True,
    include: Tensor | None = None,
) -> Objective:
    """Mean of L_i: the four cross-entropies of every pair with weight 1.

    Without ``local``, two cross-entropies. ``include`` (B,) bool gives the others weight 0: with the injected truth
    this is the oracle, which no way of finding mismatched pairs can beat. Categories and margins are computed as RRSITR
    would, for the record only. Shapes and errors as ``rrsitr_objective``.

    >>> contrastive_objective(torch.eye(4), torch.eye(4), torch.eye(4)[:, None], torch.eye(4)[:, None]).weight
    tensor([1., 1., 1., 1.])
    """
    losses = pair_loss(*checked_features(image, text, image_tokens, text_tokens), scale, local)
    category = partition(losses.total.detach(), gamma_1, gamma_2)
    weight = torch.ones_like(losses.total) if include is None else include.to(losses.total.dtype)
    triplet = robust_triplet(losses.similarity.detach(), sigma)
    return Objective.of(losses, weight * losses.total, weight, category, triplet)


@register("contrastive")
class Contrastive(Method):
    """Every pair counts fully."""

    def include(self, batch: Batch) -> Tensor | None:
        """Which pairs count, (B,) bool; None for all."""
        return None

    def objective(self, batch: Batch) -> Objective:
        """Mean of the cross-entropies of the pairs that count."""
        settings, (gamma_1, gamma_2) = self.settings, self.thresholds
        return contrastive_objective(
            batch.image.pooled, batch.text.pooled, batch.image.tokens, batch.text.tokens,
            gamma_1=gamma_1, gamma_2=gamma_2, sigma=settings.sigma, scale=settings.scale, local=settings.local_loss,
            include=self.include(batch),
        )  # fmt: skip


@register("oracle")
class Oracle(Contrastive):
    """Contrastive training on the pairs that are truly no mismatch."""

    needs_truth = True

    def __init__(self, settings: MethodSettings, run: RunFacts) -> None:
        super().__init__(settings, run)
        assert run.mismatched is not None  # needs_truth
        self.true = torch.from_numpy(~run.mismatched).to(run.device)

    def include(self, batch: Batch) -> Tensor:
        """The true pairs."""
        return self.true[batch.rows]
