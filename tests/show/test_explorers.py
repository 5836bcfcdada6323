"""The controls of the weights explorer and of its base: swept over all they offer, honest when something breaks."""

import numpy as np
import pytest

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import read_json, write_json
from rrsitr_lib.methods.rrsitr.gamma_schedules import GAMMA_SCHEDULES
from rrsitr_lib.show.explorers import weights as weights_module
from rrsitr_lib.show.explorers.base import same
from rrsitr_lib.show.explorers.controls import Choice, Slider
from rrsitr_lib.show.explorers.pacing import PacingExplorer
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


def everything(explorer):
    """Every control to its lowest, its highest and, for lists, every option."""
    for spec in explorer.specs:
        for value in spec.values if isinstance(spec, Choice) else (spec.values[0], spec.values[-1]):
            yield spec.name, value


def test_sweep_there_and_back_ends_in_the_same_picture(ledger):
    for explorer in (WeightsExplorer(ledger), PacingExplorer()):
        values = explorer.values
        for name, value in everything(explorer):
            explorer.move(**{name: value})
            assert explorer.values[name] == value and explorer.text.value
        explorer.move(**values)
        assert same(explorer._shown, explorer.draw(**values).to_plotly_json())


def test_state_is_a_line_that_shows_the_same_again(ledger):
    explorer = WeightsExplorer(ledger)
    explorer.move(epoch=2, sort="weight", schedule="linear")
    line = explorer.state()
    assert "\n" not in line
    again = eval(line.removesuffix(".view()"), {"WeightsExplorer": WeightsExplorer})
    assert again.values == explorer.values
    assert again.draw(**again.values).to_json() == explorer.draw(**explorer.values).to_json()
    pacing = PacingExplorer(loss=2.0)
    assert eval(pacing.state().removesuffix(".view()"), {"PacingExplorer": PacingExplorer}).values == pacing.values


def test_view_holds_controls_figure_text_and_line(ledger):
    explorer = WeightsExplorer(ledger)
    controls, figure, text, cards, code = explorer.view().children
    assert [box.children[1] for box in controls.children] == list(explorer.widgets.values())
    assert (figure, text, cards) == (explorer.figure, explorer.text, explorer.cards)
    assert explorer.state().split("'")[-2] in code.value.replace("&#x27;", "'")


def test_an_exception_in_a_callback_is_shown_and_raised(ledger, monkeypatch):
    explorer = WeightsExplorer(ledger)

    def explode(**_):
        raise ZeroDivisionError("the figure broke")

    monkeypatch.setattr(explorer, "draw", explode)
    for name, value in everything(explorer):
        if explorer.values[name] != value:
            with pytest.raises(ZeroDivisionError, match="the figure broke"):
                explorer.widgets[name].value = value
            assert "the figure broke" in explorer.text.value


@pytest.mark.parametrize(("given", "message"), [
    ({"epoch": EPOCHS + 1}, f"epoch is {EPOCHS + 1}: .*1 to {EPOCHS}"),
    ({"epoch": 0}, "epoch is 0"),
    ({"epoch": True}, "epoch is True"),
    ({"sort": "truth"}, "sort is 'truth': allowed are loss, weight"),
    ({"colour": 1}, "no control 'colour': there are epoch, sort"),
])  # fmt: skip
def test_a_position_that_does_not_exist_is_refused(ledger, given, message):
    with pytest.raises(InputError, match=message):
        WeightsExplorer(ledger, **given)
    with pytest.raises(InputError, match=message):
        WeightsExplorer(ledger).move(**given)


@pytest.mark.parametrize("column", ["weight", "loss"])
def test_a_missing_column_is_said_not_raised(ledger, column):
    header = read_json(ledger.folder / "header.json")
    del header["columns"][column]
    write_json(ledger.folder / "header.json", header)
    explorer = WeightsExplorer(ledger.folder, epoch=3)
    assert f"no column {column}" in explorer.message
    (text,) = explorer.view().children
    assert text.value == explorer.message


def test_a_run_without_an_epoch_says_so(tmp_path):
    Ledger.create(tmp_path, np.array([True, False]), {})
    explorer = WeightsExplorer(tmp_path)
    assert "no finished epoch" in explorer.message and len(explorer.view().children) == 1


def test_a_folder_without_a_ledger_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no ledger here"):
        WeightsExplorer(tmp_path)


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
