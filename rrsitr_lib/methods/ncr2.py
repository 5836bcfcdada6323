"""NCR (Huang et al., Learning with Noisy Correspondence for Cross-modal Matching, NeurIPS 2021), two networks.

Each network takes the clean probability p from the mixture over the other one's hinge losses. The label of a clean pair
is p + (1 - p) P by its own prediction P, that of a noisy pair the mean of both networks' P, as in the public code.
Adapted: both networks learn in the same step, where the code trains one for an epoch while the other rests; a batch
mixes clean and noisy pairs, where the code draws batches of each. By its shapes the code makes of clean pairs' labels a
table, p of one and P of another pair, and takes margins of noisy ones in one direction from the other pair; the paper
has the pair's own, the table's diagonal, as here. Where all pairs seem clean its code calls a hundredth noisy, so
that no loader is empty; here none can be. Taught in: lesson 10.
"""

from typing import ClassVar

import torch
from torch import Tensor

from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import Batch
from rrsitr_lib.methods.ncr import Ncr, mean_hinge, predicted_label


@register("ncr2")
class Ncr2(Ncr):
    """Soft margins by a mixture of the other network's losses."""

    networks: ClassVar[int] = 2

    def label(self, batch: Batch, hinge: Tensor, clean: Tensor, is_clean: Tensor) -> Tensor:
        """NCR's; of noisy pairs the mean of what both networks predict."""
        own = super().label(batch, hinge, clean, is_clean)
        peer = predicted_label(self.peer_hinge(batch), self.settings.margin)
        return torch.where(is_clean, own, (own + peer) / 2)

    def peer_hinge(self, batch: Batch) -> Tensor:
        """Mean hinge of every pair as the other network sees it. **Shape** (B,)."""
        losses = batch.of_peer().pair_loss(self.settings)
        return mean_hinge(self.ranking_similarity(losses), self.settings.margin)
