"""Monotone: RRSITR with one gamma for clean and ambiguous pairs, as a loop over pairs; its weight never rises."""

import pytest
import torch
from drawn_batch import assert_same, built, drawn_batch
from oracles import objective

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.methods import METHODS
from rrsitr_lib.methods.monotone import Monotone, MonotoneSettings
from rrsitr_lib.methods.rrsitr import Rrsitr, RrsitrSettings


def evaluated(method, **settings):
    """The leaves of a batch, and the objective of a method of these settings."""
    leaves, batch = drawn_batch()
    of_settings = built(method, **settings)
    of_settings.begin_epoch(0, None)
    return leaves, of_settings.objective(batch)


@pytest.mark.parametrize("settings", [{}, {"gamma_1": 9.0, "gamma_2": 14.0, "lambda_1": 0.3}], ids=["paper", "other"])
def test_loop_over_pairs_gives_value_and_gradient(settings):
    leaves, found = evaluated(Monotone, **settings)
    expected, losses, counts = objective(*leaves, jump=False, **settings)
    assert torch.bincount(found.category, minlength=3).tolist() == counts and min(counts) > 0
    torch.testing.assert_close(found.pair_loss, losses, rtol=1e-9, atol=1e-12)
    assert_same(found.total, expected, leaves)


def share_of_gradient(found, leaves, pair):
    """How much of one pair's cross-entropies the objective passes on, its effective weight."""
    (plain,) = torch.autograd.grad(found.pair_loss[pair], leaves[0], retain_graph=True)
    (paced,) = torch.autograd.grad(found.contribution[pair], leaves[0], retain_graph=True)
    return float((paced * plain).sum() / (plain * plain).sum())


@pytest.mark.parametrize("lambda_1", [0.0, 0.8, 1.0])
def test_what_a_pair_counts_never_rises_with_its_loss(lambda_1):
    """RRSITR's rises in the same batch, at gamma_1, unless ambiguous pairs count nothing."""
    for method, rises in ((Monotone, False), (Rrsitr, lambda_1 > 0)):
        leaves, found = evaluated(method, lambda_1=lambda_1)
        order = [pair for pair in found.pair_loss.argsort().tolist() if found.category[pair] < 2]
        shares = torch.tensor([share_of_gradient(found, leaves, pair) for pair in order])
        assert (found.category == 0).any() and (found.category == 1).any()
        assert bool((shares.diff() > 1e-6).any()) == rises


def test_one_cosine_whatever_the_category():
    _, found = evaluated(Monotone)
    expected = torch.cos(torch.pi / 36 * found.pair_loss.detach()) * (found.pair_loss < 18)
    torch.testing.assert_close(found.weight, expected)
    _, jumping = evaluated(Rrsitr)
    ambiguous = found.category == 1
    torch.testing.assert_close(found.weight[ambiguous], jumping.weight[ambiguous])
    assert (found.weight[~ambiguous] >= jumping.weight[~ambiguous]).all()


@pytest.mark.parametrize("settings", [{"self_paced": False}, {"gamma_1": 0.0}, {"gamma_1": 18.0}], ids=str)
def test_it_is_rrsitr_where_nothing_jumps(settings):
    """Without weights, without clean pairs, and where the two thresholds are one."""
    leaves, batch = drawn_batch()
    found, jumping = (built(method, **settings).objective(batch) for method in (Monotone, Rrsitr))
    assert_same(found.total, jumping.total, leaves)
    assert found.weight.tolist() == jumping.weight.tolist()


def test_other_functions_of_the_family_lose_their_jump_too():
    _, found = evaluated(Monotone, pace="linear")
    torch.testing.assert_close(found.weight, (1 - found.pair_loss.detach() / 18).clamp(min=0))


def test_settings_are_the_paper_s_and_lambda_1_is_at_most_1():
    assert MonotoneSettings().model_dump() == RrsitrSettings().model_dump() and METHODS["monotone"] is Monotone
    with pytest.raises(InputError, match=r"^lambda_1 is 1\.1"):
        RunConfig.build(method="monotone", lambda_1=1.1)
