"""Retrieval in a batch as a classification: with which probability every query finds every answer."""

import torch
from torch import Tensor

from rrsitr_lib.methods.base import MethodSettings
from rrsitr_lib.methods.pair_loss import PairLoss


def score_tables(losses: PairLoss, settings: MethodSettings) -> list[Tensor]:
    """The global scores and, with ``local_loss``, the local ones, (B, B) each: image by caption, times ``scale``."""
    global_scores = settings.scale * losses.similarity
    return [global_scores, losses.local_scores] if settings.local_loss else [global_scores]


def own_probability(logits: Tensor) -> Tensor:
    """Mean over both directions of the softmax of a pair's own logit: how far it is believed right, in [0, 1].

    **Shape** (B, B) -> (B,).

    >>> own_probability(torch.zeros(4, 4))
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """
    return (logits.softmax(dim=1).diagonal() + logits.softmax(dim=0).diagonal()) / 2


def log_probabilities(losses: PairLoss, settings: MethodSettings) -> Tensor:
    """ln p of every answer to every query; -ln p of the own answers are the four cross-entropies of a pair.

    The directions: image to text and text to image by global scores, then, with ``local_loss``, by local ones.
    **Shape** (4, B, B), direction by query by answer, or (2, B, B) without ``local_loss``; a pair's own answer stands
    on the diagonal.

    >>> import math
    >>> scores = torch.tensor([[0.0, math.log(3)], [0.0, 0.0]])
    >>> losses = PairLoss(scores, scores, torch.zeros(2), torch.zeros(2))
    >>> log_probabilities(losses, MethodSettings(scale=1.0, local_loss=False)).exp()
    tensor([[[0.2500, 0.7500],
             [0.5000, 0.5000]],
    <BLANKLINE>
            [[0.5000, 0.5000],
             [0.7500, 0.2500]]])
    """
    scores = score_tables(losses, settings)
    return torch.stack([table for one in scores for table in (one, one.T)]).log_softmax(dim=-1)
