"""The controls: swept over all they offer, and honest when something breaks."""

import numpy as np
import pytest

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import read_json, write_json
from rrsitr_lib.show import explorers
from rrsitr_lib.show.explorers import WeightsExplorer
from rrsitr_lib.show.views.weights import SORTS, weight_map
from rrsitr_lib.training.ledger import COLUMNS, Ledger

EPOCHS, PAIRS = 5, 30


@pytest.fixture
def ledger(tmp_path):
    """Five epochs of thirty pairs, every third mismatched; weights and losses drawn."""
    generator = np.random.default_rng(3)
    written = Ledger.create(tmp_path / "run" / "ledger", np.arange(PAIRS) % 3 == 0, {"seed": 3})
    for _ in range(EPOCHS):
        written.append({name: generator.random(PAIRS) for name in COLUMNS})
    return written


def test_opens_a_ledger_a_run_folder_and_a_ledger_folder(ledger):
    for source in (ledger, ledger.folder, ledger.folder.parent, str(ledger.folder.parent)):
        explorer = WeightsExplorer(source)
        assert explorer.message == "" and explorer.epoch.value == EPOCHS


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("epoch", range(1, EPOCHS + 1))
def test_every_position_shows_the_ledger(ledger, epoch, sort):
    explorer = WeightsExplorer(ledger)
    explorer.sort.value = sort
    explorer.epoch.value = epoch
    weight, mismatched = np.asarray(ledger.column("weight")), ledger.column("mismatched")
    expected = weight_map(weight, mismatched, np.asarray(ledger.column("loss")), sort)
    heat, true_bars, wrong_bars = explorer.figure.data
    np.testing.assert_allclose(np.asarray(heat.z, float), expected.rows, atol=5e-4)
    _, true_counts, wrong_counts = expected.histogram(epoch)
    assert list(true_bars.y) == true_counts.tolist() and list(wrong_bars.y) == wrong_counts.tolist()
    assert f"epoch {epoch}" in explorer.figure.layout.xaxis2.title.text
    assert [shape.x0 for shape in explorer.figure.layout.shapes if shape.x0 == shape.x1] == [epoch]
    assert f"{weight[epoch - 1, ~mismatched].mean():.2f} for true pairs" in explorer.text.value


def test_controls_offer_exactly_what_there_is(ledger):
    explorer = WeightsExplorer(ledger)
    assert (explorer.epoch.min, explorer.epoch.max, explorer.epoch.step) == (1, EPOCHS, 1)
    assert tuple(explorer.sort.options) == SORTS
    assert explorer.epoch.description and explorer.sort.description, "a screen reader needs a label"


def test_sweep_there_and_back_ends_in_the_same_picture(ledger):
    explorer = WeightsExplorer(ledger)
    before = explorer.figure.to_json()
    for epoch in (1, 3, EPOCHS):
        for sort in (*SORTS[::-1],):
            explorer.epoch.value, explorer.sort.value = epoch, sort
    assert explorer.figure.to_json() == before


def test_state_is_a_line_that_shows_the_same_again(ledger):
    explorer = WeightsExplorer(ledger)
    explorer.epoch.value, explorer.sort.value = 2, "weight"
    line = explorer.state()
    assert "\n" not in line
    again = eval(line.removesuffix(".view()"), {"WeightsExplorer": WeightsExplorer})
    assert (again.epoch.value, again.sort.value) == (2, "weight")
    assert again.figure.to_json() == explorer.figure.to_json()


def test_view_holds_controls_figure_and_text(ledger):
    explorer = WeightsExplorer(ledger)
    controls, figure, text = explorer.view().children
    assert controls.children == (explorer.epoch, explorer.sort)
    assert figure is explorer.figure and text is explorer.text


@pytest.mark.parametrize("control", ["epoch", "sort"])
def test_an_exception_in_a_callback_reaches_the_user(ledger, monkeypatch, control):
    explorer = WeightsExplorer(ledger)

    def explode(*_):
        raise ZeroDivisionError("the figure broke")

    monkeypatch.setattr(explorers, "weights_figure", explode)
    with pytest.raises(ZeroDivisionError, match="the figure broke"):
        getattr(explorer, control).value = {"epoch": 1, "sort": "weight"}[control]


@pytest.mark.parametrize(("given", "message"), [
    ({"epoch": EPOCHS + 1}, f"epoch is {EPOCHS + 1}: .*1 to {EPOCHS}"),
    ({"epoch": 0}, "epoch is 0"),
    ({"epoch": -1}, "epoch is -1"),
    ({"sort": "truth"}, "sort is 'truth': allowed are loss, weight"),
])  # fmt: skip
def test_a_position_that_does_not_exist_is_refused(ledger, given, message):
    with pytest.raises(InputError, match=message):
        WeightsExplorer(ledger, **given)


@pytest.mark.parametrize("column", ["weight", "loss"])
def test_a_missing_column_is_said_not_raised(ledger, column):
    header = read_json(ledger.folder / "header.json")
    del header["columns"][column]
    write_json(ledger.folder / "header.json", header)
    explorer = WeightsExplorer(ledger.folder)
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
