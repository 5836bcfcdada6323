"""The objective of the paper and the plain contrastive control, both as one reduction over per-pair values."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from rrsitr_lib.errors import InputError
from rrsitr_lib.objective.pair_loss import pair_loss
from rrsitr_lib.objective.partition import AMBIGUOUS, CLEAN, NOISY, check_thresholds, partition
from rrsitr_lib.objective.robust_triplet import RobustTriplet, robust_triplet
from rrsitr_lib.objective.self_paced import regulariser, weight

PAPER_SCALE = math.exp(2.996)


class Parts(NamedTuple):
    """Which parts of the objective work; all of them are the paper's method (paper, ablation).

    ``local``: the local cross-entropies; ``self_paced``: weights of clean and ambiguous pairs, else 1; ``triplet`` of
    noisy pairs: "dynamic" margins, "fixed" margins, or "off"; ``weight_order``: "easy" pairs count most, or in the
    ablation "hard" ones, by 1 - w, or "random" ones, by draws.
    Taught in: notebooks/06_training_end_to_end
    """

    local: bool = True
    self_paced: bool = True
    triplet: str = "dynamic"
    weight_order: str = "easy"


ALL_PARTS = Parts()


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
    parts: Parts = ALL_PARTS,
    draws: Tensor | None = None,
) -> Objective:
    """Mean of [clean] (wL + R) + lambda_1 [ambiguous] (wL + R) + lambda_2 [noisy] L^rt (paper, objective).

    Clean pairs are weighted by gamma_1, ambiguous ones by gamma_2 (loss units): the weight jumps at gamma_1 (quirk 2).
    ``category`` (B,) replaces the thresholds' partition, for mixtures and quantiles; ``parts`` switches parts off.
    ``draws`` (B,) in [0, 1] are the weights where ``parts.weight_order`` is "random".
    Shape: image, text (B, D); image_tokens (B, Li, D); text_tokens (B, Lt, D), not normalised.
    Raises ``InputError`` for unequal batch sizes, for thresholds out of order and for random weights without draws.

    >>> _ = torch.manual_seed(0)
    >>> result = rrsitr_objective(torch.eye(4), torch.eye(4), torch.eye(4)[:, None], torch.eye(4)[:, None])
    >>> result.category.tolist(), result.weight.tolist()
    ([0, 0, 0, 0], [1.0, 1.0, 1.0, 1.0])

    Taught in: notebooks/06_training_end_to_end
    """
    _check_batch(image, text, image_tokens, text_tokens)
    check_thresholds(gamma_1, gamma_2)  # given categories are weighed by the thresholds too
    losses = pair_loss(image, text, image_tokens, text_tokens, scale, parts.local)
    loss, triplet = losses.total, robust_triplet(losses.similarity, sigma, dynamic=parts.triplet == "dynamic")
    category = partition(loss.detach(), gamma_1, gamma_2) if category is None else category
    if category.shape != loss.shape:
        raise InputError(f"category has shape {tuple(category.shape)}: allowed is {tuple(loss.shape)}")
    gamma = torch.where(category == CLEAN, torch.full_like(loss, gamma_1), gamma_2)
    pace, paced = _paced(loss, gamma, category, parts, draws)
    trade_off = torch.where(category == AMBIGUOUS, torch.full_like(loss, lambda_1), 1.0)
    robust = triplet.loss * (lambda_2 if parts.triplet != "off" else 0.0)
    contribution = torch.where(category == NOISY, robust, trade_off * paced)
    return Objective(
        contribution.mean(), loss, losses.global_loss, losses.local_loss, category, pace, contribution, triplet
    )


def _paced(loss: Tensor, gamma: Tensor, category: Tensor, parts: Parts, draws: Tensor | None) -> tuple[Tensor, Tensor]:
    """Weight and w L + R of every pair; weight 1 and L where pacing is switched off; 0 and R for noisy pairs."""
    if not parts.self_paced:
        pace = (category != NOISY).to(loss.dtype)
        return pace, pace * loss
    pace = torch.where(category == NOISY, 0.0, _ordered(weight(loss, gamma), parts.weight_order, draws))
    return pace, pace * loss + regulariser(pace, gamma)


def _ordered(pace: Tensor, weight_order: str, draws: Tensor | None) -> Tensor:
    """The paper's weights, or those of its ablation; the paper does not say how it turned the order round."""
    if weight_order == "random":
        if draws is None or draws.shape != pace.shape:
            raise InputError(f"weight_order is 'random': draws must be given, of shape {tuple(pace.shape)}")
        return draws.to(pace)
    return 1 - pace if weight_order == "hard" else pace


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
    local: bool = True,
    counted: Tensor | None = None,
) -> Objective:
    """Mean of L_i: the four cross-entropies of every pair with weight 1, the control that the paper lacks.

    Without ``local``, two cross-entropies. ``counted`` (B,) bool gives the others weight 0: with the injected truth
    this is the oracle, which no way of finding mismatched pairs can beat. Categories and margins are computed as RRSITR
    would, for the record only. Shapes and errors as ``rrsitr_objective``.

    >>> contrastive_objective(torch.eye(4), torch.eye(4), torch.eye(4)[:, None], torch.eye(4)[:, None]).weight
    tensor([1., 1., 1., 1.])

    Taught in: notebooks/06_training_end_to_end
    """
    _check_batch(image, text, image_tokens, text_tokens)
    losses = pair_loss(image, text, image_tokens, text_tokens, scale, local)
    loss = losses.total
    category = partition(loss.detach(), gamma_1, gamma_2)
    triplet = robust_triplet(losses.similarity.detach(), sigma)
    pace = torch.ones_like(loss) if counted is None else counted.to(loss.dtype)
    contribution = pace * loss
    return Objective(
        contribution.mean(), loss, losses.global_loss, losses.local_loss, category, pace, contribution, triplet
    )


def _check_batch(*features: Tensor) -> None:
    sizes = [len(feature) for feature in features]
    if len(set(sizes)) != 1:
        raise InputError(f"image, text, image_tokens, text_tokens hold {sizes} pairs: they must be equally many")
