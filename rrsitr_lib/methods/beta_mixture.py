"""A mixture of two beta distributions over losses: the bounded, skewed rival of the Gaussian mixture."""

import numpy as np

from rrsitr_lib.methods.partition import min_max_normalised

EDGE = 1e-4  # at 0 and 1 a beta density may be infinite


def beta_mixture_posterior(loss: np.ndarray, iterations: int = 10) -> np.ndarray:
    """Posterior of the lower component of a mixture of two betas over the min-max normalised losses.

    ``iterations`` rounds of expectation and of moment matching, from Beta(1, 2) and Beta(2, 1) in equal shares (BiCro,
    CVPR 2023, as its code). Far out the wider component wins, be it the wrong one: losses below the lower mean or above
    the higher one are judged at least as those at the means. **Shape** (N,) -> (N,) in [0, 1].
    Raises ``InputError`` for losses that are not finite.

    >>> beta_mixture_posterior(np.array([0.0, 0.1, 0.3, 0.2, 9.0, 9.5, 8.0])).round(1).tolist()
    [1.0, 1.0, 1.0, 1.0, 0.1, 0.1, 0.1]
    """
    scaled = min_max_normalised(loss).clip(EDGE, 1 - EDGE)
    shapes, shares = [(1.0, 2.0), (2.0, 1.0)], np.array([0.5, 0.5])
    for _ in range(iterations):
        responsibility = _responsibility(scaled, shapes, shares)
        shapes = [matched_beta(scaled, weight) for weight in responsibility.T]
        shares = responsibility.mean(axis=0)
    low, high = (alpha / (alpha + beta) for alpha, beta in shapes)
    inner = scaled.clip(low, high)
    here, bound = (_responsibility(values, shapes, shares)[:, 0] for values in (scaled, inner))
    return np.where(scaled < inner, np.maximum(here, bound), np.minimum(here, bound))


def matched_beta(values: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """(alpha, beta) of the beta distribution with the weighted mean m and variance v of ``values`` in (0, 1).

    alpha = m (m (1 - m) / v - 1), beta = alpha (1 - m) / m. **Shape** (N,), (N,).

    >>> alpha, beta = matched_beta(np.array([0.25, 0.75]), np.ones(2))
    >>> round(alpha, 6), round(beta, 6)
    (1.5, 1.5)
    """
    mean = float(np.average(values, weights=weight))
    variance = float(np.average((values - mean) ** 2, weights=weight))
    alpha = mean * (mean * (1 - mean) / max(variance, EDGE**2) - 1)  # equal losses have no variance
    return alpha, alpha * (1 - mean) / mean


def _responsibility(scaled: np.ndarray, shapes: list[tuple[float, float]], shares: np.ndarray) -> np.ndarray:
    """Share of every component in the density at every loss, at least a trifle, so that no component dies out."""
    from scipy.special import softmax
    from scipy.stats import beta

    density = [np.log(share) + beta.logpdf(scaled, *shape) for shape, share in zip(shapes, shares, strict=True)]
    posterior: np.ndarray = softmax(np.stack(density, axis=1), axis=1).clip(min=1e-12)
    return posterior
