"""Self-paced functions beside the paper's: each a weight and the regulariser of which it is the best choice.

All minimise w L + R(w; gamma) over w in [0, 1]; they differ in how a pair fades between loss 0 and gamma.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rrsitr_lib.errors import InputError

ZETA, POWER, FULL_UNTIL = 0.1, 3, 0.5  # logarithmic: 1 - its own gamma; polynomial: t; mixture: full weight up to here
Curve = Callable[[np.ndarray, float], np.ndarray]


class SelfPaced(NamedTuple):
    """``weight(loss, gamma)`` and ``regulariser(weight, gamma)``, both (N,) -> (N,); R is known up to a constant."""

    weight: Curve
    regulariser: Curve


def _mixture(gamma: float) -> float:
    """zeta = g1 g2 / (g1 - g2), with g1 = gamma and g2 = gamma / 2."""
    return gamma * FULL_UNTIL / (1 - FULL_UNTIL)


def _entropy(values: np.ndarray) -> np.ndarray:
    """x ln x, with its limit 0 at 0."""
    return np.where(values > 0, values * np.log(np.where(values > 0, values, 1.0)), 0.0)


SELF_PACED: dict[str, SelfPaced] = {
    "hard": SelfPaced(lambda L, g: np.where(g > L, 1.0, 0.0), lambda w, g: -g * w),
    "linear": SelfPaced(lambda L, g: 1 - L / g, lambda w, g: g * (w**2 / 2 - w)),
    "logarithmic": SelfPaced(
        lambda L, g: np.log(L * (1 - ZETA) / g + ZETA) / np.log(ZETA),
        lambda w, g: g / (1 - ZETA) * (ZETA * w - ZETA**w / np.log(ZETA)),
    ),
    "polynomial": SelfPaced(
        lambda L, g: np.clip(1 - L / g, 0, 1) ** (1 / (POWER - 1)), lambda w, g: g * (w**POWER / POWER - w)
    ),
    "mixture": SelfPaced(
        lambda L, g: _mixture(g) / np.maximum(L, 1e-12) - _mixture(g) / g,
        lambda w, g: -_mixture(g) * np.log(w + _mixture(g) / g),
    ),
    "logistic": SelfPaced(
        lambda L, g: (1 + np.exp(-g)) / (1 + np.exp(np.minimum(L - g, 700))),
        lambda w, g: -g * w + _entropy(1 + np.exp(-g) - w) + _entropy(w),
    ),
    "exponential": SelfPaced(lambda L, g: np.exp(-L / g), lambda w, g: g * (_entropy(w) - w)),
    "cosine": SelfPaced(
        lambda L, g: np.where(g > L, np.cos(np.pi / 2 * np.minimum(L / g, 1)), 0.0),
        lambda w, g: -(2 * g / np.pi) * (w * np.arccos(w) - np.sqrt(1 - w**2)),
    ),
}


def self_paced_weight(kind: str, loss: np.ndarray, gamma: float) -> np.ndarray:
    """Weight in [0, 1] by the self-paced function ``kind``; "cosine" is the paper's.

    **Shape** loss (N,), at least 0, in the unit of ``gamma`` -> (N,). Source: the self-paced learning literature.
    Raises ``InputError`` for an unknown kind and a gamma that is not positive.

    >>> self_paced_weight("linear", np.array([0.0, 2.5, 9.0]), gamma=5.0)
    array([1. , 0.5, 0. ])
    """
    if kind not in SELF_PACED:
        raise InputError(f"self-paced function is {kind!r}: allowed are {', '.join(SELF_PACED)}")
    if not gamma > 0:
        raise InputError(f"gamma is {gamma}: allowed is a positive number, in the unit of the loss")
    return np.clip(SELF_PACED[kind].weight(np.asarray(loss, dtype=float), gamma), 0, 1)
