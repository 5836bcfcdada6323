"""NCR's soft margin: its ends, its shape, and what it refuses."""

import numpy as np
import pytest

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.ncr import soft_margin

LABELS = np.linspace(0, 1, 101)


@pytest.mark.parametrize("margin", [0.0, 0.2, 0.6])
@pytest.mark.parametrize("m", [1.5, 10, 100])
def test_every_value_written_out(margin, m):
    expected = [margin * (m**label - 1) / (m - 1) for label in LABELS.tolist()]
    np.testing.assert_allclose(soft_margin(LABELS, margin, m), expected, rtol=1e-12)


def test_ends_and_direction():
    found = soft_margin(LABELS)
    assert (found[0], found[-1]) == (0.0, pytest.approx(0.2))
    assert (np.diff(found) > 0).all(), "more trust, more margin"
    assert (np.diff(found, 2) > 0).all() and (found[1:-1] < 0.2 * LABELS[1:-1]).all(), "doubt shrinks it at once"


def test_larger_m_shrinks_sooner_and_m_near_one_is_a_straight_line():
    assert (soft_margin(LABELS, m=100)[1:-1] < soft_margin(LABELS, m=10)[1:-1]).all()
    np.testing.assert_allclose(soft_margin(LABELS, m=1 + 1e-6), 0.2 * LABELS, atol=1e-6)


def test_shape_is_kept():
    assert soft_margin(np.ones((2, 3))).shape == (2, 3)
    assert float(soft_margin(1.0)) == pytest.approx(0.2)
    assert soft_margin([]).shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"label": [0.5, 1.01]}, r"label is 1\.01: allowed is 0"),
        ({"label": -0.1}, r"label is -0\.1"),
        ({"label": [float("nan")]}, "label is nan"),
        ({"label": 1.0, "margin": -0.2}, r"margin is -0\.2"),
        ({"label": 1.0, "margin": float("inf")}, "margin is inf"),
        ({"label": 1.0, "m": 1}, "m is 1: allowed is above 1"),
        ({"label": 1.0, "m": float("nan")}, "m is nan"),
    ],
)
def test_bad_values_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        soft_margin(**arguments)
