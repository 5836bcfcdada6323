"""Negatives of every pair, hinges over them, and the record of a triplet loss."""

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
    negatives = only_negatives(similarity, -torch.inf)
    return negatives.amax(dim=1), negatives.amax(dim=0)


def only_negatives(table: Tensor, own: float) -> Tensor:
    """The table with ``own`` in place of what every pair says of itself. Shape: (B, B) -> (B, B).

    >>> only_negatives(torch.ones(2, 2), own=0.0)
    tensor([[0., 1.],
            [1., 0.]])
    """
    return table.masked_fill(torch.eye(len(table), dtype=torch.bool, device=table.device), own)


def hinges(similarity: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    """[margin + s_ij - s_ii]+ of every image i with every text j, [margin + s_ij - s_jj]+ of every text j; 0 for i = j.

    Shape: (B, B) image by caption -> (B, B), (B, B), image by caption too: a pair's hinges are a row of the first table
    and a column of the second.

    >>> hinges(torch.tensor([[1.0, 0.9], [0.0, 0.5]]), margin=0.25)
    (tensor([[0.0000, 0.1500],
            [0.0000, 0.0000]]), tensor([[0.0000, 0.6500],
            [0.0000, 0.0000]]))
    """
    own = similarity.diagonal()
    by_image = only_negatives(torch.relu(margin + similarity - own[:, None]), own=0.0)
    by_text = only_negatives(torch.relu(margin + similarity - own), own=0.0)
    return by_image, by_text


def triplet_loss(similarity: Tensor, margin: Tensor) -> Tensor:
    """[m - s_ii + t-]+ + [m - s_ii + v-]+, hardest negatives and a margin a pair (VSE++, BMVC 2018).

    Shape: (B, B) image by caption, (B,) -> (B,), at least 0.

    >>> triplet_loss(torch.tensor([[0.9, 0.2], [0.4, 0.5]]), margin=torch.tensor([0.2, 0.0]))
    tensor([0., 0.])
    >>> triplet_loss(torch.tensor([[0.9, 0.2], [0.4, 0.5]]), margin=torch.tensor([0.2, 0.2]))
    tensor([0.0000, 0.1000])
    """
    own, negatives = similarity.diagonal(), hardest_negatives(similarity)
    by_image, by_text = (torch.relu(margin - own + hardest) for hardest in negatives)
    return by_image + by_text


def recorded_triplet(cosine: Tensor, margin: Tensor, loss: Tensor) -> Triplet:
    """The record of a loss with one margin for both directions: what it sees is noted in cosines, without gradient.

    Shape: (B, B) image by caption, (B,), (B,) -> fields of shape (B,). The loss may be that of another similarity.

    >>> recorded_triplet(torch.eye(2), margin=torch.full((2,), 0.2), loss=torch.zeros(2)).hardest_text
    tensor([0., 0.])
    """
    cosine = cosine.detach()
    return Triplet(cosine.diagonal(), *hardest_negatives(cosine), margin, margin, loss)
