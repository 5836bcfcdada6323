"""The weight is the best answer to its own regulariser and carries no gradient."""

import math

import pytest
import torch
from oracles import self_paced

from rrsitr_lib.methods.rrsitr import regulariser, weight

GAMMAS = (0.3, 5.0, 18.0, 100.0)
SHARES = (0.0, 0.01, 0.3, 0.5, 0.98, 0.9999, 1.0, 1.5, 40.0)
GRID = torch.linspace(0, 1, 100_001, dtype=torch.float64)


def number(loss):
    return torch.tensor([loss], dtype=torch.float64)


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("share", SHARES)
def test_weight_minimises_on_a_fine_grid(gamma, share):
    loss = share * gamma
    best = GRID[(GRID * loss + regulariser(GRID, gamma)).argmin()]
    found = weight(number(loss), gamma)
    assert float(found) == pytest.approx(float(best), abs=1.5e-5)
    w, r = self_paced(loss, gamma)
    assert float(found) == pytest.approx(w, abs=1e-12)
    assert float(regulariser(found, gamma)) == pytest.approx(r, abs=1e-6 * gamma)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_envelope_slope_of_the_minimum_is_the_weight(gamma):
    loss, step = torch.linspace(0.01, 0.99, 50, dtype=torch.float64) * gamma, 1e-5 * gamma

    def minimum(losses):
        w = weight(losses, gamma)
        return w * losses + regulariser(w, gamma)

    slope = (minimum(loss + step) - minimum(loss - step)) / (2 * step)
    torch.testing.assert_close(slope, weight(loss, gamma), rtol=0, atol=1e-8)
    torch.testing.assert_close(minimum(loss), 2 * gamma / math.pi * torch.sin(math.pi * loss / (2 * gamma)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_weights_stay_in_0_1_and_everything_is_finite(dtype):
    loss = torch.cat([torch.linspace(0, 20, 1000), torch.tensor([1e-30, 4.9999995, 5.0000005, 1e30])]).to(dtype)
    w = weight(loss, 5.0)
    assert ((w >= 0) & (w <= 1)).all() and w.dtype == dtype
    assert regulariser(w, 5.0).isfinite().all()
    assert (weight(loss, 5.0).diff()[:999] <= 0).all(), "a higher loss never weighs more"
