"""Self-paced weights: how much a pair counts, given its loss, and the regulariser that makes this the best choice."""

import math

import torch
from torch import Tensor

from rrsitr_lib.errors import InputError


def weight(loss: Tensor, gamma: float | Tensor) -> Tensor:
    """w*(L; gamma) = cos(pi L / (2 gamma)) for L < gamma, else 0: the w in [0, 1] that minimises w L + R(w; gamma).

    Shape: (N,) -> (N,); ``gamma`` in the unit of the loss, positive, one for all or (N,). No gradient flows (quirk 1).
    Raises ``InputError`` for one ``gamma`` that is not positive.

    >>> weight(torch.tensor([0.0, 5.0, 18.0, 20.0]), gamma=18.0)
    tensor([1.0000, 0.9063, 0.0000, 0.0000])
    """
    _check_gamma(gamma)
    loss = loss.detach()
    return torch.where(loss < gamma, torch.cos(math.pi / 2 * loss / gamma).clamp(0, 1), torch.zeros_like(loss))


def regulariser(weight: Tensor, gamma: float | Tensor) -> Tensor:
    """R(w; gamma) = -(2 gamma / pi) (w arccos w - sqrt(1 - w^2)), between 0 (w = 1) and 2 gamma / pi (w = 0).

    Shape: (N,) -> (N,). No gradient flows: R only shifts the reported value (quirk 1).

    >>> regulariser(torch.tensor([0.0, 1.0]), gamma=math.pi / 2)
    tensor([1., -0.])
    """
    _check_gamma(gamma)
    weight = weight.detach()
    return -(2 * gamma / math.pi) * (weight * torch.arccos(weight) - torch.sqrt((1 - weight**2).clamp(min=0)))


def _check_gamma(gamma: float | Tensor) -> None:
    """Of a tensor nothing is asked: the answer would wait for the device, twice a step."""
    if not isinstance(gamma, Tensor) and not gamma > 0:
        raise InputError(f"gamma is {gamma}: allowed is a positive number, in the unit of the loss")
