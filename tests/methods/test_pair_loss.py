"""One loss per pair: both cross-entropies of both similarities."""

import math

import pytest
import torch
from oracles import draw_inputs, pair_losses

from rrsitr_lib.methods.pair_loss import chance_loss, pair_loss, symmetric_cross_entropy


def test_huge_logits_stay_finite():
    logits = torch.diag(torch.tensor([1e4, -1e4, 0.0]))
    assert symmetric_cross_entropy(logits).isfinite().all()
    assert symmetric_cross_entropy(logits)[1] == pytest.approx(2e4 + 2 * math.log(2), rel=1e-5)


def test_fields_match_the_textbook():
    inputs = draw_inputs(seed=3, B=12, D=10, Lt=5, Li=3)
    result = pair_loss(*inputs, scale=20.0)
    similarity, global_loss, local_loss = pair_losses(*inputs, scale=20.0)
    torch.testing.assert_close(result.similarity, similarity, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(result.global_loss, global_loss, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(result.local_loss, local_loss, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(result.total, global_loss + local_loss, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("batch", "loss"), [(2, 2.7726), (32, 13.8629), (100, 18.4207)])
def test_chance_is_4_ln_b(batch, loss):
    assert chance_loss(batch) == pytest.approx(loss, abs=1e-4)
    assert symmetric_cross_entropy(torch.zeros(batch, batch))[0] * 2 == pytest.approx(loss, abs=1e-4)
