"""How many pairs are wrong, and which are left out: from made mismatches, where the truth is known."""

import numpy as np
import pytest

from rrsitr_lib.audit.calibration import (
    left_out,
    made_mismatches,
    noise_rate,
    p_values,
    posterior,
    rate_interval,
)
from rrsitr_lib.errors import InputError


def drawn(share, pairs=4000, seed=0):
    """Scores of right pairs around 0 and of mismatched ones around 3, and of made mismatches."""
    generator = np.random.default_rng(seed)
    wrong = np.arange(pairs) < share * pairs
    return np.where(wrong, 3.0, 0.0) + generator.normal(size=pairs), wrong, 3.0 + generator.normal(size=pairs)


@pytest.mark.parametrize("groups", [40, 41, 3])
def test_made_mismatches_are_of_another_group_of_the_same_fold_and_quarter(groups):
    of_pair = np.random.default_rng(2).integers(0, groups, 240)
    fold = of_pair % 2
    made = made_mismatches(fold, of_pair, seed=1)
    rows = made.rows
    assert (of_pair[made.donor[rows]] != of_pair[rows]).all()
    assert (fold[made.donor[rows]] == fold[rows]).all() and (made.quarter[made.donor[rows]] == made.quarter[rows]).all()
    assert set(made.quarter) == ({0, 1, 2, 3} if groups > 3 else {0}), "of three images no quarters are made"
    if groups > 3:
        assert len(rows) == 240 and len(set(made.donor)) == 240, "every caption goes to one other pair"


def test_neighbours_in_the_table_do_not_exchange_their_captions():
    """Sets come sorted by class: the next image is often alike, and no sample of mismatches."""
    groups = np.arange(2000) // 2
    made = made_mismatches(np.zeros(2000, int), groups, seed=3)
    assert np.median(np.abs(groups[made.donor] - groups)) > 150


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.4, 0.6])
def test_the_rate_is_found_with_an_interval_and_a_clean_set_passes_as_clean(share):
    score, wrong, null = drawn(share)
    p = p_values(score, null)
    rate, (low, high) = noise_rate(p), rate_interval(p, np.arange(4000) // 5, seed=0)
    assert abs(rate - share) < 0.05 and low - 0.02 <= share <= high + 0.02 and low <= rate <= high
    assert abs((p[wrong] <= 0.5).mean() - 0.5) < 0.05 if share else rate < 0.01, "uniform for mismatched pairs"


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_what_is_promised_of_those_left_out_is_true(share):
    score, wrong, null = drawn(share)
    rate = noise_rate(p_values(score, null))
    chance = posterior(score, null, rate)
    assert (np.diff(chance[np.argsort(score)]) >= -1e-12).all() and chance.min() >= 0 and chance.max() <= 1
    assert abs(chance.mean() - share) < 0.06 and abs(chance[wrong].mean() - chance[~wrong].mean()) > 0.6
    balanced, sure, all_of_them = (left_out(score, chance, rate, name) for name in ("balanced", "sure", "all"))
    assert balanced.sum() == round(rate * 4000) and (sure == (chance > 0.5)).all() and not all_of_them.any()
    for promised in (0.05, 0.1, 0.3):
        out = left_out(score, chance, rate, f"fdr={promised}")
        assert out.any() and (1 - chance[out]).mean() <= promised and (~wrong[out]).mean() < promised + 0.03


@pytest.mark.parametrize("keep", ["most", "fdr", "fdr=", "fdr=0", "fdr=1", "fdr=nan", "fdr=a"])
def test_another_word_is_refused(keep):
    with pytest.raises(InputError, match="allowed are balanced, sure, all, and fdr=SHARE"):
        left_out(np.array([0.1]), np.array([0.1]), 0.5, keep)
