"""TAL: values of RDE's public code, and its formula as a loop over pairs."""

import math

import oracles
import pytest
import torch
from drawn_batch import SIX, assert_same, built, drawn_batch, ranking

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.tal import Tal, triplet_alignment
from rrsitr_lib.methods.triplet import triplet_loss

# github.com/QinYang79/RDE, commit b3fd396, compute_TAL_per, tau 0.015, margin 0.1, every pair a person of its own
PUBLIC_CODE = [0.0, 0.0, 0.0, 0.0, 0.3771812819, 1.0153030901]


def test_loss_is_that_of_the_public_code():
    similarity = SIX.clone().requires_grad_()
    found = triplet_alignment(similarity, 0.1, 0.015)
    torch.testing.assert_close(found.detach(), torch.tensor(PUBLIC_CODE, dtype=torch.float64), rtol=0, atol=1e-9)
    (gradient,) = torch.autograd.grad(found.sum(), similarity)
    assert gradient.diagonal().tolist() == [0.0, 0.0, 0.0, 0.0, -2.0, -2.0], "as in the public code"


def test_loop_over_pairs_gives_value_and_gradient():
    leaves, batch = drawn_batch()
    found = built(Tal).objective(batch)
    expected = oracles.triplet_alignment(ranking(leaves), 0.1, 0.015)
    assert 0 < int((expected > 0).sum()) < 24, "some hinges are closed"
    assert_same(found.total, expected.mean(), leaves)
    torch.testing.assert_close(found.triplet.loss, expected)
    assert set(found.triplet.margin_text.tolist()) == {0.1} and found.weight.tolist() == [1.0] * 24


def test_a_low_temperature_is_the_hardest_negative():
    hardest = triplet_loss(SIX, torch.full((6,), 0.1, dtype=torch.float64))
    torch.testing.assert_close(triplet_alignment(SIX, 0.1, 1e-6), hardest, rtol=0, atol=1e-5)


def test_the_soft_maximum_bounds_the_hardest_negative_from_above():
    hardest = triplet_loss(SIX, torch.full((6,), 0.9, dtype=torch.float64))
    above = triplet_alignment(SIX, 0.9, 0.2) - hardest
    assert (above > 0).all() and (above <= 2 * 0.2 * math.log(5)).all()


def test_large_similarities_stay_finite():
    """exp(30 / 0.015) is beyond any number; the public code would cut it off."""
    similarity = (30 + SIX.float()).requires_grad_()
    loss = triplet_alignment(similarity, 0.1, 0.015)
    (gradient,) = torch.autograd.grad(loss.sum(), similarity)
    assert torch.isfinite(loss).all() and torch.isfinite(gradient).all()
    torch.testing.assert_close(loss.detach(), torch.tensor(PUBLIC_CODE), rtol=0, atol=1e-4)


@pytest.mark.parametrize("bad", [{"margin": -0.1}, {"temperature": 0}])
def test_bad_settings_are_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        RunConfig.build(method="tal", **bad)
