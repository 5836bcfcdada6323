"""BiCro (Yang et al., CVPR 2023): alike images have alike captions, and how far this holds is a pair's soft label.

BiCro: Noisy Correspondence Rectification for Multi-modality Data via Bi-directional Cross-modal Similarity Consistency.
Two networks. A beta mixture over the other one's hinge losses tells clean from noisy pairs; the clean pairs with the
smallest losses are anchors. A pair's label says whether it is as near to its nearest anchor in images as in captions,
by the other network's features; the triplet loss and its soft margin are NCR's. Formulas and settings are those of the
public code, and so is the search for anchors within the batch: features of the whole table change with every step.
Adapted: a batch mixes clean and noisy pairs, both networks learn in one step, the warm-up is its first epoch, in which
all pairs are recorded as clean; beyond its means the mixture judges as at them. Margins are in units of the similarity
that ranks in evaluation. Where all pairs seem clean its code calls a hundredth noisy; here none need be. Not done:
its code gives labels of clean pairs to other pairs of the batch (``scatter_``), NaN and so noise to the smallest loss,
and in one direction the other pair's margin. Open: whether the paper labels clean pairs as its code does.
Taught in: lesson 10.
"""

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from rrsitr_lib.methods import register
from rrsitr_lib.methods.base import Batch
from rrsitr_lib.methods.beta_mixture import beta_mixture_posterior
from rrsitr_lib.methods.ncr import NcrSettings
from rrsitr_lib.methods.ncr2 import Ncr2
from rrsitr_lib.model.similarity import cosine_similarity


class BicroSettings(NcrSettings):
    """The defaults are those of the public code's scripts."""

    warm_up_share: float = Field(0.3, gt=0, le=1, description="share of a batch, smallest losses, that warms up")
    label_above: float = Field(0.5, ge=0, le=1, description="soft labels that are not above count as 0")


@register("bicro")
class Bicro(Ncr2):
    """Soft margins by the consistency with the nearest clean pair."""

    Settings: ClassVar[type[NcrSettings]] = BicroSettings
    settings: BicroSettings

    def clean_probability(self, hinge: np.ndarray) -> np.ndarray:
        """Posterior of the lower one of two beta distributions."""
        return beta_mixture_posterior(hinge)

    def warm_up_weight(self, hinge: Tensor) -> Tensor:
        """1 for the smallest losses of the batch, 0 for the others."""
        kept = max(1, int(len(hinge) * self.settings.warm_up_share))
        return torch.zeros_like(hinge).scatter(0, hinge.topk(kept, largest=False).indices, 1.0)

    def label(self, batch: Batch, hinge: Tensor, clean: Tensor, is_clean: Tensor) -> Tensor:
        """1 for anchors, (1 + c) / 2 for other clean pairs, c for noisy ones, by the consistency c."""
        peer = batch.of_peer()
        anchor = clean_anchors(self.peer_hinge(batch), is_clean)
        images, texts = (cosine_similarity(side.pooled, side.pooled) for side in (peer.image, peer.text))
        consistent = consistency(images, texts, anchor)
        label = torch.where(is_clean, (1 + consistent) / 2, consistent)
        label = torch.where(label > self.settings.label_above, label, 0.0).clamp(0, 1)
        return torch.where(anchor, 1.0, label)


def clean_anchors(hinge: Tensor, is_clean: Tensor) -> Tensor:
    """The tenth of the clean pairs, and one more, with the smallest losses. **Shape** (B,), (B,) bool -> (B,) bool.

    >>> clean_anchors(torch.tensor([0.0, 0.3, 0.1]), torch.tensor([False, True, True]))
    tensor([False, False,  True])
    """
    rank = hinge.masked_fill(~is_clean, torch.inf).argsort(stable=True).argsort()
    return is_clean & (rank < is_clean.sum() // 10 + 1)


def consistency(images: Tensor, texts: Tensor, anchor: Tensor) -> Tensor:
    """y* = (r_I + r_T) / 2: whether a pair is as near to its nearest anchor in images as in captions.

    r_I is the ratio of both cosines to the anchor nearest in images, r_T to the one nearest in captions, each turned
    round where it is above 1. **Shape** cosines (B, B), within images and within captions, and (B,) bool -> (B,), at
    most 1; negative where a ratio is, 0 without anchors.

    >>> images, texts = torch.tensor([[1.0, 0.8], [0.8, 1.0]]), torch.tensor([[1.0, 0.4], [0.4, 1.0]])
    >>> consistency(images, texts, anchor=torch.tensor([True, False]))
    tensor([1.0000, 0.5000])
    """
    by_image, by_text = ratio_at_nearest(images, texts, anchor), ratio_at_nearest(texts, images, anchor)
    return torch.where(anchor.any(), (by_image + by_text) / 2, 0.0)


def ratio_at_nearest(near: Tensor, other: Tensor, anchor: Tensor) -> Tensor:
    """Ratio of ``near`` and ``other`` at the anchor with the largest ``near``, at most 1. **Shape** as ``consistency``.

    >>> cosines = torch.tensor([[0.8, 0.3]] * 2), torch.tensor([[0.4, 0.3]] * 2)
    >>> ratio_at_nearest(*cosines, anchor=torch.tensor([True, False]))
    tensor([0.5000, 0.5000])
    """
    nearest = near.masked_fill(~anchor, -torch.inf).argmax(dim=1, keepdim=True)
    mine, partner = (cosines.gather(1, nearest).squeeze(1) for cosines in (near, other))
    return torch.where(mine / partner < 1, mine / partner, partner / mine)
