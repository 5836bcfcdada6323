"""How sure a number is: against loops and against what is known in closed form."""

import math

import numpy as np
import pytest
from experiments.run_folders import ranked

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.run_results import RECALLS
from rrsitr_lib.experiments.uncertainty import (
    HitCounts,
    count_hits,
    paired,
    recall_error,
    resampled,
    resampling_interval,
    t_interval,
)


def drawn(images, share, seed=0):
    """One caption an image; every query is answered at the first place with probability ``share``."""
    found = (np.random.default_rng(seed).random((images, 1)) < share).repeat(6, axis=1).astype(float)
    return HitCounts(found, np.ones((images, 2)))


def test_hits_by_loop():
    results = ranked([0, 0, 1, 3, 3, 3], [1, 7, 2, 11, 5, 10], [3, 1, 0, 12])  # image 2 has no caption
    counted = count_hits(results)
    assert counted.queries.tolist() == [[1, 2], [1, 1], [0, 0], [1, 3]]
    for column, (way, k) in enumerate((way, k) for way in ("image", "text") for k in (1, 5, 10)):
        for image in range(4):
            if way == "image":
                expected = 0 < results.caption_rank[image] <= k
            else:
                expected = sum(
                    results.image_rank[row] <= k for row in np.flatnonzero(results.image_of_caption == image)
                )
            assert counted.hits[image, column] == expected


def test_whole_test_set_gives_the_recalls_themselves():
    results = ranked([0, 0, 1, 1], [1, 6, 2, 1], [1, 4])
    found = paired([count_hits(results)], [HitCounts(np.zeros((2, 6)), count_hits(results).queries)])
    image_way, text_way = [50, 100, 100], [50, 75, 100]
    assert found.difference == pytest.approx(np.mean(image_way + text_way))


def test_interval_is_that_of_a_binomial_for_independent_queries():
    counted = drawn(452, 0.2544)
    recall = 100 * counted.hits[:, 0].mean()
    low, high = resampling_interval(counted)["i2t_R@1"]
    assert (high - low) / 2 == pytest.approx(1.96 * recall_error(recall, 452), rel=0.06)
    assert low < recall < high


def test_captions_of_an_image_stay_together():
    """Five captions that succeed and fail together tell no more than one."""
    one = drawn(300, 0.5)
    five = HitCounts(one.hits * [1, 1, 1, 5, 5, 5], one.queries * [1, 5])
    np.testing.assert_allclose(resampled(five), resampled(one))


def test_every_call_draws_the_same_test_sets_which_differ_from_each_other():
    counted = drawn(50, 0.5)
    found = resampled(counted, 10)
    assert np.array_equal(resampled(counted, 10), found) and found.shape == (10, len(RECALLS))
    assert len(np.unique(found[:, -1])) > 1


def test_pairing_removes_what_is_hard_for_both():
    easy = drawn(400, 0.5)
    better = easy.hits.copy()
    better[np.flatnonzero(better[:, 0] == 0)[:20]] = 1  # finds the same, and 20 more
    found = paired([HitCounts(better, easy.queries)], [easy])
    alone = resampling_interval(HitCounts(better, easy.queries))["mR"]
    assert found.difference == pytest.approx(5.0) and found.by_seed == (pytest.approx(5.0),)
    assert 0 < found.low < 5 < found.high and found.high - found.low < 0.5 * (alone[1] - alone[0])


def test_equal_methods_differ_by_nothing():
    runs = [drawn(100, 0.4, seed) for seed in range(3)]
    found = paired(runs, runs)
    assert (found.difference, found.low, found.high) == (0, 0, 0)


@pytest.mark.parametrize(("first", "second", "message"), [
    ([], [], "0 and 0 runs"),
    ([drawn(5, 0.5)], [], "1 and 0 runs"),
    ([drawn(5, 0.5)], [drawn(6, 0.5)], "different test sets"),
])  # fmt: skip
def test_what_cannot_be_compared_is_said(first, second, message):
    with pytest.raises(InputError, match=message):
        paired(first, second)


def test_error_of_a_recall_is_the_deviation_of_coins():
    hits = np.zeros(452)
    hits[:115] = 100
    assert recall_error(hits.mean(), 452) == pytest.approx(hits.std() / math.sqrt(452))
    assert recall_error(0, 10) == recall_error(100, 10) == 0
    for recall, queries in ((-1, 5), (100.1, 5), (math.nan, 5), (50, 0)):
        with pytest.raises(InputError):
            recall_error(recall, queries)


def test_interval_covers_the_true_mean_as_often_as_it_says():
    generator = np.random.default_rng(0)
    ends = [t_interval(generator.normal(46, 1, 5), 0.9) for _ in range(1000)]
    assert np.mean([low <= 46 <= high for low, high in ends]) == pytest.approx(0.9, abs=0.03)
    for values, level in (([1.0], 0.9), ([[1.0, 2.0]], 0.9), ([1.0, 2.0], 1.0)):
        with pytest.raises(InputError):
            t_interval(values, level)
