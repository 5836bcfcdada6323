"""Intervals over resampled test images, against loops and against what is known in closed form."""

import numpy as np
import pytest

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.bootstrap import Hits, hits, mean_hits, paired, resampled, resampling_interval
from rrsitr_lib.experiments.run_results import RECALLS
from rrsitr_lib.experiments.uncertainty import recall_error
from rrsitr_lib.training.retrieval_results import RetrievalResults


def rankings_of(image_of_caption, image_rank, caption_rank):
    none = np.zeros((0, 1))
    return RetrievalResults(
        np.array(image_of_caption), none, none, none, np.array(image_rank), none, none, none, np.array(caption_rank),
        np.array(0.1), np.array([]),
    )  # fmt: skip


def drawn(images, share, seed=0):
    """One caption an image; every question is answered at the first place with probability ``share``."""
    found = (np.random.default_rng(seed).random((images, 1)) < share).repeat(6, axis=1).astype(float)
    return Hits(found, np.ones((images, 2)))


def test_hits_by_loop():
    rankings = rankings_of([0, 0, 1, 3, 3, 3], [1, 7, 2, 11, 5, 10], [3, 1, 0, 12])  # image 2 has no caption
    counted = hits(rankings)
    assert counted.asked.tolist() == [[1, 2], [1, 1], [0, 0], [1, 3]]
    for column, (way, k) in enumerate((way, k) for way in ("image", "text") for k in (1, 5, 10)):
        for image in range(4):
            if way == "image":
                expected = 0 < rankings.caption_rank[image] <= k
            else:
                expected = sum(
                    rankings.image_rank[row] <= k for row in np.flatnonzero(rankings.image_of_caption == image)
                )
            assert counted.found[image, column] == expected


def test_whole_test_set_gives_the_recalls_themselves():
    rankings = rankings_of([0, 0, 1, 1], [1, 6, 2, 1], [1, 4])
    found = paired([hits(rankings)], [Hits(np.zeros((2, 6)), hits(rankings).asked)])
    image_way, text_way = [50, 100, 100], [50, 75, 100]
    assert found.difference == pytest.approx(np.mean(image_way + text_way))


def test_interval_is_that_of_a_binomial_for_independent_questions():
    counted = drawn(452, 0.2544)
    recall = 100 * counted.found[:, 0].mean()
    low, high = resampling_interval(counted, draws=4000)["i2t_R@1"]
    assert (high - low) / 2 == pytest.approx(1.96 * recall_error(recall, 452), rel=0.06)
    assert low < recall < high


def test_captions_of_an_image_stay_together():
    """Five captions that succeed and fail together tell no more than one."""
    one = drawn(300, 0.5)
    five = Hits(one.found * [1, 1, 1, 5, 5, 5], one.asked * [1, 5])
    np.testing.assert_allclose(resampled(five), resampled(one))


def test_draws_depend_on_the_seed_alone():
    counted = drawn(50, 0.5)
    assert np.array_equal(resampled(counted, 10, seed=1), resampled(counted, 10, seed=1))
    assert not np.array_equal(resampled(counted, 10, seed=1), resampled(counted, 10, seed=2))
    assert resampled(counted, 10).shape == (10, len(RECALLS))


def test_pairing_removes_what_is_hard_for_both():
    easy = drawn(400, 0.5)
    better = easy.found.copy()
    better[np.flatnonzero(better[:, 0] == 0)[:20]] = 1  # finds the same, and 20 more
    found = paired([Hits(better, easy.asked)], [easy])
    alone = resampling_interval(Hits(better, easy.asked))["mR"]
    assert found.difference == pytest.approx(5.0) and found.by_seed == (pytest.approx(5.0),)
    assert 0 < found.low < 5 < found.high and found.high - found.low < 0.5 * (alone[1] - alone[0])


def test_equal_methods_differ_by_nothing():
    runs = [drawn(100, 0.4, seed) for seed in range(3)]
    found = paired(runs, runs)
    assert (found.difference, found.low, found.high) == (0, 0, 0)


def test_mean_over_seeds():
    first, second = drawn(100, 0.4, 0), drawn(100, 0.4, 1)
    np.testing.assert_allclose(mean_hits([first, second]).found, (first.found + second.found) / 2)


@pytest.mark.parametrize(("first", "second", "metric", "message"), [
    ([], [], "mR", "0 and 0 runs"),
    ([drawn(5, 0.5)], [], "mR", "1 and 0 runs"),
    ([drawn(5, 0.5)], [drawn(6, 0.5)], "mR", "different test sets"),
    ([drawn(5, 0.5)], [drawn(5, 0.5)], "R@1", "metric is 'R@1': allowed are i2t_R@1"),
])  # fmt: skip
def test_what_cannot_be_compared_is_said(first, second, metric, message):
    with pytest.raises(InputError, match=message):
        paired(first, second, metric)
