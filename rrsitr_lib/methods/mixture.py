"""Hard selection: only pairs count that a mixture of two Gaussians over the last epoch's losses calls clean.

The selection is that of DivideMix (Li et al., Learning with Noisy Labels as Semi-supervised Learning, ICLR 2020), with
one network and nothing for the pairs that are left out; the mixture is fitted as in NCR (NeurIPS 2021). Adapted: the
losses are the four cross-entropies that the epoch saw in its batches, where the paper scores all samples anew after it.
Pairs that do not count stay in the batch as negatives of the others: an image is a wrong answer to other captions
whatever its own caption is. The mean is over the whole batch, as for the oracle. The first epoch, plain contrastive
training, is the warm-up; the paper leaves its length open, it has other ones for other data. Taught in: lesson 10.
"""

from collections.abc import Mapping

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import Batch, MethodSettings, RunFacts
from rrsitr_lib.methods.contrastive import Selection
from rrsitr_lib.methods.partition import clean_posterior


class MixtureSettings(MethodSettings):
    """The default is the paper's."""

    clean_above: float = Field(0.5, ge=0, lt=1, description="a pair counts where the mixture's posterior is above")


@register("mixture")
class Mixture(Selection):
    """Contrastive training on the pairs that a mixture of the last losses calls clean."""

    Settings = MixtureSettings
    settings: MixtureSettings

    def __init__(self, settings: MixtureSettings, run: RunFacts) -> None:
        super().__init__(settings, run)
        self.clean: Tensor | None = None  # (N,) bool, from the second epoch on

    def begin_epoch(self, epoch: int, record: Mapping[str, np.ndarray] | None) -> None:
        """Which pairs count in this epoch, by the losses of the last one."""
        if record is not None:
            posterior = clean_posterior(record["loss"], self.run.seed)
            self.clean = torch.from_numpy(posterior > self.settings.clean_above).to(self.run.device)

    def include(self, batch: Batch) -> Tensor | None:
        """The clean pairs; all in the first epoch."""
        return None if self.clean is None else self.clean[batch.rows]
