"""Three categories: borders of the thresholds, shares of the quantiles, clusters of the mixtures, invariances."""

import math

import numpy as np
import pytest
import torch

from rrsitr_lib.methods.partition import mixture_partition, partition, quantile_partition

RANDOM = np.random.default_rng(0)
TWO = np.concatenate([RANDOM.normal(2, 0.3, 300), RANDOM.normal(15, 1, 200)])
THREE = np.concatenate([RANDOM.normal(1, 0.3, 300), RANDOM.normal(10, 0.5, 200), RANDOM.normal(30, 1, 100)])

METHODS = {
    "threshold": lambda loss: partition(torch.from_numpy(loss), 5, 18).numpy(),
    "quantile": lambda loss: quantile_partition(loss, 0.5, 0.3),
    "gmm2": lambda loss: mixture_partition(loss, 2),
    "gmm3": lambda loss: mixture_partition(loss, 3),
}


@pytest.mark.parametrize(("dtype", "step"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
def test_borders_belong_to_the_higher_category(dtype, step):
    loss = torch.tensor([0, 5 - 5 * step, 5, 18 - 18 * step, 18, math.inf], dtype=dtype)
    found = partition(loss, 5, 18)
    assert found.tolist() == [0, 0, 1, 1, 2, 2] and found.dtype == torch.int64
    assert partition(loss, 5, 5).tolist() == [0, 0, 2, 2, 2, 2], "equal thresholds leave nothing ambiguous"


@pytest.mark.parametrize("rows", [10, 100, 1000])
@pytest.mark.parametrize(("clean", "noisy"), [(0.5, 0.3), (0, 0), (1, 0), (0, 1), (0.2, 0.8), (0.7, 0.1)])
def test_quantiles_give_their_shares(rows, clean, noisy):
    loss = np.random.default_rng(rows).permutation(rows) * 0.1
    found = quantile_partition(loss, clean, noisy)
    counts = np.bincount(found, minlength=3)
    ends = round(rows * clean), round(rows * noisy)
    assert counts.tolist() == [ends[0], rows - sum(ends), ends[1]]
    assert (np.diff(found[np.argsort(loss)]) >= 0).all(), "a higher loss is never a cleaner category"


def test_equal_losses_fall_on_one_side():
    found = quantile_partition(np.array([1.0, 2, 2, 2, 2, 2, 2, 2, 2, 3]), 0.5, 0.2)
    assert len(set(found[1:9])) == 1


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e4])
def test_mixture_of_two_clusters(scale):
    expected = np.repeat([0, 2], [300, 200])
    assert (mixture_partition(TWO * scale, 2) == expected).all()


def test_mixture_of_three_clusters():
    found = mixture_partition(THREE, 3)
    assert (found == np.repeat([0, 1, 2], [300, 200, 100])).mean() > 0.99


def test_higher_demand_on_the_posterior_calls_fewer_clean():
    blurred = np.concatenate([RANDOM.normal(4, 2, 300), RANDOM.normal(9, 2, 300)])
    clean = [int((mixture_partition(blurred, 2, clean_above=above) == 0).sum()) for above in (0.1, 0.5, 0.9, 0.99)]
    assert clean == sorted(clean, reverse=True) and clean[0] > clean[-1]


@pytest.mark.parametrize(
    ("name", "loss"), [("threshold", THREE), ("quantile", THREE), ("gmm2", TWO), ("gmm3", THREE)], ids=METHODS
)
def test_order_of_the_pairs_does_not_matter(name, loss):
    order, found = np.random.default_rng(1).permutation(len(loss)), METHODS[name](loss)
    assert (METHODS[name](loss[order]) == found[order]).mean() > (0.99 if name == "gmm3" else 0.9999)
    assert (METHODS[name](loss) == found).all(), "the same losses give the same categories"


@pytest.mark.parametrize("name", ["gmm2", "gmm3"])
def test_unit_of_the_loss_does_not_matter(name):
    assert (METHODS[name](THREE * 7 + 3) == METHODS[name](THREE)).all()


@pytest.mark.parametrize("components", [2, 3])
def test_equal_losses_in_a_mixture_are_one_category(components):
    assert len(set(mixture_partition(np.full(20, 7.0), components))) == 1
