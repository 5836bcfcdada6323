"""The robust triplet loss: its values, its steepest slope, and what makes it gentle."""

import pytest
import torch
from oracles import triplet

from rrsitr_lib.methods.pair_loss import symmetric_cross_entropy
from rrsitr_lib.methods.rrsitr.robust_triplet import dynamic_margin, robust_triplet
from rrsitr_lib.methods.triplet import triplet_loss

SIGMA, SCALE = 0.6, 20.0


def cosines(batch, seed=0):
    return 2 * torch.rand(batch, batch, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) - 1


@pytest.mark.parametrize("batch", [2, 3, 17])
@pytest.mark.parametrize("sigma", [0.0, 0.2, 0.6])
def test_every_maximum_written_out(batch, sigma):
    similarity = cosines(batch, batch).requires_grad_()
    result = robust_triplet(similarity, sigma)
    expected = torch.stack([triplet(similarity, i, sigma) for i in range(batch)])
    torch.testing.assert_close(result.loss, expected, rtol=1e-12, atol=1e-12)
    gradients = [torch.autograd.grad(loss.sum(), similarity)[0] for loss in (result.loss, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-12)


def test_with_fixed_margins_it_is_the_loss_of_the_hardest_negatives():
    similarity, margin = cosines(17), torch.full((17,), SIGMA, dtype=torch.float64)
    fixed, dynamic = (robust_triplet(similarity, SIGMA, dynamic).loss for dynamic in (False, True))
    assert torch.equal(fixed, triplet_loss(similarity, margin)) and (dynamic > fixed).any()


def test_steepest_slope_is_2_88_where_cross_entropy_has_40():
    triplet_slopes, entropy_slopes = [], []
    for seed in range(200):
        similarity = cosines(6, seed).requires_grad_()
        losses = robust_triplet(similarity, SIGMA).loss, symmetric_cross_entropy(SCALE * similarity)
        for slopes, loss in zip((triplet_slopes, entropy_slopes), losses, strict=True):
            slopes.append(-torch.autograd.grad(loss.sum(), similarity)[0].diagonal())  # other pairs never see s_ii
    triplet_slopes, entropy_slopes = torch.cat(triplet_slopes), torch.cat(entropy_slopes)
    assert 0.9 * float(triplet_slopes.max()) == pytest.approx(2.88, abs=1e-12)
    assert set(triplet_slopes.round(decimals=9).tolist()) <= {0.0, 1.0, 1.6, 2.0, 2.6, 3.2}, "two of 0, 1 and 1.6"
    assert float(entropy_slopes.max()) <= 2 * SCALE and float(entropy_slopes.max()) > 39.9


def test_margin_grows_with_doubt():
    own, hardest = torch.zeros(5), torch.tensor([-0.5, 0.0, 0.1, 0.5, 1.0])
    assert dynamic_margin(own, hardest, SIGMA).tolist() == pytest.approx([0.6, 0.6, 0.66, 0.9, 1.2])
    result = robust_triplet(torch.tensor([[0.0, 0.5], [-0.5, 0.0]]), SIGMA)
    assert result.margin_text.tolist() == pytest.approx([0.9, 0.6])
    assert result.margin_image.tolist() == pytest.approx([0.6, 0.9])
