"""Three categories, clean, ambiguous, noisy: by two thresholds (the paper), quantiles, mixtures, or two judges."""

import warnings
from typing import Any

import numpy as np
from torch import Tensor

from rrsitr_lib.errors import InputError

CLEAN, AMBIGUOUS, NOISY = 0, 1, 2
CATEGORY_NAMES = ("clean", "ambiguous", "noisy")


def partition(loss: Tensor, gamma_1: float, gamma_2: float) -> Tensor:
    """0 clean: L < gamma_1; 1 ambiguous: gamma_1 <= L < gamma_2; 2 noisy: L >= gamma_2 (paper, three categories).

    The thresholds are in the unit of the loss. Shape: (N,) -> (N,) int64.
    Raises ``InputError`` unless 0 <= gamma_1 <= gamma_2.

    >>> import torch
    >>> partition(torch.tensor([0.0, 5.0, 17.9, 18.0]), gamma_1=5, gamma_2=18)
    tensor([0, 1, 1, 2])
    """
    check_thresholds(gamma_1, gamma_2)
    return (loss >= gamma_1).long() + (loss >= gamma_2).long()


def check_thresholds(gamma_1: float, gamma_2: float) -> None:
    """Raises ``InputError`` unless 0 <= gamma_1 <= gamma_2."""
    if not 0 <= gamma_1 <= gamma_2:
        raise InputError(f"gamma_1 is {gamma_1} and gamma_2 is {gamma_2}: allowed is 0 <= gamma_1 <= gamma_2")


def quantile_partition(loss: np.ndarray, clean_fraction: float, noisy_fraction: float) -> np.ndarray:
    """The lowest ``clean_fraction`` of the losses is clean, the highest ``noisy_fraction`` noisy; fractions in [0, 1].

    Shape: (N,) -> (N,) int64. Equal losses fall on the same side.

    >>> quantile_partition(np.arange(10.0), clean_fraction=0.5, noisy_fraction=0.2).tolist()
    [0, 0, 0, 0, 0, 1, 1, 1, 2, 2]
    """
    if not (0 <= clean_fraction <= 1 and 0 <= noisy_fraction <= 1 and clean_fraction + noisy_fraction <= 1):
        given = f"clean_fraction {clean_fraction} and noisy_fraction {noisy_fraction}"
        raise InputError(f"{given}: allowed are two fractions of at most 1 together")
    order = np.sort(_finite(loss))
    first_other = order[min(round(len(order) * clean_fraction), len(order) - 1)] if clean_fraction < 1 else np.inf
    first_noisy = order[round(len(order) * (1 - noisy_fraction))] if round(len(order) * noisy_fraction) else np.inf
    return (loss >= first_other).astype(np.int64) + (loss >= max(first_other, first_noisy)).astype(np.int64)


def mixture_partition(loss: np.ndarray, components: int = 3, clean_above: float = 0.5, seed: int = 0) -> np.ndarray:
    """Sort the pairs by a Gaussian mixture of their losses.

    Two components: a pair is clean when the lower one has a posterior of at least ``clean_above`` (0 to 1), else noisy.
    Three: the most probable component. Shape: (N,) -> (N,) int64. Errors as ``mixture_posterior``.

    >>> mixture_partition(np.array([0.0, 0.1, 0.2, 9.0, 9.1]), components=2).tolist()
    [0, 0, 0, 2, 2]
    """
    posterior = mixture_posterior(loss, components, seed)
    if components == 2:
        return np.where(posterior[:, 0] >= clean_above, CLEAN, NOISY)
    return posterior.argmax(axis=1)


def mixture_posterior(loss: np.ndarray, components: int, seed: int) -> np.ndarray:
    """Posterior of every component of a Gaussian mixture fitted to the min-max normalised losses, lowest mean first.

    Shape: (N,) -> (N, components), in double precision. Source: NCR (NeurIPS 2021), its settings. Raises ``InputError``
    for another number of components than 2 or 3, fewer losses than that, and losses that are not finite.
    """
    from sklearn.mixture import GaussianMixture

    if components not in (2, 3) or len(loss) < components:
        raise InputError(
            f"{components} components for {len(loss)} losses: allowed are 2 or 3, and at least as many losses"
        )
    scaled = min_max_normalised(loss.astype(np.float64))[:, None]
    mixture = GaussianMixture(components, max_iter=10, tol=1e-2, reg_covar=5e-4, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ten iterations (NCR's choice) seldom converge, and sklearn says so each time
        return mixture.fit(scaled).predict_proba(scaled)[:, np.argsort(mixture.means_.ravel())]


def clean_posterior(loss: np.ndarray, seed: int) -> np.ndarray:
    """How probably a pair is clean: posterior of the lower one of two Gaussians.

    **Shape** (N,) -> (N,) in [0, 1]. Errors as ``mixture_posterior``.

    >>> clean_posterior(np.array([0.0, 0.1, 0.2, 9.0, 9.1]), seed=0).round(3).tolist()
    [1.0, 1.0, 1.0, 0.0, 0.0]
    """
    return mixture_posterior(loss, components=2, seed=seed)[:, 0]


def consensus_division(clean: Any) -> Any:
    """Clean where both judges say so, noisy where neither does, ambiguous where they differ (RDE, CVPR 2024, CCD).

    **Shape** (2, N) bool, array or tensor -> (N,) int64.

    >>> consensus_division(np.array([[True, True, False], [True, False, False]])).tolist()
    [0, 1, 2]
    """
    return NOISY - clean.sum(0)  # a category for every number of voices


def min_max_normalised(loss: np.ndarray) -> np.ndarray:
    """(L - min) / (max - min): 0 to 1; 0 where all are equal. Raises ``InputError`` for losses that are not finite.

    >>> min_max_normalised(np.array([1.0, 2.0, 5.0])).tolist()
    [0.0, 0.25, 1.0]
    """
    low, high = _finite(loss).min(), loss.max()
    return (loss - low) / max(high - low, np.finfo(float).tiny)


def _finite(loss: np.ndarray) -> np.ndarray:
    if len(loss) == 0 or not np.isfinite(loss).all():
        raise InputError(
            f"{np.count_nonzero(~np.isfinite(loss))} of {len(loss)} losses are not finite: a partition needs all"
        )
    return loss
