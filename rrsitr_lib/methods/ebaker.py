"""EBAKER's exclusion (Ji et al., Eliminate Before Align, ACM MM 2024), by itself.

The title goes on: A Remote Sensing Image-Text Retrieval Framework with Keyword Explicit Reasoning. It is contrastive
training, global and local, that after its first epochs drops pairs whose cosine is under a low quantile of recent ones.
A dropped pair learns nothing; its image and caption stay among the negatives of the others. The authors' code is
zhangy0822/iEBAKER. Adapted: the quantile is
that of the last epoch's cosines, as the ledger has them, in the place of a queue of 200,000; the mean is over all pairs
of a batch, in the authors' code over those that are kept. Left out: keyword reasoning, which needs a head of its own.
Taught in: lesson 10.
"""

from collections.abc import Mapping

import numpy as np
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import Batch, MethodSettings, RunFacts
from rrsitr_lib.methods.contrastive import Selection


class EbakerSettings(MethodSettings):
    """The defaults are those of the authors' code."""

    all_pairs_epochs: int = Field(4, ge=0, description="first epochs, in which no pair is dropped")
    dropped_share: float = Field(0.01, gt=0, lt=1, description="of the last epoch's cosines, the lowest")


@register("ebaker")
class Ebaker(Selection):
    """Contrastive training without the pairs of the lowest cosines."""

    Settings = EbakerSettings
    settings: EbakerSettings

    def __init__(self, settings: EbakerSettings, run: RunFacts) -> None:
        super().__init__(settings, run)
        self.limit: float | None = None  # cosine up to which pairs are dropped

    def begin_epoch(self, epoch: int, record: Mapping[str, np.ndarray] | None) -> None:
        """The cosine up to which pairs are dropped, by the last epoch's."""
        self.limit = None
        if epoch >= self.settings.all_pairs_epochs and record is not None and "similarity" in record:
            self.limit = highest_dropped(record["similarity"], self.settings.dropped_share)

    def include(self, batch: Batch) -> Tensor | None:
        """The pairs whose cosine, now, is above that."""
        if self.limit is None:
            return None
        return F.cosine_similarity(batch.image.pooled.detach(), batch.text.pooled.detach()) > self.limit


def highest_dropped(cosine: np.ndarray, share: float) -> float:
    """The entry number floor(share N), from 0, of the sorted cosines. Shape: (N,) -> a cosine.

    >>> highest_dropped(np.array([0.5, 0.1, 0.4, 0.3, 0.2]), share=0.2)
    0.2
    """
    return float(np.sort(cosine)[int(share * len(cosine))])
