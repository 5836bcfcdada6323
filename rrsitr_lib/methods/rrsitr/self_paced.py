"""Self-paced weights: how much a pair counts, given its loss, and the regulariser that makes this the best choice.

The paper's is the cosine. Beside it stand seven of the self-paced learning literature, as settings of ``pace``: hard
(Kumar et al., NeurIPS 2010), linear, logarithmic, mixture (Jiang et al., ACM MM 2014), polynomial (Gong et al., IEEE
TEVC 2019), logistic (Xu et al., IJCAI 2015), exponential. Each w minimises w L + R(w; gamma) over [0, 1]; they differ
in how a pair fades as its loss grows. At gamma all but two are zero: logistic is then about a half and exponential 1/e,
and no loss makes them zero. In RRSITR a noisy pair has weight zero by its category, whatever the pace.
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from rrsitr_lib.errors import InputError

Pace = Literal["cosine", "hard", "linear", "logarithmic", "polynomial", "mixture", "logistic", "exponential"]
Curve = Callable[[Tensor, float | Tensor], Tensor]
ZETA = 0.1  # logarithmic: one less its own gamma, 0.9, to which the losses are scaled
POWER = 3  # polynomial: t
FULL_UNTIL = 0.5  # mixture: full weight up to this share of gamma
ODDS = FULL_UNTIL / (1 - FULL_UNTIL)  # mixture: zeta / gamma, with zeta = g1 g2 / (g1 - g2), g1 = gamma, g2 its share


class SelfPaced(NamedTuple):
    """``weight(loss, gamma)``, not yet cut to [0, 1], and ``regulariser(weight, gamma)``, 0 at weight 1."""

    weight: Curve
    regulariser: Curve


def _entropies(weight: Tensor, lack: Tensor, gamma: float | Tensor) -> Tensor:
    """Logistic: w ln w + l ln l + gamma l, with l = 1 + e^-gamma - w what the weight lacks."""
    return torch.xlogy(weight, weight) + torch.xlogy(lack, lack) + gamma * lack


SELF_PACED: dict[Pace, SelfPaced] = {
    "hard": SelfPaced(lambda loss, gamma: (loss < gamma).to(loss.dtype), lambda w, gamma: gamma * (1 - w)),
    "linear": SelfPaced(lambda loss, gamma: 1 - loss / gamma, lambda w, gamma: gamma * (1 - w) ** 2 / 2),
    "logarithmic": SelfPaced(
        lambda loss, gamma: torch.log(loss * (1 - ZETA) / gamma + ZETA) / math.log(ZETA),
        lambda w, gamma: gamma / (1 - ZETA) * ((ZETA - ZETA**w) / math.log(ZETA) - ZETA * (1 - w)),
    ),
    "polynomial": SelfPaced(
        lambda loss, gamma: (1 - loss / gamma).clamp(min=0) ** (1 / (POWER - 1)),
        lambda w, gamma: gamma * ((w**POWER - 1) / POWER + 1 - w),
    ),
    "mixture": SelfPaced(
        lambda loss, gamma: torch.where(loss <= FULL_UNTIL * gamma, 1.0, ODDS * (gamma / loss - 1)),
        lambda w, gamma: gamma * ODDS * torch.log((1 + ODDS) / (w + ODDS)),
    ),
    "logistic": SelfPaced(
        lambda loss, gamma: torch.sigmoid(gamma - loss) / torch.sigmoid(gamma - torch.zeros_like(loss)),
        lambda w, gamma: _entropies(w, 1 - w + torch.exp(torch.zeros_like(w) - gamma), gamma),
    ),
    "exponential": SelfPaced(
        lambda loss, gamma: torch.exp(-loss / gamma), lambda w, gamma: gamma * (torch.xlogy(w, w) + 1 - w)
    ),
    "cosine": SelfPaced(
        lambda loss, gamma: torch.where(loss < gamma, torch.cos(math.pi / 2 * loss / gamma).clamp(0, 1), 0.0),
        lambda w, gamma: -(2 * gamma / math.pi) * (w * torch.arccos(w) - torch.sqrt((1 - w**2).clamp(min=0))),
    ),
}


def weight(loss: Tensor, gamma: float | Tensor, pace: Pace = "cosine") -> Tensor:
    """w*(L; gamma), the w in [0, 1] that minimises w L + R(w; gamma); the paper's is cos(pi L / (2 gamma)) up to gamma.

    By ``pace``: hard [L < gamma]; linear 1 - L / gamma; logarithmic ln(0.9 L / gamma + 0.1) / ln 0.1; polynomial
    (1 - L / gamma)^(1/2); mixture gamma / L - 1; logistic (1 + e^-gamma) / (1 + e^(L - gamma)); exponential
    e^(-L / gamma); each cut to [0, 1].
    Shape: (N,) -> (N,); ``gamma`` in the unit of the loss, positive, one for all or (N,). No gradient flows (quirk 1).
    Raises ``InputError`` for an unknown pace, and for one ``gamma`` that is not positive.

    >>> weight(torch.tensor([0.0, 5.0, 18.0, 20.0]), gamma=18.0)
    tensor([1.0000, 0.9063, 0.0000, 0.0000])
    >>> weight(torch.tensor([0.0, 4.5, 18.0, 20.0]), gamma=18.0, pace="linear")
    tensor([1.0000, 0.7500, 0.0000, 0.0000])
    """
    return _checked(pace, gamma).weight(loss.detach(), gamma).clamp(0, 1)


def regulariser(weight: Tensor, gamma: float | Tensor, pace: Pace = "cosine") -> Tensor:
    """R(w; gamma) of the paper: -(2 gamma / pi) (w arccos w - sqrt(1 - w^2)), from 0 (w = 1) to 2 gamma / pi (w = 0).

    Of every ``pace`` R(1) = 0, so that w L + R at the best w is the area under the weight, from loss 0 to L.
    Shape: (N,) -> (N,). No gradient flows: R only shifts the reported value (quirk 1). Errors as ``weight``.

    >>> regulariser(torch.tensor([0.0, 1.0]), gamma=math.pi / 2)
    tensor([1., -0.])
    """
    return _checked(pace, gamma).regulariser(weight.detach(), gamma)


def _checked(pace: Pace, gamma: float | Tensor) -> SelfPaced:
    """Of a tensor nothing is asked: the answer would wait for the device, twice a step."""
    if pace not in SELF_PACED:
        raise InputError(f"pace is {pace!r}: allowed are {', '.join(SELF_PACED)}")
    if not isinstance(gamma, Tensor) and not gamma > 0:
        raise InputError(f"gamma is {gamma}: allowed is a positive number, in the unit of the loss")
    return SELF_PACED[pace]
