"""Weights over epochs: the numbers first, then the explorer."""

import numpy as np
import pytest
from show.ledgers import drawn_ledger

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.rrsitr.gamma_schedules import GAMMA_SCHEDULES
from rrsitr_lib.show.explorers import weights as weights_module
from rrsitr_lib.show.explorers.weights import WeightsExplorer, most_changing_pairs
from rrsitr_lib.show.views.pacing import paced_weight, scheduled
from rrsitr_lib.show.views.weights import BINS, LARGEST_ROWS, SORTS, weight_map, weights_figure

WEIGHT = np.array([[1.0, 0.0, 0.5, 0.2, 0.9], [0.8, 0.1, 0.4, 0.3, 1.0], [0.6, 0.0, 0.9, 0.0, 0.7]])
LOSS = np.array([[0.0] * 5, [0.0] * 5, [2.0, 30.0, 1.0, 20.0, 3.0]])
MISMATCHED = np.array([False, True, False, True, False])
EPOCHS, PAIRS = 5, 30


def random_record(epochs, pairs, wrong_share=0.4, seed=0):
    generator = np.random.default_rng(seed)
    mismatched = generator.random(pairs) < wrong_share
    return generator.random((epochs, pairs)), mismatched, generator.random((epochs, pairs))


# --- numbers ---


@pytest.mark.parametrize(("sort", "order"), [("loss", [2, 0, 4, 3, 1]), ("weight", [4, 0, 2, 3, 1])])
def test_sorted_by_truth_then_by_the_last_loss_or_the_mean_weight(sort, order):
    found = weight_map(WEIGHT, MISMATCHED, LOSS, sort)
    assert found.true_rows == 3
    np.testing.assert_allclose(found.rows, WEIGHT[:, order].T)


