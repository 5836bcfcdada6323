"""The beta mixture: posteriors of BiCro's public code, its rounds written out, and losses that leave it nothing."""

import math

import numpy as np
import pytest
from scipy import stats

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.beta_mixture import beta_mixture_posterior, matched_beta

LOSS = np.concatenate([np.random.RandomState(0).gamma(2, 0.05, 14), 0.4 + np.random.RandomState(1).gamma(4, 0.1, 10)])
# github.com/xu5zhao/BiCro at 0231631, class BetaMixture1D; left out are the smallest and the largest loss, where it
# takes densities at 0 and 1: NaN and 0
GOLDEN = [
    0.8513705698, 0.8806618071, 0.847383868, 0.883886183, 0.8842215084, 0.8805558389, 0.8761444272, 0.8829934559,
    0.8802088965, 0.8813042023, 0.8602740731, 0.8845963633, None, 0.8776805442, 0.0026302609, 0.6230194464,
    0.6097280858, 0.6816577231, None, 0.6445611194, 0.0196477618, 0.752332682, 0.1049135585, 0.6844317732,
]  # fmt: skip


def log_density(x, share, alpha, beta):
    """Of a share of Beta(alpha, beta) at x in (0, 1)."""
    log = math.lgamma(alpha + beta) - math.lgamma(alpha) - math.lgamma(beta) + math.log(share)
    return log + (alpha - 1) * math.log(x) + (beta - 1) * math.log(1 - x)


def posterior(x, parts):
    """Of the first of two (share, alpha, beta) at x."""
    first, second = (log_density(x, *part) for part in parts)
    return 1 / (1 + math.exp(second - first))


def by_the_loop(loss, rounds):
    """Posterior of the lower component, loss by loss: as the mixture says, and bounded by those at the two means."""
    values = [min(max((one - min(loss)) / (max(loss) - min(loss)), 1e-4), 1 - 1e-4) for one in loss]
    parts = [(0.5, 1.0, 2.0), (0.5, 2.0, 1.0)]
    for _ in range(rounds):
        lower = [posterior(x, parts) for x in values]
        parts = []
        for weights in (lower, [1 - p for p in lower]):
            m = sum(w * x for w, x in zip(weights, values, strict=True)) / sum(weights)
            v = sum(w * (x - m) ** 2 for w, x in zip(weights, values, strict=True)) / sum(weights)
            alpha = m * (m * (1 - m) / v - 1)
            parts.append((sum(weights) / len(values), alpha, alpha * (1 - m) / m))
    plain, (low, high) = [posterior(x, parts) for x in values], (a / (a + b) for _, a, b in parts)
    bounded = [
        max(p, posterior(low, parts)) if x < low else min(p, posterior(high, parts)) if x > high else p
        for x, p in zip(values, plain, strict=True)
    ]
    return plain, bounded


def test_posteriors_are_those_of_the_public_code():
    inside = [row for row, value in enumerate(GOLDEN) if value is not None]
    found = beta_mixture_posterior(LOSS)[inside]
    np.testing.assert_allclose(found, [GOLDEN[row] for row in inside], rtol=0, atol=1e-9)


@pytest.mark.parametrize("rounds", [0, 1, 10])
def test_rounds_written_out(rounds):
    found = beta_mixture_posterior(LOSS, rounds)
    np.testing.assert_allclose(found, by_the_loop(LOSS.tolist(), rounds)[1], rtol=1e-9)


def test_moments_are_matched():
    values, weight = LOSS / 2, np.linspace(0.1, 1, len(LOSS))
    mean = np.average(values, weights=weight)
    expected = mean, np.average((values - mean) ** 2, weights=weight)
    np.testing.assert_allclose(stats.beta.stats(*matched_beta(values, weight)), expected, rtol=1e-9)


def test_two_kinds_of_losses_are_told_apart():
    random = np.random.default_rng(0)
    found = beta_mixture_posterior(np.concatenate([random.normal(2, 0.3, 300), random.normal(15, 1, 200)]))
    assert ((found > 0.5) == np.repeat([True, False], [300, 200])).all()


def test_smallest_and_largest_loss_are_judged_and_equal_losses_too():
    found = beta_mixture_posterior(LOSS)
    assert np.isfinite(found).all() and found[LOSS.argmin()] > 0.5 > found[LOSS.argmax()]
    equal = beta_mixture_posterior(np.full(5, 3.0))
    assert np.isfinite(equal).all() and (equal > 0.5).all()


def test_losses_beyond_the_means_are_not_judged_the_other_way_round():
    """Of the mixture alone the largest of these losses is the lower component's, which is the wider one."""
    few = np.array([0.0, 0.1, 0.3, 0.2, 9.0, 9.5, 8.0])
    assert by_the_loop(few.tolist(), 10)[0][5] > 0.99 and beta_mixture_posterior(few)[5] < 0.1


def test_losses_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match="1 of 2 losses are not finite"):
        beta_mixture_posterior(np.array([0.0, np.nan]))
