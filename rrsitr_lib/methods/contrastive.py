"""Contrastive training, the control that the paper lacks, also by the global cross-entropies alone, and the oracle.

The two global cross-entropies alone are how CLIP is trained (Radford et al., Learning Transferable Visual Models From
Natural Language Supervision, ICML 2021), here with the run's frozen temperature. Evaluation is that of the run: its
``local_fraction`` of local similarity still ranks, although nothing trained it. The oracle leaves the mismatched pairs
out, by the injected truth. Two contrastive networks are the control of methods that let two teach each other: they rank
together, as theirs do. Taught in: lesson 06, two networks in lesson 10.
"""

from dataclasses import replace
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import PAPER_SCALE, Batch, Method, MethodSettings, Objective, RunFacts
from rrsitr_lib.methods.pair_loss import checked_features, pair_loss
from rrsitr_lib.methods.partition import CLEAN, NOISY, partition
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
    this is the oracle, the measure of ways of finding mismatched pairs, which stay in the batch as negatives.
    Categories and margins are computed as RRSITR would, for the record only. Shapes and errors as ``rrsitr_objective``.

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
            *batch.features,
            gamma_1=gamma_1, gamma_2=gamma_2, sigma=settings.sigma, scale=settings.scale, local=settings.local_loss,
            include=self.include(batch),
        )  # fmt: skip


@register("contrastive2")
class Contrastive2(Contrastive):
    """Every pair counts fully, in two networks that never meet: what an ensemble brings without co-teaching."""

    networks: ClassVar[int] = 2


class Selection(Contrastive):
    """Contrastive training on some of the pairs, which it calls clean; the others, called noisy, are negatives only."""

    def objective(self, batch: Batch) -> Objective:
        """Mean of the cross-entropies of the pairs that count."""
        found = super().objective(batch)
        return replace(found, category=torch.where(found.weight > 0, CLEAN, NOISY))


class GlobalSettings(MethodSettings):
    """Settings of contrastive training, without the local cross-entropies."""

    local_loss: bool = Field(False, description="off is what the method is: chance level is 2 ln B")

    def switched_off(self) -> list[str]:
        """What is put back: the method's name says what is left out."""
        return ["with local"] if self.local_loss else []


@register("global")
class GlobalContrastive(Contrastive):
    """Every pair counts fully, by its two global cross-entropies."""

    Settings = GlobalSettings


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
