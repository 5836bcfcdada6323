"""GCE (Zhang and Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels).

NeurIPS 2018. (1 - p^q) / q lies between the cross-entropy, q near 0, which learns fast and overfits, and 1 - p, q = 1,
which tolerates noise and learns slowly: beside a cross-entropy a pair's gradient has the factor p^q, so pairs that are
found with small probability count little. Adapted: the classes are the answers in the batch; every cross-entropy of a
pair, global and local in both directions, is replaced by it, and their sum is averaged over the pairs. Left out: the
truncated form, which drops pairs with p below 0.5 and is a second method in the paper. The paper leaves open how
training starts where p is near 1 / B for all pairs: then all count little. Taught in: lesson 10.
"""

from pydantic import Field
from torch import Tensor

from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import Batch, Method, MethodSettings, Objective
from rrsitr_lib.methods.log_probabilities import log_probabilities


class GceSettings(MethodSettings):
    """The default is the paper's."""

    q: float = Field(0.7, gt=0, le=1, description="0: cross-entropy, which overfits; 1: 1 - p, which learns slowly")


@register("gce")
class Gce(Method):
    """Cross-entropies, generalised so that improbable pairs count little."""

    Settings = GceSettings
    settings: GceSettings

    def objective(self, batch: Batch) -> Objective:
        """Mean over the pairs of the sum over the directions; a pair counts with the mean of its p^q."""
        losses, q = batch.pair_loss(self.settings), self.settings.q
        own = log_probabilities(losses, self.settings).diagonal(dim1=1, dim2=2)
        weight = (q * own.detach()).exp().mean(dim=0)
        category = self.categories(losses)
        return Objective.of(losses, generalised_cross_entropy(own, q).sum(dim=0), weight, category)


def generalised_cross_entropy(log_probability: Tensor, q: float) -> Tensor:
    """(1 - p^q) / q, p the probability of the label (paper, L_q): -ln p for q near 0, 1 - p for q = 1.

    **Shape** any, ln p -> the same, in [0, 1 / q].

    >>> import torch
    >>> generalised_cross_entropy(torch.tensor([0.25, 1.0]).log(), q=0.5)
    tensor([1., -0.])
    """
    return -(q * log_probability).expm1() / q
