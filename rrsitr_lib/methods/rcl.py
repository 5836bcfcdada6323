"""RCL (Hu et al., Cross-modal Retrieval with Partially Mismatched Pairs, TPAMI 2023).

A complementary contrastive loss: it says of all others that they do not belong, which is seldom wrong, and not of the
pair that it belongs, which errs where it is mismatched. A pair is still pulled, in proportion to the probability that
it has already: a mismatched one hardly. Adapted: the similarity is the one that ranks in
evaluation, in the place of SGRAF's or GSMN's; all negatives of the batch count, as by default in the code. The paper
compares several forms of the loss: ``log`` is the code's default, and ``tan`` is the one that CRCL goes on with.
No pair is believed mismatched, so weights are 1 and categories those of RRSITR's thresholds. Taught in: lesson 10.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import Batch, Method, MethodSettings, Objective, Positive
from rrsitr_lib.methods.triplet import only_negatives

ComplementaryKind = Literal["log", "tan"]
LEAST_COMPLEMENT = 1e-10  # as in RCL's code: a negative that takes all the probability costs 23, not infinity


class RclSettings(MethodSettings):
    """The defaults are those of the paper's code."""

    temperature: Positive = Field(0.05, description="of the softmax over the batch")
    kind: ComplementaryKind = Field("log", description="what a negative of probability p costs: -log(1 - p) or tan(p)")


@register("rcl")
class Rcl(Method):
    """Every pair learns from its negatives only."""

    Settings = RclSettings
    settings: RclSettings

    def objective(self, batch: Batch) -> Objective:
        """Mean of the complementary losses in both directions."""
        settings = self.settings
        losses = batch.pair_loss(settings)
        similarity = self.ranking_similarity(losses)
        by_image = complementary_loss(similarity, settings.temperature, settings.kind)
        by_text = complementary_loss(similarity.T, settings.temperature, settings.kind)
        category = self.categories(losses)
        return Objective.of(losses, by_image + by_text, torch.ones_like(losses.total), category)


def complementary_loss(similarity: Tensor, temperature: float, kind: ComplementaryKind = "log") -> Tensor:
    """Sum over j != i of -log(1 - p_ij), or of tan(p_ij); p_i is the softmax of s_i / temperature (RCL, TPAMI 2023).

    It is 0 where the pair takes all the probability. **Shape** (B, B), the query's row -> (B,), at least 0.

    >>> complementary_loss(torch.zeros(3, 3), temperature=0.05, kind="tan")  # 2 tan(1/3) each
    tensor([0.6925, 0.6925, 0.6925])
    """
    probability = (similarity / temperature).softmax(dim=1)
    cost = probability.tan() if kind == "tan" else -(1 - probability + LEAST_COMPLEMENT).log()
    return only_negatives(cost, own=0.0).sum(dim=1)
