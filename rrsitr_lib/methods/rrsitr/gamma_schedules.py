"""Schedules of the thresholds gamma, as pure functions of progress over the epochs, or from the last losses."""

import math
from collections.abc import Callable

import numpy as np

from rrsitr_lib.errors import InputError

GAMMA_SCHEDULES: dict[str, Callable[[float, float, float], float]] = {
    "constant": lambda progress, start, end: end,
    "linear": lambda progress, start, end: start + (end - start) * progress,
    "cosine": lambda progress, start, end: end + (start - end) * 0.5 * (1 + math.cos(math.pi * progress)),
    "geometric": lambda progress, start, end: start * (end / start) ** progress,
}


def scheduled_gamma(schedule: str, progress: float, start: float, end: float) -> float:
    """The threshold at ``progress`` (0 first epoch, 1 last) on its way from ``start`` to ``end``, both positive.

    Raises ``InputError`` for an unknown schedule and for progress outside [0, 1].

    >>> [scheduled_gamma(name, 0.5, 4.0, 16.0) for name in ("constant", "linear", "cosine", "geometric")]
    [16.0, 10.0, 10.0, 8.0]
    """
    if schedule not in GAMMA_SCHEDULES:
        raise InputError(f"gamma schedule is {schedule!r}: allowed are {', '.join(GAMMA_SCHEDULES)}, quantile")
    if not 0 <= progress <= 1:
        raise InputError(f"progress is {progress}: allowed is 0 (first epoch) to 1 (last)")
    if not (start > 0 and end > 0):
        raise InputError(f"gamma runs from {start} to {end}: allowed are positive numbers")
    return GAMMA_SCHEDULES[schedule](progress, start, end)


def quantile_gammas(losses: np.ndarray, clean_fraction: float, noisy_fraction: float) -> tuple[float, float]:
    """Thresholds that would have called ``clean_fraction`` of the last epoch clean and ``noisy_fraction`` noisy.

    Shape: losses (N,) of the last epoch -> two numbers in the unit of the loss.

    >>> quantile_gammas(np.arange(11.0), clean_fraction=0.5, noisy_fraction=0.2)
    (5.0, 8.0)
    """
    gamma_1, gamma_2 = np.quantile(losses, [clean_fraction, 1 - noisy_fraction])
    return float(gamma_1), float(max(gamma_1, gamma_2))  # fractions that make 1 may cross by the last bit
