"""Every self-paced function is the argmin that it claims to be, on a grid."""

import numpy as np
import pytest
import torch

from rrsitr_lib.methods.rrsitr import weight
from rrsitr_lib.show.views.self_paced_family import SELF_PACED, self_paced_weight

GRID = np.linspace(0, 1, 20_001)


@pytest.mark.parametrize("gamma", [0.7, 5.0, 18.0])
@pytest.mark.parametrize("kind", SELF_PACED)
def test_weight_is_the_argmin_on_a_grid(kind, gamma):
    losses = np.array([0.0, 0.05, 0.3, 0.49, 0.51, 0.8, 0.99, 1.2, 3.0]) * gamma
    value = GRID * losses[:, None] + SELF_PACED[kind].regulariser(GRID, gamma)
    claimed = self_paced_weight(kind, losses, gamma)
    np.testing.assert_allclose(GRID[value.argmin(axis=1)], claimed, atol=1e-3)


@pytest.mark.parametrize("kind", SELF_PACED)
def test_weight_falls_from_one_and_stays_in_range(kind):
    weights = self_paced_weight(kind, np.linspace(0, 40, 400), 7.0)
    assert weights[0] == pytest.approx(1) and weights.min() >= 0
    assert (np.diff(weights) <= 1e-12).all()
    if kind not in ("logistic", "exponential"):
        assert weights[-1] == 0


def test_cosine_is_the_paper_s():
    losses = np.linspace(0, 30, 301)
    np.testing.assert_allclose(
        self_paced_weight("cosine", losses, 18.0), weight(torch.tensor(losses), 18.0), atol=1e-12
    )
