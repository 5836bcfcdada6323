"""The objective of the paper: three categories of pairs, each with its loss, in one reduction over pairs."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.base import PAPER_SCALE, Objective
from rrsitr_lib.methods.pair_loss import checked_features, pair_loss
from rrsitr_lib.methods.partition import AMBIGUOUS, CLEAN, NOISY, check_thresholds, partition
from rrsitr_lib.methods.rrsitr.robust_triplet import robust_triplet
from rrsitr_lib.methods.rrsitr.self_paced import Pace, regulariser, weight

WeightOrder = Literal["easy", "hard", "random"]
TripletKind = Literal["dynamic", "fixed", "off"]
SMALLEST_GAMMA = 1e-6  # gamma_1 may be 0, and categories that are given may call a pair clean all the same


class Components(NamedTuple):
    """Which parts of the objective work; all of them are the paper's method (paper, ablation).

    ``local``: the local cross-entropies; ``self_paced``: weights of clean and ambiguous pairs, else 1; ``triplet`` of
    noisy pairs: "dynamic" margins, "fixed" margins, or "off"; ``weight_order``: "easy" pairs count most, or in the
    ablation "hard" ones, by 1 - w, or "random" ones, by draws. ``pace``: the self-paced function, by name;
    ``jump``: clean pairs are weighted by gamma_1, else by gamma_2 as ambiguous ones are, and the weight has no jump.
    """

    local: bool = True
    self_paced: bool = True
    triplet: TripletKind = "dynamic"
    weight_order: WeightOrder = "easy"
    pace: Pace = "cosine"
    jump: bool = True


ALL_COMPONENTS = Components()


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
    components: Components = ALL_COMPONENTS,
    draws: Tensor | None = None,
) -> Objective:
    """Mean of [clean] (wL + R) + lambda_1 [ambiguous] (wL + R) + lambda_2 [noisy] L^rt (paper, objective).

    Clean pairs are weighted by gamma_1, ambiguous ones by gamma_2 (loss units): the weight jumps at gamma_1 (quirk 2).
    ``category`` (B,) replaces the thresholds' partition, for mixtures and quantiles; ``components`` switches parts off.
    ``draws`` (B,) in [0, 1] are the weights where ``components.weight_order`` is "random".
    Shape: image, text (B, D); image_tokens (B, Li, D); text_tokens (B, Lt, D), not normalised.
    Raises ``InputError`` for unequal batch sizes, for thresholds out of order and for random weights without draws.

    >>> _ = torch.manual_seed(0)
    >>> result = rrsitr_objective(torch.eye(4), torch.eye(4), torch.eye(4)[:, None], torch.eye(4)[:, None])
    >>> result.category.tolist(), result.weight.tolist()
    ([0, 0, 0, 0], [1.0, 1.0, 1.0, 1.0])
    """
    features = checked_features(image, text, image_tokens, text_tokens)
    check_thresholds(gamma_1, gamma_2)  # given categories are weighed by the thresholds too
    losses = pair_loss(*features, scale, components.local)
    loss, triplet = losses.total, robust_triplet(losses.similarity, sigma, dynamic=components.triplet == "dynamic")
    category = partition(loss.detach(), gamma_1, gamma_2) if category is None else category
    if category.shape != loss.shape:
        raise InputError(f"category has shape {tuple(category.shape)}: allowed is {tuple(loss.shape)}")
    of_clean = max(gamma_1 if components.jump else gamma_2, SMALLEST_GAMMA)
    gamma = torch.where(category == CLEAN, torch.full_like(loss, of_clean), gamma_2)
    sample_weight, paced_loss = _paced(loss, gamma, category, components, draws)
    trade_off = torch.where(category == AMBIGUOUS, torch.full_like(loss, lambda_1), 1.0)
    robust = triplet.loss * (lambda_2 if components.triplet != "off" else 0.0)
    contribution = torch.where(category == NOISY, robust, trade_off * paced_loss)
    return Objective.of(losses, contribution, sample_weight, category, triplet)


def _paced(
    loss: Tensor, gamma: Tensor, category: Tensor, components: Components, draws: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Weight and w L + R of every pair; weight 1 and L where pacing is switched off; 0 and R for noisy pairs."""
    if not components.self_paced:
        sample_weight = (category != NOISY).to(loss.dtype)
        return sample_weight, sample_weight * loss
    ordered = _ordered(weight(loss, gamma, components.pace), components.weight_order, draws)
    sample_weight = torch.where(category == NOISY, 0.0, ordered)
    return sample_weight, sample_weight * loss + regulariser(sample_weight, gamma, components.pace)


def _ordered(sample_weight: Tensor, weight_order: WeightOrder, draws: Tensor | None) -> Tensor:
    """The paper's weights, or those of its ablation; the paper does not say how it turned the order round."""
    if weight_order == "random":
        if draws is None or draws.shape != sample_weight.shape:
            raise InputError(f"weight_order is 'random': draws must be given, of shape {tuple(sample_weight.shape)}")
        return draws.to(sample_weight)
    return 1 - sample_weight if weight_order == "hard" else sample_weight
