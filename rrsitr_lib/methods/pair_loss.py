"""One loss per pair: global and local cross-entropies in both directions, nothing averaged."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from rrsitr_lib.errors import InputError
from rrsitr_lib.model.similarity import cosine_similarity, local_similarity

FourFeatures = tuple[Tensor, Tensor, Tensor, Tensor]


class PairLoss(NamedTuple):
    """What the batch says about every pair.

    **Shape** ``similarity``, ``local_scores`` (B, B) image by caption, the rest (B,). ``local_scores`` are local
    similarities times ``scale``, zero where they take no part.
    """

    similarity: Tensor
    local_scores: Tensor
    global_loss: Tensor
    local_loss: Tensor

    @property
    def total(self) -> Tensor:
        """L_i = L^g_i + L^l_i, shape (B,)."""
        return self.global_loss + self.local_loss


def symmetric_cross_entropy(logits: Tensor) -> Tensor:
    """CE_row(logits, i) + CE_col(logits, i): both retrieval directions of pair i (paper, fine-grained alignment).

    Shape: (B, B), the pair's own entry on the diagonal -> (B,), at least 0; 2 ln B where all logits are equal.

    >>> symmetric_cross_entropy(torch.zeros(2, 2))  # 2 ln 2 each
    tensor([1.3863, 1.3863])
    """
    return logits.logsumexp(dim=1) + logits.logsumexp(dim=0) - 2 * logits.diagonal()


def pair_loss(
    image: Tensor, text: Tensor, image_tokens: Tensor, text_tokens: Tensor, scale: float, local: bool = True
) -> PairLoss:
    """L_i of every pair in the batch, global and local (paper, fine-grained alignment).

    Chance level is 4 ln B. Shape: image, text (B, D); image_tokens (B, Li, D); text_tokens (B, Lt, D).
    ``scale`` multiplies both similarities (the paper: exp(2.996), about 20, frozen). Without ``local``, L^l is zero and
    chance level 2 ln B.

    >>> features, tokens = torch.eye(2), torch.eye(2)[:, None]
    >>> pair_loss(features, features, tokens, tokens, scale=20.0).total < 1e-6
    tensor([True, True])
    """
    similarity = cosine_similarity(image, text)
    global_loss = symmetric_cross_entropy(scale * similarity)
    if not local:
        return PairLoss(similarity, torch.zeros_like(similarity), global_loss, torch.zeros_like(global_loss))
    local_scores = local_similarity(text_tokens, image_tokens, scale).T
    return PairLoss(similarity, local_scores, global_loss, symmetric_cross_entropy(local_scores))


def checked_features(image: Tensor, text: Tensor, image_tokens: Tensor, text_tokens: Tensor) -> FourFeatures:
    """The four as they are. Raises ``InputError`` where they hold different numbers of pairs."""
    features = (image, text, image_tokens, text_tokens)
    if len({len(feature) for feature in features}) != 1:
        sizes = [len(feature) for feature in features]
        raise InputError(f"image, text, image_tokens, text_tokens hold {sizes} pairs: they must be equally many")
    return features


def chance_loss(batch_size: int) -> float:
    """4 ln B: the loss of a pair when every similarity is equal; 18.4 for B = 100.

    >>> round(chance_loss(100), 1)
    18.4
    """
    return 4 * math.log(batch_size)
