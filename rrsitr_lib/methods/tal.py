"""TAL (Qin et al., Noisy-Correspondence Learning for Text-to-Image Person Re-identification, CVPR 2024), RDE's loss.

In the place of a triplet's hardest negative, on which training with mismatched pairs collapses, stands a soft maximum
over all negatives of the batch, which is at least as large. Adapted: the similarity is the one that ranks in
evaluation. The paper knows which captions are of the same person, and S+ is their mean with softmax weights; here a
pair has one positive, its own, and S+ is s_ii; the mean is taken where its code sums over the batch. Pairs of one image
are negatives of each other, as for every method. No pair is believed mismatched, so weights are 1 and categories those
of RRSITR's thresholds. Taught in: lesson 10.
"""

import torch
from pydantic import Field
from torch import Tensor

from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import Batch, Method, MethodSettings, Objective, Positive
from rrsitr_lib.methods.triplet import only_negatives, recorded_triplet


class TalSettings(MethodSettings):
    """The defaults are those of the paper's code."""

    margin: float = Field(0.1, ge=0, description="of the triplet")
    temperature: Positive = Field(0.015, description="of the soft maximum; near 0 it is the hardest negative")


@register("tal")
class Tal(Method):
    """Every pair counts fully, against all its negatives."""

    Settings = TalSettings
    settings: TalSettings

    def objective(self, batch: Batch) -> Objective:
        """Mean of the triplet alignment losses."""
        settings = self.settings
        losses = batch.pair_loss(settings)
        loss = triplet_alignment(self.ranking_similarity(losses), settings.margin, settings.temperature)
        record = recorded_triplet(losses.similarity, torch.full_like(loss, settings.margin), loss)
        category = self.categories(losses)
        return Objective.of(losses, loss, torch.ones_like(loss), category, record)


def triplet_alignment(similarity: Tensor, margin: float, temperature: float) -> Tensor:
    """[margin - s_ii + tau log sum over j != i of exp(s_ij / tau)]+ and the same with s_ji (RDE, CVPR 2024, TAL).

    The soft maximum is at most tau ln(B - 1) above the hardest negative. **Shape** (B, B) -> (B,), at least 0.

    >>> triplet_alignment(torch.eye(2), margin=0.1, temperature=0.015)
    tensor([0., 0.])
    >>> triplet_alignment(torch.zeros(2, 2), margin=0.1, temperature=0.015)  # one negative, as close as the positive
    tensor([0.2000, 0.2000])
    """
    negatives = only_negatives(similarity / temperature, own=-torch.inf)
    soft_maxima = (temperature * negatives.logsumexp(dim=direction) for direction in (1, 0))
    by_image, by_text = (torch.relu(margin - similarity.diagonal() + maximum) for maximum in soft_maxima)
    return by_image + by_text
