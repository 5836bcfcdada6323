"""The partition explorer: counts against a plain loop, the figure, controls swept, honest failures."""

import numpy as np
import pytest
from show.ledgers import drawn_ledger

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.partition import CATEGORY_NAMES
from rrsitr_lib.show.explorers.controls import Choice
from rrsitr_lib.show.explorers.partition import PartitionExplorer, informative_pairs
from rrsitr_lib.show.views.partition import confusion, loss_bars

EPOCHS, PAIRS = 4, 90


@pytest.fixture
def ledger(tmp_path):
    """Four epochs of ninety pairs, every third mismatched; losses up to 60, some of them on the thresholds."""
    loss = 60 * np.random.default_rng(3).random((EPOCHS, PAIRS)) ** 2
    loss[:, :4] = [5.0, 18.0, 0.0, 60.0]
    return drawn_ledger(tmp_path / "run", EPOCHS, PAIRS, loss=loss)


def by_loop(loss, mismatched, gamma_1, gamma_2):
    """Category by truth, one pair after the other."""
    found = np.zeros((3, 2), int)
    for value, wrong in zip(loss, mismatched, strict=True):
        found[0 if value < gamma_1 else 1 if value < gamma_2 else 2, int(wrong)] += 1
    return found


# --- numbers ---


def test_confusion_is_that_of_a_plain_loop_at_every_position(ledger):
    explorer = PartitionExplorer(ledger)
    loss, mismatched = np.asarray(ledger.column("loss")), ledger.column("mismatched")
    low, high = (spec.values for spec in explorer.specs[:2])
    for epoch in range(1, EPOCHS + 1):
        for gamma_1, gamma_2 in zip(low, reversed(high[: len(low)]), strict=True):
            upper = max(gamma_1, gamma_2)
            found = confusion(loss[epoch - 1], mismatched, gamma_1, upper)
            assert found.tolist() == by_loop(loss[epoch - 1], mismatched, gamma_1, upper).tolist()


@pytest.mark.parametrize(("top", "end"), [(40.0, 40.0), (41.0, 45.0)])
def test_bars_hold_every_pair_and_the_last_those_beyond(top, end):
    loss, mismatched = np.array([0.0, 4.99, 5.0, 39.9, end, 1e9]), np.array([False, True, False, True, False, True])
    edges, counts = loss_bars(loss, mismatched, top)
    assert counts.sum() == 6 and counts[:, -1].tolist() == [1, 1 + (end == 40)] and len(edges) == len(counts[0]) + 1
    assert edges[0] == 0 and edges[-1] == end


def test_counts_refuse_what_does_not_fit():
    with pytest.raises(InputError, match=r"loss \(3,\) and mismatched \(2,\)"):
        confusion(np.ones(3), np.zeros(2, bool), 5.0, 18.0)


def test_informative_pairs_takes_each_kind_by_turns():
    loss = np.array([[1.0, 30, 20, 9], [1, 30, 2, 9], [0.5, 30, 20, 9]])
    mismatched = np.array([True, False, False, False])
    assert informative_pairs(loss, mismatched, 18.0)[:3] == (0, 1, 2)
    assert sorted(informative_pairs(loss, mismatched, 18.0)) == [0, 1, 2, 3]
    assert sorted(informative_pairs(loss, np.zeros(4, bool), 18.0)) == [0, 1, 2, 3], "without noise too"


# --- figure ---


def test_figure_shows_bars_confusion_and_path(ledger):
    explorer = PartitionExplorer(ledger, gamma_1=4.0, gamma_2=12.0, epoch=2)
    loss, mismatched = np.asarray(ledger.column("loss")), ledger.column("mismatched")
    figure = explorer.draw(**explorer.values)
    true_bars, wrong_bars, heat, path, now, _ = figure.data
    found = by_loop(loss[1], mismatched, 4.0, 12.0)
    assert sum(true_bars.y) == (~mismatched).sum() and sum(wrong_bars.y) == mismatched.sum()
    assert [list(row) for row in heat.text] == [[str(one) for one in row] for row in found.tolist()]
    np.testing.assert_allclose(np.asarray(heat.z, float), found / found.sum(axis=0), atol=5e-4)
    assert tuple(heat.y) == CATEGORY_NAMES and tuple(heat.x) == ("true", "mismatched")
    pair = explorer.values["pair"]
    np.testing.assert_allclose(path.y, loss[:, pair], atol=5e-4)
    assert list(now.x) == [2] and now.y[0] == pytest.approx(loss[1, pair], abs=5e-4)
    assert {shape.x0 for shape in figure.layout.shapes if shape.x0 == shape.x1} == {4.0, 12.0}
    assert figure.layout.xaxis.title.text == "loss in epoch 2"


# --- controls ---


def test_every_position_says_what_a_loop_counts(ledger):
    explorer = PartitionExplorer(ledger)
    for spec in explorer.specs:
        for value in spec.values if isinstance(spec, Choice) else (spec.values[0], spec.values[-1]):
            explorer.move(**{spec.name: value})
            now = explorer.values
            upper = max(now["gamma_1"], now["gamma_2"])
            loss = np.asarray(ledger.column("loss"))[now["epoch"] - 1]
            found = by_loop(loss, ledger.column("mismatched"), now["gamma_1"], upper)
            assert f"{found[2].sum()} pairs are called noisy" in explorer.text.value


def test_moved_counts_the_pairs_that_change_sides(ledger):
    explorer = PartitionExplorer(ledger, gamma_1=5.0, gamma_2=18.0, epoch=1)
    assert "0 pairs crossed one" in explorer.text.value
    loss = np.asarray(ledger.column("loss"))[0]
    explorer.move(gamma_2=12.0)
    assert f"{((loss >= 12) & (loss < 18)).sum()} pairs crossed one" in explorer.text.value


def test_crossed_thresholds_are_said(ledger):
    explorer = PartitionExplorer(ledger)
    explorer.move(gamma_1=20.0, gamma_2=10.0)
    assert "gamma_2 lies under gamma_1" in explorer.text.value
