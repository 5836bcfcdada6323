"""The robust triplet loss: its values, its slopes, and what makes it gentle."""

import pytest
import torch
from oracles import triplet

from rrsitr_lib.methods.pair_loss import symmetric_cross_entropy
from rrsitr_lib.methods.rrsitr.robust_triplet import dynamic_margin, robust_triplet
from rrsitr_lib.methods.triplet import hardest_negatives

SIGMA, SCALE = 0.6, 20.0


def cosines(batch, seed=0):
    return 2 * torch.rand(batch, batch, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) - 1


def two_pairs(own, hardest):
    """A batch of two in which both negatives of both pairs have the cosine ``hardest``."""
    return torch.tensor([[own, hardest], [hardest, own]], dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("batch", [2, 3, 17])
@pytest.mark.parametrize("sigma", [0.0, 0.2, 0.6])
def test_every_maximum_written_out(batch, sigma):
    similarity = cosines(batch, batch).requires_grad_()
    result = robust_triplet(similarity, sigma)
    expected = torch.stack([triplet(similarity, i, sigma) for i in range(batch)])
    torch.testing.assert_close(result.loss, expected, rtol=1e-12, atol=1e-12)
    gradients = [torch.autograd.grad(loss.sum(), similarity)[0] for loss in (result.loss, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-12)


def test_own_entry_is_never_a_negative():
    similarity = torch.tensor([[1.0, -0.9, -0.8], [-0.7, 1.0, -0.6], [-0.5, -0.4, 1.0]])
    texts, images = hardest_negatives(similarity)
    assert texts.tolist() == pytest.approx([-0.8, -0.6, -0.4]) and images.tolist() == pytest.approx([-0.5, -0.4, -0.6])


@pytest.mark.parametrize(
    ("own", "hardest", "loss", "slope"),
    [
        (0.9, 0.1, 0.0, 0.0),  # beyond the margin: nothing
        (0.5, 0.1, 2 * 0.2, 2 * 1.0),  # inside the margin, still ahead of the negative: an ordinary triplet
        (0.1, 0.6, 2 * 1.4, 2 * 1.6),  # behind the negative: the margin grows as well
    ],
)
def test_slopes_by_region(own, hardest, loss, slope):
    similarity = two_pairs(own, hardest)
    result = robust_triplet(similarity, SIGMA)
    assert result.loss.tolist() == pytest.approx([loss, loss])
    (gradient,) = torch.autograd.grad(result.loss[0], similarity)
    assert float(gradient[0, 0]) == pytest.approx(-slope)
    assert float(gradient[0, 1]) == float(gradient[1, 0]) == pytest.approx(slope / 2)


def test_steepest_slope_is_2_88_where_cross_entropy_has_40():
    triplet_slopes, entropy_slopes = [], []
    for seed in range(200):
        similarity = cosines(6, seed).requires_grad_()
        gradient = torch.autograd.grad(0.9 * robust_triplet(similarity, SIGMA).loss.sum(), similarity)[0]
        triplet_slopes.append(-gradient.diagonal())
        gradient = torch.autograd.grad(symmetric_cross_entropy(SCALE * similarity).sum(), similarity)[0]
        # entries of the own pair only: other pairs never see s_ii
        entropy_slopes.append(-gradient.diagonal())
    triplet_slopes, entropy_slopes = torch.cat(triplet_slopes), torch.cat(entropy_slopes)
    assert float(triplet_slopes.max()) == pytest.approx(0.9 * 2 * 1.6, abs=1e-12)
    assert set(triplet_slopes.div(0.9).round(decimals=9).tolist()) <= {0.0, 1.0, 1.6, 2.0, 2.6, 3.2}
    assert float(entropy_slopes.max()) <= 2 * SCALE and float(entropy_slopes.max()) > 39.9


def test_margin_grows_with_doubt():
    own, hardest = torch.zeros(5), torch.tensor([-0.5, 0.0, 0.1, 0.5, 1.0])
    assert dynamic_margin(own, hardest, SIGMA).tolist() == pytest.approx([0.6, 0.6, 0.66, 0.9, 1.2])
    result = robust_triplet(torch.tensor([[0.0, 0.5], [-0.5, 0.0]]), SIGMA)
    assert result.margin_text.tolist() == pytest.approx([0.9, 0.6])
    assert result.margin_image.tolist() == pytest.approx([0.6, 0.9])
