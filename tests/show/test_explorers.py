"""The controls of the weights explorer and of its base: swept over all they offer, honest when something breaks."""

import numpy as np
import pytest

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.rrsitr.gamma_schedules import GAMMA_SCHEDULES
from rrsitr_lib.show.explorers import weights as weights_module
from rrsitr_lib.show.explorers.controls import Slider
from rrsitr_lib.show.explorers.weights import RECORDED, WeightsExplorer, most_changing_pairs
from rrsitr_lib.show.views.pacing import paced_weight, scheduled
from rrsitr_lib.show.views.weights import SORTS, weight_map
from rrsitr_lib.training.ledger import COLUMNS, Ledger

EPOCHS, PAIRS = 5, 30


@pytest.fixture
def ledger(tmp_path):
    """Five epochs of thirty pairs, every third mismatched; weights drawn, losses up to 25."""
    generator = np.random.default_rng(3)
    written = Ledger.create(tmp_path / "run" / "ledger", np.arange(PAIRS) % 3 == 0, {"seed": 3})
    for _ in range(EPOCHS):
        written.append({name: generator.random(PAIRS) * (25 if name == "loss" else 1) for name in COLUMNS})
    return written


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
    heat, true_bars, wrong_bars, true_mean, wrong_mean, pair = explorer.draw(**explorer.values).data
    np.testing.assert_allclose(np.asarray(heat.z, float), expected.rows, atol=5e-4)
    _, true_counts, wrong_counts = expected.histogram(epoch)
    assert list(true_bars.y) == true_counts.tolist() and list(wrong_bars.y) == wrong_counts.tolist()
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


# --- the parts ---


def test_a_large_run_is_shown_in_part_and_says_so(ledger, monkeypatch):
    monkeypatch.setattr(weights_module, "LARGEST_PAIRS", 10)
    explorer = WeightsExplorer(ledger, epoch=2, schedule="linear")
    assert explorer.kept.tolist() == list(range(0, PAIRS, 3))
    assert "one of 3 among 30 pairs" in explorer.figure.layout.yaxis.title.text
    loss, pair = np.asarray(ledger.column("loss")), explorer.values["pair"]
    assert set(explorer.specs[2].values) <= set(range(0, PAIRS, 3))
    low, high = (scheduled("linear", EPOCHS, 0.5, end) for end in (5.0, 18.0))
    expected = [paced_weight(loss[k, [pair]], low[k], high[k])[0] for k in range(EPOCHS)]
    np.testing.assert_allclose(explorer.draw(**explorer.values).data[-1].y, expected, atol=1e-3)
    assert f"pair {pair} has loss {loss[1, pair]:.1f} and weight {expected[1]:.2f}" in explorer.text.value


def test_most_changing_pairs_are_those_that_change_most_of_both_kinds():
    weight = np.zeros((3, 6))
    weight[1] = [0.1, 0.9, 0.2, 0.8, 0.3, 0.7]
    wrong = np.array([True, False, True, False, True, False])
    assert most_changing_pairs(weight, wrong, count=4) == (1, 4, 3, 2)
    assert most_changing_pairs(weight[:1], np.zeros(6, bool), count=2) == (0, 1)


def test_paced_weight_is_the_paper_s_with_its_jump():
    low, high = paced_weight(np.array([4.9, 5.0]), 5.0, 18.0, 0.8)
    assert (round(low, 3), round(high, 3)) == (0.031, 0.725), "quirk 9"
    with pytest.raises(InputError, match="gamma_1"):
        paced_weight(np.array([1.0]), 5.0, 4.0)


def test_slider_positions_are_exact_and_reach_the_top():
    assert Slider("x", "x", 0.0, 0.3, 0.1, 0.1).values == (0.0, 0.1, 0.2, 0.3)
    assert RECORDED not in GAMMA_SCHEDULES
