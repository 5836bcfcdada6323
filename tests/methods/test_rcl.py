"""RCL: values of its public code, and its formula as a loop over pairs."""

import math

import pytest
import torch
from drawn_batch import SIX, assert_same, built, drawn_batch, ranking

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.pair_loss import symmetric_cross_entropy
from rrsitr_lib.methods.rcl import Rcl, complementary_loss

# github.com/penghu-cs/RCL, commit 1096a24, class CCL, tau 0.05: its loss, and the sum of its gradient's magnitudes
PUBLIC_CODE = {"log": (1.7472270150, 19.5859373137), "tan": (0.8372723668, 4.3010704947)}


@pytest.mark.parametrize("kind", PUBLIC_CODE)
def test_loss_and_gradient_are_those_of_the_public_code(kind):
    similarity = SIX.clone().requires_grad_()
    loss = (complementary_loss(similarity, 0.05, kind) + complementary_loss(similarity.T, 0.05, kind)).mean()
    (gradient,) = torch.autograd.grad(loss, similarity)
    assert (float(loss.detach()), float(gradient.abs().sum())) == pytest.approx(PUBLIC_CODE[kind], abs=1e-7)


def by_the_loop(similarity, settings):
    """Mean over pairs of what every negative costs, both ways."""
    size, total = len(similarity), 0
    cost = {"log": lambda p: -torch.log(1 - p), "tan": torch.tan}[settings.kind]
    for i in range(size):
        for row in (similarity[i], similarity[:, i]):
            powers = torch.exp(row / settings.temperature)
            total = total + sum(cost(powers[j] / powers.sum()) for j in range(size) if j != i)
    return total / size


@pytest.mark.parametrize("kind", PUBLIC_CODE)
def test_loop_over_pairs_gives_value_and_gradient(kind):
    leaves, batch = drawn_batch()
    method = built(Rcl, kind=kind)
    found = method.objective(batch)
    assert_same(found.total, by_the_loop(ranking(leaves), method.settings), leaves, rtol=1e-6)
    assert found.weight.tolist() == [1.0] * 24 and found.contribution.shape == (24,)


def test_equal_similarities_cost_what_the_formula_says():
    equal = torch.zeros(5, 5)
    assert float(complementary_loss(equal, 0.05, "log")[0]) == pytest.approx(-4 * math.log(0.8))
    assert float(complementary_loss(equal, 0.05, "tan")[0]) == pytest.approx(4 * math.tan(0.2))


@pytest.mark.parametrize("kind", PUBLIC_CODE)
def test_a_pair_without_probability_is_hardly_pulled(kind):
    similarity = (1 - torch.eye(4, dtype=torch.float64)).requires_grad_()  # all others are nearer
    for loss, least, most in (
        (complementary_loss(similarity, 0.1, kind).sum(), 0, 1e-3),
        (symmetric_cross_entropy(similarity / 0.1).sum(), 9.9, 20),
    ):
        (gradient,) = torch.autograd.grad(loss, similarity)
        assert (gradient.diagonal() <= 0).all() and least <= float(gradient.diagonal().abs().max()) <= most


@pytest.mark.parametrize("kind", PUBLIC_CODE)
def test_a_negative_that_takes_all_the_probability_costs_a_finite_amount(kind):
    similarity = torch.tensor([[-1.0, 1.0], [0.0, 1.0]]).requires_grad_()
    loss = complementary_loss(similarity, 0.001, kind)
    (gradient,) = torch.autograd.grad(loss.sum(), similarity)
    assert torch.isfinite(loss).all() and torch.isfinite(gradient).all() and loss[0] > 1


@pytest.mark.parametrize("bad", [{"temperature": 0.0}, {"temperature": -1.0}, {"kind": "abs"}])
def test_bad_settings_are_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        RunConfig.build(method="rcl", **bad)
