"""The objective of the paper and the plain contrastive control, both as one reduction over per-pair values."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from rrsitr_lib.errors import InputError
from rrsitr_lib.objective.pair_loss import pair_loss
from rrsitr_lib.objective.partition import AMBIGUOUS, CLEAN, NOISY, partition
from rrsitr_lib.objective.robust_triplet import RobustTriplet, robust_triplet
from rrsitr_lib.objective.self_paced import regulariser, weight

PAPER_SCALE = math.exp(2.996)


@dataclass(frozen=True)
class Objective:
    """A batch under an objective: the scalar to minimise and, per pair, how it came about.

    Shape: ``total`` scalar; all else (B,). ``weight`` in [0, 1] is the share with which the pair's cross-entropies
    count (0 for noisy pairs, before lambda); ``contribution`` is what is averaged to ``total``.
    """

    total: Tensor
    pair_loss: Tensor
    global_loss: Tensor
    local_loss: Tensor
    category: Tensor
    weight: Tensor
    contribution: Tensor
    triplet: RobustTriplet


def rrsitr_objective(
    image: Tensor,
    text: Tensor,
    image_tokens: Tensor,
    text_tokens: Tensor,
    *,
    gamma_1: float = 5,
    gamma_2: float = 18,
    lambda_1: float = 0.8,
    lambda_2: float = 0.9,
    sigma: float = 0.6,
    scale: float = PAPER_SCALE,
    category: Tensor | None = None,
) -> Objective:
    """Mean of [clean] (wL + R) + lambda_1 [ambiguous] (wL + R) + lambda_2 [noisy] L^rt (paper, objective).

    Clean pairs are weighted by gamma_1, ambiguous ones by gamma_2 (loss units): the weight jumps at gamma_1 (quirk 2).
    ``category`` (B,) replaces the thresholds' partition, for mixtures and quantiles.
    Shape: image, text (B, D); image_tokens (B, Li, D); text_tokens (B, Lt, D), not normalised.
    Raises ``InputError`` for unequal batch sizes and for thresholds out of order.

    >>> _ = torch.manual_seed(0)
    >>> result = rrsitr_objective(torch.eye(4), torch.eye(4), torch.eye(4)[:, None], torch.eye(4)[:, None])
    >>> result.category.tolist(), result.weight.tolist()
    ([0, 0, 0, 0], [1.0, 1.0, 1.0, 1.0])

    Taught in: notebooks/06_training_end_to_end
    """
    _check_batch(image, text, image_tokens, text_tokens)
    losses = pair_loss(image, text, image_tokens, text_tokens, scale)
    loss, triplet = losses.total, robust_triplet(losses.similarity, sigma)
    by_thresholds = partition(loss.detach(), gamma_1, gamma_2)
    category = by_thresholds if category is None else category
    if category.shape != loss.shape:
        raise InputError(f"category has shape {tuple(category.shape)}: allowed is {tuple(loss.shape)}")
    gamma = torch.where(category == CLEAN, torch.full_like(loss, gamma_1), gamma_2)
    pace = torch.where(category == NOISY, 0.0, weight(loss, gamma))
    paced = pace * loss + regulariser(pace, gamma)
    trade_off = torch.where(category == AMBIGUOUS, torch.full_like(loss, lambda_1), 1.0)
    contribution = torch.where(category == NOISY, lambda_2 * triplet.loss, trade_off * paced)
    return Objective(
        contribution.mean(), loss, losses.global_loss, losses.local_loss, category, pace, contribution, triplet
    )


def contrastive_objective(
    image: Tensor,
    text: Tensor,
    image_tokens: Tensor,
    text_tokens: Tensor,
    *,
    gamma_1: float = 5,
    gamma_2: float = 18,
    sigma: float = 0.6,
    scale: float = PAPER_SCALE,
) -> Objective:
    """Mean of L_i: the four cross-entropies of every pair with weight 1, the control that the paper lacks.

    Categories and margins are computed as RRSITR would, for the record only. Shapes and errors as ``rrsitr_objective``.

    >>> contrastive_objective(torch.eye(4), torch.eye(4), torch.eye(4)[:, None], torch.eye(4)[:, None]).weight
    tensor([1., 1., 1., 1.])

    Taught in: notebooks/06_training_end_to_end
    """
    _check_batch(image, text, image_tokens, text_tokens)
    losses = pair_loss(image, text, image_tokens, text_tokens, scale)
    loss = losses.total
    category = partition(loss.detach(), gamma_1, gamma_2)
    triplet = robust_triplet(losses.similarity.detach(), sigma)
    return Objective(
        loss.mean(), loss, losses.global_loss, losses.local_loss, category, torch.ones_like(loss), loss, triplet
    )


def _check_batch(*features: Tensor) -> None:
    sizes = [len(feature) for feature in features]
    if len(set(sizes)) != 1:
        raise InputError(f"image, text, image_tokens, text_tokens hold {sizes} pairs: they must be equally many")
