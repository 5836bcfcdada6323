"""VSE++ (Faghri et al., Improving Visual-Semantic Embeddings with Hard Negatives, BMVC 2018).

A triplet loss in both directions, in which only the hardest negative of the batch counts. It knows no noise: every pair
counts fully, and a mismatched pair pulls as hard as a true one. Adapted: the similarity is the one that ranks in
evaluation; the reduction is a mean over the pairs, where the paper's code takes the sum of the batch. A margin of 0.6
(``margin``) is that of RRSITR's triplet loss where it is fixed, there of cosines. As long as every hinge is active, the
margin moves the loss and not its gradient. The paper leaves open what to do
where training stalls on the hardest negatives: its own runs take some epochs to get going. Taught in: lesson 10.
"""

import torch
from pydantic import Field

from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import Batch, Method, MethodSettings, Objective
from rrsitr_lib.methods.triplet import recorded_triplet, triplet_loss


class VseppSettings(MethodSettings):
    """The default is the paper's."""

    margin: float = Field(0.2, ge=0, description="over the hardest negatives, in units of the similarity that ranks")


@register("vsepp")
class Vsepp(Method):
    """A triplet loss with the hardest negatives and a fixed margin."""

    Settings = VseppSettings
    settings: VseppSettings

    def objective(self, batch: Batch) -> Objective:
        """Mean of [margin - s_ii + t-]+ + [margin - s_ii + v-]+."""
        losses = batch.pair_loss(self.settings)
        margin = torch.full_like(losses.total, self.settings.margin)
        loss = triplet_loss(self.ranking_similarity(losses), margin)
        record = recorded_triplet(losses.similarity, margin, loss)
        category = self.categories(losses)
        return Objective.of(losses, loss, torch.ones_like(loss), category, record)
