"""Label smoothing: torch's own, its formula as a loop over pairs, its limits."""

import pytest
import torch
from drawn_batch import assert_same, built, drawn_batch, probabilities, scores
from pydantic import ValidationError

from rrsitr_lib.methods.contrastive import Contrastive
from rrsitr_lib.methods.smoothing import Smoothing, SmoothingSettings

SCALE = SmoothingSettings().scale


@pytest.mark.parametrize("epsilon", [0.1, 0.5])
def test_every_pair_has_the_loss_that_torch_gives_it(epsilon):
    leaves, batch = drawn_batch()
    found, own = built(Smoothing, epsilon=epsilon).objective(batch), torch.arange(24)
    expected = [
        torch.nn.functional.cross_entropy(table, own, reduction="none", label_smoothing=epsilon)
        for table in scores(leaves, SCALE)
    ]
    torch.testing.assert_close(found.contribution, sum(expected), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("local", [True, False])
def test_loop_over_pairs_gives_value_and_gradient(local):
    leaves, batch = drawn_batch()
    found, total = built(Smoothing, local_loss=local).objective(batch), 0
    for direction in probabilities(leaves, SCALE, local):
        for i, answers in enumerate(direction):
            for j, p in enumerate(answers):
                label = 0.9 + 0.1 / 24 if i == j else 0.1 / 24
                total = total - label * p.log()
    assert_same(found.total, total / 24, leaves)
    assert found.weight.tolist() == [1.0] * 24


def test_without_smoothing_it_is_contrastive_training():
    leaves, batch = drawn_batch()
    found, plain = built(Smoothing, epsilon=0.0).objective(batch), built(Contrastive).objective(batch)
    assert_same(found.total, plain.total, leaves)
    assert torch.equal(found.category, plain.category)


@pytest.mark.parametrize("epsilon", [-0.1, 1.0])
def test_epsilon_out_of_range_is_refused(epsilon):
    with pytest.raises(ValidationError, match="epsilon"):
        SmoothingSettings(epsilon=epsilon)
