"""Early stopping without clean pairs: training ends when a mixture of the losses says that memorisation begins.

A network learns the true pairs before it memorises the mismatched ones (Arpit et al., A Closer Look at Memorization in
Deep Networks, ICML 2017), and while it does, a mixture of two components tells their losses apart (Arazo et al.,
Unsupervised Label Noise Modeling and Loss Correction, ICML 2019). So training is contrastive until the share of pairs
that the mixture calls noisy falls: mismatched pairs then move over to the small losses, or true ones leave the large,
which the rule cannot tell apart. From then on epochs are only scored. The criterion is this library's, the mixture that
of NCR; neither paper stops training. The result of every run is that of its best validation epoch, and up to the stop
this is the contrastive run to the bit: in validation it cannot be better, only shorter, and it shows what stopping
finds without clean validation pairs. Taught in: lesson 10.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import Batch, MethodSettings, Objective, RunFacts
from rrsitr_lib.methods.contrastive import Contrastive
from rrsitr_lib.methods.partition import mixture_posterior


class StoppingSettings(MethodSettings):
    """How far the share must fall."""

    tolerance: float = Field(0.02, ge=0, le=1, description="share of pairs that may turn from noisy to clean")


@register("stopping")
class Stopping(Contrastive):
    """Contrastive training that stops when fewer pairs are called noisy than before."""

    Settings = StoppingSettings
    columns: ClassVar[Mapping[str, str]] = {"most_noisy": "<f4"}
    settings: StoppingSettings

    def __init__(self, settings: StoppingSettings, run: RunFacts) -> None:
        super().__init__(settings, run)
        self.most_noisy = 0.0  # largest share of pairs that was called noisy after any epoch

    def begin_epoch(self, epoch: int, record: Mapping[str, np.ndarray] | None) -> None:
        """Stop where the share of noisy pairs fell below its largest by more than the tolerance, and stay stopped."""
        if record is None:
            return
        before = float(record["most_noisy"].max()) if "most_noisy" in record else 0.0
        share = noisy_share(record["loss"], self.run.seed)
        self.stopped = not record["weight"].any() or share < before - self.settings.tolerance
        self.most_noisy = max(before, share)

    def include(self, batch: Batch) -> Tensor | None:
        """All pairs, then none."""
        return torch.zeros_like(batch.rows, dtype=torch.bool) if self.stopped else None

    def objective(self, batch: Batch) -> Objective:
        """The mean of all cross-entropies until training stops, then zero."""
        result = super().objective(batch)
        return replace(result, columns={"most_noisy": torch.full_like(result.pair_loss, self.most_noisy)})


def noisy_share(loss: np.ndarray, seed: int) -> float:
    """Share of the pairs, in [0, 1], that the upper of two components of the losses holds: the mean of its posterior.

    **Shape** (N,) -> a number. Errors as ``mixture_posterior``.

    >>> round(noisy_share(np.array([0.0, 0.1, 0.2, 9.0, 9.1]), seed=0), 6)
    0.4
    """
    return float(mixture_posterior(loss.astype(np.float64), components=2, seed=seed)[:, 1].mean())
