"""Label smoothing (Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016, section 7).

A label keeps 1 - epsilon of its weight, and the rest is spread over all classes, the own one included: no pair is worth
being sure of. It was made against overfitting; that it helps against noisy labels too is shown by Lukasik et al., Does
Label Smoothing Mitigate Label Noise?, ICML 2020. Adapted: the classes are the answers in the batch, in each of the four
cross-entropies of a pair, and their sum is averaged over the pairs. All pairs count fully. The paper leaves open what
epsilon means where the number of classes is that of the batch: of 100 answers each gets 0.001. Taught in: lesson 10.
"""

import torch
from pydantic import Field
from torch import Tensor

from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import Batch, Method, MethodSettings, Objective
from rrsitr_lib.methods.log_probabilities import log_probabilities


class SmoothingSettings(MethodSettings):
    """The default is the paper's."""

    epsilon: float = Field(0.1, ge=0, lt=1, description="share of the label that is spread over all answers")


@register("smoothing")
class Smoothing(Method):
    """Cross-entropies with smoothed labels."""

    Settings = SmoothingSettings
    settings: SmoothingSettings

    def objective(self, batch: Batch) -> Objective:
        """Mean over the pairs of the sum over the directions."""
        losses = batch.pair_loss(self.settings)
        contribution = smoothed_cross_entropy(log_probabilities(losses, self.settings), self.settings.epsilon)
        weight, category = torch.ones_like(losses.total), self.categories(losses)
        return Objective.of(losses, contribution.sum(dim=0), weight, category)


def smoothed_cross_entropy(log_probabilities: Tensor, epsilon: float) -> Tensor:
    """-(1 - epsilon) ln p_ii - epsilon times the mean over j of ln p_ij (paper, section 7).

    **Shape** (directions, B, B), query by answer -> (directions, B).

    >>> smoothed_cross_entropy(torch.tensor([[[-1.0, -2.0], [-3.0, -1.0]]]), epsilon=0.5)
    tensor([[1.2500, 1.5000]])
    """
    own = log_probabilities.diagonal(dim1=1, dim2=2)
    return -(1 - epsilon) * own - epsilon * log_probabilities.mean(dim=2)