@pytest.mark.parametrize("pairs", [1, LARGEST_ROWS, LARGEST_ROWS + 1, 3 * LARGEST_ROWS + 7])
def test_thinning_bounds_the_rows_and_keeps_the_mean(pairs):
    weight, mismatched, loss = random_record(3, pairs)
    found = weight_map(weight, mismatched, loss)
    assert len(found.rows) <= LARGEST_ROWS + 1, "one group of each kind may be short"
    np.testing.assert_allclose(found.true_rows / len(found.rows), (~mismatched).mean(), atol=0.01)
    group, first = -(-pairs // LARGEST_ROWS), np.argsort(loss[-1][~mismatched], kind="stable")
    if found.true_rows:
        np.testing.assert_allclose(found.rows[0], weight[:, ~mismatched][:, first[:group]].mean(axis=1))
    assert found.rule == ("each row one pair" if group == 1 else f"each row the mean of {group} pairs")


@pytest.mark.parametrize("mismatched", [np.zeros(5, bool), np.ones(5, bool)], ids=["all true", "all mismatched"])
def test_one_kind_alone(mismatched):
    found = weight_map(WEIGHT, mismatched, LOSS)
    assert len(found.rows) == 5 and found.true_rows == (0 if mismatched.any() else 5)
    assert len(weights_figure(found, 1, pair=2).data) == 7


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
        weight_map(weight, mismatched, weight, sort)


# --- explorer ---


@pytest.fixture
def ledger(tmp_path):
    """Five epochs of thirty pairs, every third mismatched; weights drawn, losses up to 25."""
    return drawn_ledger(tmp_path / "run", EPOCHS, PAIRS, loss=25 * np.random.default_rng(3).random((EPOCHS, PAIRS)))


def test_opens_a_ledger_a_run_folder_and_a_ledger_folder(ledger):
    for source in (ledger, ledger.folder, ledger.folder.parent, str(ledger.folder.parent)):
        explorer = WeightsExplorer(source)
        assert explorer.message == "" and explorer.values["epoch"] == EPOCHS


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("epoch", range(1, EPOCHS + 1))
def test_every_position_shows_the_ledger(ledger, epoch, sort):
    explorer = WeightsExplorer(ledger)
    explorer.move(sort=sort, epoch=epoch)
    weight, mismatched = np.asarray(ledger.column("weight")), ledger.column("mismatched")
    expected = weight_map(weight, mismatched, np.asarray(ledger.column("loss")), sort)
    heat, true_bars, wrong_bars, true_mean, wrong_mean, pair, _ = explorer.draw(**explorer.values).data
    np.testing.assert_allclose(np.asarray(heat.z, float), expected.rows, atol=5e-4)
    for bars, kind in ((true_bars, ~mismatched), (wrong_bars, mismatched)):
        assert list(bars.y) == np.histogram(weight[epoch - 1, kind], BINS)[0].tolist()
    np.testing.assert_allclose(true_mean.y, weight[:, ~mismatched].mean(axis=1), atol=5e-4)
    np.testing.assert_allclose(wrong_mean.y, weight[:, mismatched].mean(axis=1), atol=5e-4)
    np.testing.assert_allclose(pair.y, weight[:, explorer.values["pair"]], atol=5e-4)
    assert f"{weight[epoch - 1, ~mismatched].mean():.2f} for true pairs" in explorer.text.value
    assert f"epoch {epoch}" in explorer.figure.layout.xaxis2.title.text
    assert {shape.x0 for shape in explorer.figure.layout.shapes if shape.x0 == shape.x1} == {epoch}


@pytest.mark.parametrize("schedule", GAMMA_SCHEDULES)
def test_other_schedules_weigh_the_recorded_losses_anew(ledger, schedule):
    explorer = WeightsExplorer(ledger, schedule=schedule, start=0.4, epoch=2)
    loss = np.asarray(ledger.column("loss"))
    for epoch in range(EPOCHS):
        low, high = (scheduled(schedule, EPOCHS, 0.4, end)[epoch] for end in (5.0, 18.0))
        for pair in range(PAIRS):
            value = loss[epoch, pair]
            expected = np.cos(np.pi / 2 * value / (low if value < low else high)) if value < high else 0.0
            assert explorer.map("loss", schedule, 0.4).weight[epoch, pair] == pytest.approx(expected, abs=1e-6)


def test_a_large_run_is_shown_in_part_and_says_so(ledger, monkeypatch):
    monkeypatch.setattr(weights_module, "LARGEST_PAIRS", 10)
    explorer = WeightsExplorer(ledger, epoch=2, schedule="linear")
    assert explorer.here.tolist() == list(range(0, PAIRS, 3))
    assert "one of 3 among 30 pairs" in explorer.figure.layout.yaxis.title.text
    loss, pair = np.asarray(ledger.column("loss")), explorer.values["pair"]
    assert set(explorer.specs[2].values) <= set(range(0, PAIRS, 3))
    low, high = (scheduled("linear", EPOCHS, 0.5, end) for end in (5.0, 18.0))
    expected = [paced_weight(loss[k, [pair]], low[k], high[k])[0] for k in range(EPOCHS)]
    np.testing.assert_allclose(explorer.draw(**explorer.values).data[-2].y, expected, atol=1e-3)
    assert f"pair {pair} has loss {loss[1, pair]:.1f} and weight {expected[1]:.2f}" in explorer.text.value


def test_most_changing_pairs_are_those_that_change_most_of_both_kinds():
    weight = np.zeros((3, 6))
    weight[1] = [0.1, 0.9, 0.2, 0.8, 0.3, 0.7]
    wrong = np.array([True, False, True, False, True, False])
    assert most_changing_pairs(weight, wrong)[:4] == (1, 4, 3, 2)
    assert most_changing_pairs(weight[:1], np.zeros(6, bool))[:2] == (0, 1)


def test_paced_weight_is_the_paper_s_with_its_jump():
    low, high = paced_weight(np.array([4.9, 5.0]), 5.0, 18.0, 0.8)
    assert (round(low, 3), round(high, 3)) == (0.031, 0.725), "quirk 9"
    linear, beyond = paced_weight(np.array([9.0, 19.0]), 5.0, 18.0, 0.8, "exponential")
    assert (round(linear, 3), beyond) == (round(0.8 * np.exp(-0.5), 3), 0.0), "a noisy pair has no weight at any pace"
    with pytest.raises(InputError, match="gamma_1"):
        paced_weight(np.array([1.0]), 5.0, 4.0)
