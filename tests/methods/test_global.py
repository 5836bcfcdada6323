"""Global contrastive training: a loop over pairs, and what it leaves untouched."""

import pytest
import torch
from drawn_batch import assert_same, built, drawn_batch, probabilities

from rrsitr_lib.methods import METHODS
from rrsitr_lib.methods.contrastive import Contrastive, GlobalContrastive, GlobalSettings

SCALE = GlobalSettings().scale


def test_loop_over_pairs_gives_value_and_gradient():
    leaves, batch = drawn_batch()
    found = built(GlobalContrastive).objective(batch)
    found_by_image, found_by_text = probabilities(leaves, SCALE, local=False)
    losses = [-found_by_image[i][i].log() - found_by_text[i][i].log() for i in range(24)]
    assert_same(found.total, sum(losses) / 24, leaves)
    torch.testing.assert_close(found.contribution, torch.stack(losses), rtol=1e-9, atol=1e-9)
    assert found.weight.tolist() == [1.0] * 24


def test_tokens_learn_nothing_and_their_loss_is_zero():
    leaves, batch = drawn_batch()
    found = built(GlobalContrastive).objective(batch)
    found.total.backward()
    assert [leaf.grad is None for leaf in leaves] == [False, False, True, True]
    assert not found.local_loss.any() and torch.equal(found.pair_loss, found.global_loss)


@pytest.mark.parametrize("local", [True, False])
def test_it_is_contrastive_training_with_the_same_setting(local):
    _, batch = drawn_batch()
    found, plain = (built(method, local_loss=local).objective(batch) for method in (GlobalContrastive, Contrastive))
    assert torch.equal(found.contribution, plain.contribution) and torch.equal(found.category, plain.category)


def test_its_own_default_is_no_variant():
    assert METHODS["global"] is GlobalContrastive and not GlobalSettings().local_loss
    assert GlobalSettings().switched_off() == [] and GlobalSettings(local_loss=True).switched_off() == ["with local"]
    chance = built(GlobalContrastive, gamma_unit="chance", gamma_1=0.5, gamma_2=1.0).thresholds
    assert chance == pytest.approx((6.3561 / 2, 6.3561), abs=1e-4), "2 ln 24 is chance level"
