"""Weights over epochs: the numbers first, then what stands in the plotly figure."""

import time

import numpy as np
import pytest

from rrsitr_lib.errors import InputError
from rrsitr_lib.show.views.weights import BINS, LARGEST_ROWS, SORTS, weight_map, weights_figure

WEIGHT = np.array([[1.0, 0.0, 0.5, 0.2, 0.9], [0.8, 0.1, 0.4, 0.3, 1.0], [0.6, 0.0, 0.9, 0.0, 0.7]])
LOSS = np.array([[0.0] * 5, [0.0] * 5, [2.0, 30.0, 1.0, 20.0, 3.0]])
MISMATCHED = np.array([False, True, False, True, False])


def random_record(epochs, pairs, wrong_share=0.4, seed=0):
    generator = np.random.default_rng(seed)
    mismatched = generator.random(pairs) < wrong_share
    return generator.random((epochs, pairs)), mismatched, generator.random((epochs, pairs))


# --- numbers ---


def test_sorted_by_truth_then_by_the_last_loss():
    found = weight_map(WEIGHT, MISMATCHED, LOSS)
    assert found.order.tolist() == [2, 0, 4, 3, 1]
    assert found.true_rows == 3
    np.testing.assert_allclose(found.rows, WEIGHT[:, found.order].T)


def test_sorted_by_truth_then_by_mean_weight():
    found = weight_map(WEIGHT, MISMATCHED, LOSS, sort="weight")
    assert found.order.tolist() == [4, 0, 2, 3, 1]
    means = WEIGHT.mean(axis=0)[found.order]
    assert (np.diff(means[:3]) <= 0).all() and (np.diff(means[3:]) <= 0).all()


def test_without_losses_the_mean_weight_sorts():
    assert weight_map(WEIGHT, MISMATCHED).order.tolist() == weight_map(WEIGHT, MISMATCHED, sort="weight").order.tolist()


def test_ties_keep_the_order_of_the_pairs():
    assert weight_map(np.ones((2, 4)), np.zeros(4, bool)).order.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("pairs", [1, LARGEST_ROWS, LARGEST_ROWS + 1, 3 * LARGEST_ROWS + 7])
def test_thinning_bounds_the_rows_and_keeps_the_mean(pairs):
    weight, mismatched, loss = random_record(3, pairs)
    found = weight_map(weight, mismatched, loss)
    assert len(found.rows) <= LARGEST_ROWS + 1, "one group of each kind may be short"
    np.testing.assert_allclose(found.true_rows / len(found.rows), (~mismatched).mean(), atol=0.01)
    assert 0 <= found.rows.min() and found.rows.max() <= 1
    if pairs <= LARGEST_ROWS:
        assert found.rule == "each row one pair" and len(found.rows) == pairs
    else:
        assert found.rule == f"each row the mean of {-(-pairs // LARGEST_ROWS)} pairs"


def test_a_thinned_row_is_the_mean_of_neighbours():
    weight = np.linspace(1, 0, 2 * LARGEST_ROWS)[None]
    found = weight_map(weight, np.zeros(weight.shape[1], bool))
    np.testing.assert_allclose(found.rows[:, 0], weight.reshape(-1, 2).mean(axis=1))
    assert found.rule == "each row the mean of 2 pairs"


def test_thinning_is_deterministic():
    record = random_record(4, 3000)
    np.testing.assert_array_equal(weight_map(*record).rows, weight_map(*record).rows)


@pytest.mark.parametrize("mismatched", [np.zeros(5, bool), np.ones(5, bool)], ids=["all true", "all mismatched"])
def test_one_kind_alone(mismatched):
    found = weight_map(WEIGHT, mismatched, LOSS)
    assert len(found.rows) == 5 and found.true_rows == (0 if mismatched.any() else 5)
    assert len(weights_figure(found, 1, pair=2).data) == 6


def test_histogram_counts_every_pair_once():
    weight, mismatched, loss = random_record(3, 500)
    weight[0, :2] = (0.0, 1.0)  # both ends belong to a bin
    found = weight_map(weight, mismatched, loss)
    for epoch in (1, 2, 3):
        bins, true_counts, wrong_counts = found.histogram(epoch)
        assert bins is BINS and len(true_counts) == len(bins) - 1
        for counts, select in ((true_counts, ~mismatched), (wrong_counts, mismatched)):
            np.testing.assert_array_equal(counts, np.histogram(weight[epoch - 1, select], bins)[0])


@pytest.mark.parametrize(
    ("weight", "mismatched", "sort", "message"),
    [
        (np.ones(3), np.zeros(3, bool), "loss", r"weight \(3,\)"),
        (np.ones((2, 3)), np.zeros(2, bool), "loss", r"mismatched \(2,\)"),
        (np.ones((0, 3)), np.zeros(3, bool), "loss", r"\(0, 3\)"),
        (np.ones((2, 3)), np.zeros(3, bool), "truth", "allowed are loss, weight"),
    ],
)
def test_bad_arrays_are_named(weight, mismatched, sort, message):
    with pytest.raises(InputError, match=message):
        weight_map(weight, mismatched, sort=sort)


# --- figure ---


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("epoch", [1, 3])
def test_traces_hold_the_arrays(sort, epoch):
    weights = weight_map(WEIGHT, MISMATCHED, LOSS, sort)
    figure = weights_figure(weights, epoch)
    heat, true_bars, wrong_bars, *_, path = figure.data
    assert path.name == "no pair chosen" and np.isnan(np.asarray(path.y, float)).all()
    np.testing.assert_allclose(np.asarray(heat.z, float), weights.rows, atol=5e-4)
    assert list(heat.x) == [1, 2, 3] and (heat.zmin, heat.zmax) == (0, 1)
    _, true_counts, wrong_counts = weights.histogram(epoch)
    assert list(true_bars.y) == true_counts.tolist() and list(wrong_bars.y) == wrong_counts.tolist()
    assert str(epoch) in figure.layout.xaxis2.title.text


def test_the_largest_benchmark_answers_in_time():
    weight, mismatched, loss = random_record(50, 160_000)
    weights = weight_map(weight.astype("f4"), mismatched, loss.astype("f4"))
    weights_figure(weights, 1)
    started = time.perf_counter()
    weights_figure(weights, 50)
    assert time.perf_counter() - started < 1, "a slider must answer at once, on a busy machine too"
    assert len(weights_figure(weights, 50).to_json()) < 1e6
