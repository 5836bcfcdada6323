"""SCE (Wang et al., Symmetric Cross Entropy for Robust Learning with Noisy Labels, ICCV 2019).

To the cross-entropy comes its reverse, which asks how well the label explains the prediction. It needs the logarithm
of a label that is 0, and takes A < 0 for it; so it is -A (1 - p), which is bounded and tolerates noise. Adapted: the
classes are the answers in the batch, so their number is the batch size and they change with every batch; each of the
four cross-entropies of a pair gets its reverse, and their sum is averaged over the pairs. alpha and beta are those for
CIFAR-10, A is that of the authors' code, ln 1e-4. The paper leaves open how to choose them: other data get others.
Taught in: lesson 10.
"""

import math
from typing import Self

from pydantic import Field, model_validator
from torch import Tensor

from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import Batch, Method, MethodSettings, Objective
from rrsitr_lib.methods.log_probabilities import log_probabilities

LOG_ZERO = math.log(1e-4)


class SceSettings(MethodSettings):
    """alpha and beta are the paper's for ten classes, A is its code's."""

    alpha: float = Field(0.1, ge=0, description="factor of the cross-entropy, which learns fast and overfits")
    beta: float = Field(1.0, ge=0, description="factor of the reverse cross-entropy, which tolerates noise")
    log_zero: float = Field(LOG_ZERO, lt=0, description="A, taken for the logarithm of 0: ln 1e-4")

    @model_validator(mode="after")
    def _something_learns(self) -> Self:
        if self.alpha == self.beta == 0:
            raise ValueError("alpha and beta are both 0: allowed is at least one above 0")
        return self


@register("sce")
class Sce(Method):
    """Cross-entropies with their reverse."""

    Settings = SceSettings
    settings: SceSettings

    def objective(self, batch: Batch) -> Objective:
        """Mean over the pairs of the sum over the directions; how much a pair counts is its share of the gradient."""
        settings, losses = self.settings, batch.pair_loss(self.settings)
        own = log_probabilities(losses, settings).diagonal(dim1=1, dim2=2)
        contribution = symmetric_loss(own, settings.alpha, settings.beta, settings.log_zero).sum(dim=0)
        weight = gradient_share(own.detach(), settings.alpha, settings.beta, settings.log_zero).mean(dim=0)
        return Objective.of(losses, contribution, weight, self.categories(losses))


def symmetric_loss(log_probability: Tensor, alpha: float, beta: float, log_zero: float) -> Tensor:
    """alpha CE + beta RCE with CE = -ln p and RCE = -A (1 - p), p the probability of the label (paper, SL).

    **Shape** any, ln p -> the same, at least 0.

    >>> import torch
    >>> symmetric_loss(torch.tensor([0.0, -math.log(2)]), alpha=0, beta=1, log_zero=-4)
    tensor([0., 2.])
    """
    return -alpha * log_probability + beta * log_zero * log_probability.expm1()


def gradient_share(log_probability: Tensor, alpha: float, beta: float, log_zero: float) -> Tensor:
    """(alpha - beta A p) / (alpha - beta A): the gradient beside that of a cross-entropy, 1 where p is 1.

    **Shape** any, ln p -> the same, in [0, 1].

    >>> import torch
    >>> gradient_share(torch.tensor([0.0, -math.log(2)]), alpha=0, beta=1, log_zero=-4)
    tensor([1.0000, 0.5000])
    """
    return (alpha - beta * log_zero * log_probability.exp()) / (alpha - beta * log_zero)
