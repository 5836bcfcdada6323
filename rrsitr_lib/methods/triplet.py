"""Hardest negatives of every pair, and the record of a triplet loss."""

from typing import NamedTuple

import torch
from torch import Tensor

from rrsitr_lib.errors import InputError


class Triplet(NamedTuple):
    """Everything a triplet loss sees, each of shape (B,).

    ``similarity`` s_ii; ``hardest_text`` t-, ``hardest_image`` v- (cosines); the two margins (cosine units); ``loss``.
    """

    similarity: Tensor
    hardest_text: Tensor
    hardest_image: Tensor
    margin_text: Tensor
    margin_image: Tensor
    loss: Tensor


def hardest_negatives(similarity: Tensor) -> tuple[Tensor, Tensor]:
    """t- = max over j != i of s_ij (texts), v- = max over j != i of s_ji (images).

    Shape: (B, B) image by caption -> (B,), (B,). Raises ``InputError`` for a batch of one: it has no negatives.

    >>> hardest_negatives(torch.tensor([[0.9, 0.2], [0.4, 0.8]]))
    (tensor([0.2000, 0.4000]), tensor([0.4000, 0.2000]))
    """
    if len(similarity) < 2:
        raise InputError(f"a batch of {len(similarity)} pair has no negatives: allowed are two or more")
    own = torch.eye(len(similarity), dtype=torch.bool, device=similarity.device)
    negatives = similarity.masked_fill(own, -torch.inf)
    return negatives.amax(dim=1), negatives.amax(dim=0)
