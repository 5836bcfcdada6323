"""Pairs chosen by hand, by number and by words; what was chosen is shown, saved, shared, pinned."""

import numpy as np
import pandas as pd
import pytest
from show.ledgers import drawn_ledger
from show.test_embedding import make_run

from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.methods.partition import CATEGORY_NAMES
from rrsitr_lib.show.explorers import chosen as chosen_module
from rrsitr_lib.show.explorers.chosen import Chosen, Selection, find_pairs, selection_table
from rrsitr_lib.show.explorers.compare import CompareExplorer
from rrsitr_lib.show.explorers.embedding import EmbeddingExplorer
from rrsitr_lib.show.explorers.margins import MarginExplorer
from rrsitr_lib.show.explorers.partition import PartitionExplorer
from rrsitr_lib.show.explorers.tabs import explore
from rrsitr_lib.show.explorers.weights import WeightsExplorer
from rrsitr_lib.show.run_reader import RunReader
from rrsitr_lib.show.views.partition import loss_bars
from rrsitr_lib.show.views.weights import BINS
from rrsitr_lib.training.ledger import PAIRS_FILE

PAIRS, EPOCHS = 30, 3


@pytest.fixture
def run(tmp_path):
    """A run with features of every second pair: losses up to 50, two kinds of images, a caption of its own a pair."""
    folder = make_run(tmp_path / "run")
    drawn_ledger(folder, EPOCHS, PAIRS, loss=50 * np.random.default_rng(5).random((EPOCHS, PAIRS)))
    images = [f"{('port', 'airport')[row % 2]}_{row:03}.png" for row in range(PAIRS)]
    captions = [f"caption {row} of a {('long', 'short')[row % 3 == 0]} Runway ." for row in range(PAIRS)]
    PairTable(images, captions, "train", "drawn").write_csv(folder / PAIRS_FILE)
    return folder


def select(explorer, event="selected", **points):
    """What the figure's watcher tells of a gesture: points by trace."""
    explorer._told(
        None, {"event": event, "points": {name.removeprefix("trace_"): at for name, at in points.items()}}, ()
    )
    return explorer.chosen.selection


# --- what stands behind the points of a figure ---


def test_bars_of_the_histogram_are_the_pairs_counted_in_them(run):
    explorer = PartitionExplorer(run, epoch=2)
    loss, wrong = explorer.loss[1], explorer.run.mismatched
    edges, counts = loss_bars(loss, wrong, explorer.top)
    found = select(explorer, trace_0=[3, 4, 5, 6], trace_1=[3, 4, 5, 6])
    assert found.rows.tolist() == np.flatnonzero((loss >= edges[3]) & (loss < edges[7])).tolist()
    assert (
        len(found.rows) == counts[:, 3:7].sum() and found.origin == f"loss {edges[3]:.1f} to {edges[7]:.1f} in epoch 2"
    )
    alone = select(explorer, "clicked", trace_1=[3, 4, 5, 6])
    assert len(alone.rows) == counts[1, 3:7].sum() and wrong[alone.rows].all()
    assert alone.origin.startswith("mismatched pairs with loss"), "bars of one kind"
    assert "and beyond" in select(explorer, trace_0=[49]).origin
    assert select(explorer, trace_3=[0]) is explorer.chosen.selection, "a path stands for no pairs"


def test_a_cell_of_the_confusion_is_its_pairs_at_the_present_thresholds(run):
    explorer = PartitionExplorer(run, gamma_1=10.0, gamma_2=30.0, epoch=1)
    found = explorer.draw(**explorer.values).data[2].text
    for category in range(3):
        for kind in (0, 1):
            rows = select(explorer, "clicked", trace_2=[[category, kind]]).rows
            assert len(rows) == int(found[category][kind]) and (explorer.run.mismatched[rows] == kind).all()
    assert f"called {CATEGORY_NAMES[2]} in epoch 1 by the thresholds 10.0 and 30.0" in explorer.chosen.selection.origin


def test_a_row_of_the_map_and_bars_of_the_distribution_are_their_pairs(run):
    explorer = WeightsExplorer(run, epoch=3)
    shown, weight = explorer.map("loss", "as recorded", 0.5), explorer.weight
    for row in (0, shown.true_rows - 1, shown.true_rows, len(shown.rows) - 1):
        rows = select(explorer, "clicked", trace_0=[[row, 1]]).rows
        np.testing.assert_allclose(weight[:, rows].mean(axis=1), shown.rows[row], atol=1e-6)
        assert (explorer.run.mismatched[rows] == (row >= shown.true_rows)).all()
    found = select(explorer, trace_1=[0, 1], trace_2=[0, 1])
    assert found.rows.tolist() == np.flatnonzero(weight[2] < BINS[2]).tolist()


def test_a_lasso_takes_each_pair_once_and_one_point_is_also_the_pair(run):
    explorer = EmbeddingExplorer(run, epoch=1)
    images, captions = (list(explorer.figure.data[trace].customdata) for trace in (2, 5))
    found = select(explorer, trace_2=[0, 2], trace_5=[2])
    assert found.rows.tolist() == sorted({images[0], images[2], captions[2]})
    assert found.origin == "points of the pca map after epoch 1"
    select(explorer, "clicked", trace_2=[1])
    assert explorer.values["pair"] == explorer.chosen.pair == images[1]
    assert select(explorer, trace_0=[1]) is explorer.chosen.selection, "a line has no card"


def test_points_bars_and_cells_of_the_comparison_are_their_pairs(run):
    explorer = CompareExplorer(run, RunReader.open(run), epoch=2)
    explorer.loss[1, 1] = 50 - explorer.loss[1, 0]  # or every gain would be none
    explorer.move(epoch=3)
    explorer.move(epoch=2)
    true, wrong = (list(explorer.figure.data[trace].customdata) for trace in (0, 1))
    found = select(explorer, trace_0=[0, 3], trace_1=[1])
    assert found.rows.tolist() == sorted([true[0], true[3], wrong[1]]) and "comparison in epoch 2" in found.origin
    select(explorer, "clicked", trace_0=[2])
    assert explorer.values["pair"] == explorer.chosen.pair == true[2]
    category = explorer.category[1, 0]
    assert select(explorer, "clicked", trace_6=[[1, 1]]).rows.tolist() == np.flatnonzero(category == 1).tolist()
    gain = explorer.loss[1, 1] - explorer.loss[1, 0]
    bars = list(range(20, 40))
    assert select(explorer, trace_7=bars, trace_8=bars).rows.tolist() == np.flatnonzero(gain >= 0).tolist()
    assert select(explorer, trace_2=[0]) is explorer.chosen.selection, "the diagonal stands for no pairs"


def test_bars_of_the_recorded_margins_are_their_pairs(run):
    explorer = MarginExplorer(run, epoch=2)
    margin, edges = explorer.recorded.margin[1], explorer.recorded.edges
    found = select(explorer, trace_7=[3, 4], trace_8=[3, 4])
    assert found.rows.tolist() == np.flatnonzero((margin >= edges[3]) & (margin < edges[5])).tolist()
    assert found.origin == f"margin {edges[3]:.2f} to {edges[5]:.2f} in epoch 2"
    assert select(explorer, trace_0=[1]) is explorer.chosen.selection, "a curve stands for no pairs"


# --- how it is shown ---


EVERY = [PartitionExplorer, WeightsExplorer, EmbeddingExplorer, MarginExplorer, lambda run: CompareExplorer(run, run)]


@pytest.mark.parametrize("kind", EVERY)
def test_a_selection_is_counted_marked_and_shown_as_cards_and_goes_again(run, kind):
    explorer = kind(run)
    before, rows = explorer.figure.to_json(), explorer.here[:6]
    wrong, every = explorer.run.mismatched[rows], explorer.run.mismatched[explorer.here]
    explorer.choose(Selection(rows, "six of them"))
    shares = f"({wrong.mean():.0%}; of all pairs {every.mean():.0%})"
    assert explorer.chosen_text.value == f"6 selected: six of them. {wrong.sum()} of them mismatched {shares}."
    assert all(f"caption {row} of" in explorer.chosen_cards.value for row in rows)
    (marked,) = [trace for trace in explorer.draw(**explorer.values).data if trace.name == "selected"]
    points = 2 if isinstance(explorer, EmbeddingExplorer) else 1
    assert (sum(marked.y) if marked.type == "bar" else len(marked.x) / points) == 6
    explorer.clear_button.click()
    assert explorer.chosen_text.value == "No pair is selected." and explorer.save_button.disabled
    assert explorer.figure.to_json() == before


def test_of_many_a_dozen_cards_spread_over_the_rows_are_shown(run):
    explorer = PartitionExplorer(run)
    explorer.choose(Selection(np.arange(30), "all"))
    assert "12 of them, evenly spread over the rows:" in explorer.chosen_text.value
    shown = [row for row in range(30) if f"<b>pair {row}</b>" in explorer.chosen_cards.value]
    assert len(shown) == 12 and (shown[0], shown[-1]) == (0, 29)


# --- saved ---


def test_the_button_saves_what_is_selected_and_says_where(run):
    explorer = PartitionExplorer(run, epoch=2)
    explorer.choose(Selection(np.array([4, 7]), "two"))
    for number in (1, 2):
        explorer.save_button.click()
        path = run / f"selection_{number}.csv"
        assert explorer.note.value == f"2 pairs saved to {path}"
    table, record = pd.read_csv(path), explorer.run
    assert list(table) == ["row", "image", "caption", "epoch", "loss", "category", "weight", "mismatched"]
    assert table["row"].tolist() == [4, 7] and table["image"].tolist() == ["port_004.png", "airport_007.png"]
    np.testing.assert_allclose(table["loss"], record.column("loss")[1, [4, 7]], atol=1e-4)
    assert table["category"].tolist() == [CATEGORY_NAMES[one] for one in record.column("category")[1, [4, 7]]]


def test_beside_a_run_that_may_only_be_read_it_is_saved_in_the_working_folder(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(chosen_module.os, "access", lambda *_: False)
    explorer = PartitionExplorer(run)
    explorer.choose(Selection(np.array([1]), "one"))
    explorer.save_button.click()
    assert (tmp_path / "selection_1.csv").exists() and str(tmp_path) in explorer.note.value


def test_a_bare_ledger_saves_what_it_has(tmp_path):
    ledger = drawn_ledger(tmp_path)
    assert "caption" not in selection_table(RunReader.open(ledger), np.array([1]), 1)


def test_what_a_button_cannot_do_is_said_and_raised(run, monkeypatch):
    explorer = PartitionExplorer(run)
    explorer.choose(Selection(np.array([1]), "one"))
    monkeypatch.setattr(chosen_module, "write_atomically", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        explorer.save()
    with pytest.raises(ZeroDivisionError):
        explorer._done(explorer.save)
    assert "This button failed: ZeroDivisionError" in explorer.text.value


# --- found ---


@pytest.mark.parametrize(("query", "rows", "said"), [
    ("7", [7], "pair 7"),
    ("30", [], "there is no pair 30, only 0 to 29"),
    ("runway", range(30), "30 captions and 0 names of images hold “runway”"),
    ("SHORT runway", range(0, 30, 3), "10 captions and 0 names of images hold “SHORT runway”"),
    ("airport", range(1, 30, 2), "0 captions and 15 names of images hold “airport”"),
    ("submarine", [], "no caption and no name of an image holds “submarine”"),
])  # fmt: skip
def test_pairs_by_number_by_words_and_by_class(run, query, rows, said):
    found = find_pairs(query, RunReader.open(run))
    assert found.rows.tolist() == list(rows) and found.origin == said


def test_the_field_selects_what_it_finds_and_goes_to_the_first(run):
    explorer = PartitionExplorer(run)
    explorer.find_field.value = "short"
    assert explorer.values["pair"] == 0 and "10 selected: 10 captions and 0 names" in explorer.chosen_text.value
    explorer.find_field.value = "11"
    assert explorer.values["pair"] == 11 and "pair=11" in explorer.state()
    assert PartitionExplorer(run, pair=11).figure.data[3].name == "pair 11"
    explorer.find_field.value = "nothing"
    assert explorer.values["pair"] == 11 and "No pair is selected: no caption" in explorer.chosen_text.value


def test_without_captions_a_pair_is_found_by_its_number(tmp_path):
    explorer = PartitionExplorer(drawn_ledger(tmp_path))
    explorer.find("lake")
    assert "captions are not in this folder: pairs are found by their number" in explorer.chosen_text.value


def test_a_pair_that_is_not_shown_here_is_said(run):
    explorer = EmbeddingExplorer(run)
    explorer.find_field.value = "short"
    assert "10 captions and 0 names of images hold “short”; of 10, these are shown here" in explorer.chosen_text.value
    explorer.chosen.pair = 27
    assert explorer.values["pair"] != 27 and "Pair 27 is not among the 12 pairs" in explorer.note.value


# --- shared, pinned ---


def test_what_is_chosen_in_one_is_chosen_in_all_that_follow(run):
    first, second, third, fourth, fifth = (kind(run) for kind in EVERY)
    shared = Chosen()
    for explorer in (first, second):
        explorer.follow(shared)
    first.move(pair=int(first.specs[-1].values[3]))
    assert second.values["pair"] == first.values["pair"]
    second.choose(Selection(np.array([2, 4]), "two"))
    assert first.chosen_text.value == second.chosen_text.value and "two" in first.chosen_text.value
    for explorer in (third, fourth, fifth):
        explorer.follow(shared)
    assert fourth.values["pair"] == fifth.values["pair"] == first.values["pair"]
    assert "two" in fourth.chosen_text.value and "two" in fifth.chosen_text.value
    for explorer, pair in ((fourth, 8), (fifth, 10)):
        explorer.move(pair=pair)
        assert {one.values["pair"] for one in (first, second, fourth, fifth)} == {pair}
    assert third.chosen.selection is shared.selection and "two" in third.chosen_text.value, "one that is opened later"
    second.pin_button.click()
    assert f"pair {second.values['pair']}" in first.pinned.value
    second.pin_button.click()
    assert not first.pinned.value, "pinned once more is let go"


def test_tabs_follow_one_another(run):
    tab = explore(run, name="partition")
    tab.selected_index = list(tab.titles).index(
        "Weights over epochs" if "Weights over epochs" in tab.titles else "Weights"
    )
    opened = [child.children[0] for child in tab.children if child.children]
    fields = [box.children[5].children[0] for box in opened]
    fields[0].value = "5"
    assert all("1 selected: pair 5" in box.children[6].value for box in opened) and len(opened) == 2


# --- thresholds dragged ---


@pytest.mark.parametrize(("shape", "axis", "at", "name", "value"), [
    (0, "x", 7.3, "gamma_1", 7.5), (1, "y", 3.1, "gamma_1", 3.0), (2, "x", 99.0, "gamma_2", 40.0),
    (3, "y", -2.0, "gamma_2", 0.0),
])  # fmt: skip
def test_a_dragged_line_moves_its_threshold(run, shape, axis, at, name, value):
    explorer = PartitionExplorer(run)
    explorer._told(None, {"event": "dragged", "shape": shape, axis: at}, ())
    assert explorer.values[name] == value and explorer.widgets[name].value == value
    drawn = explorer.draw(**explorer.values)
    assert explorer.figure.layout.shapes == drawn.layout.shapes


@pytest.mark.parametrize(("shape", "at", "name", "value"), [
    (0, 0.43, "similarity", 0.45), (4, 0.21, "hardest_text", 0.2), (5, -7.0, "hardest_image", -1.0),
])  # fmt: skip
def test_a_dragged_line_moves_its_cosine(run, shape, at, name, value):
    explorer = MarginExplorer(run)
    explorer._told(None, {"event": "dragged", "shape": shape, "x": at}, ())
    assert explorer.values[name] == value
    assert explorer.figure.layout.shapes == explorer.draw(**explorer.values).layout.shapes


def test_the_line_of_a_recorded_margin_goes_back(run):
    explorer = MarginExplorer(run)
    values = explorer.values
    explorer.figure.layout.shapes[6].x0 = 0.123
    explorer._told(None, {"event": "dragged", "shape": 6, "x": 0.123}, ())
    assert explorer.values == values and explorer.figure.layout.shapes == explorer.draw(**values).layout.shapes


def test_a_gesture_that_breaks_is_said_and_raised(run, monkeypatch):
    explorer = PartitionExplorer(run)
    monkeypatch.setattr(explorer, "behind", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        select(explorer, trace_0=[1])
    assert "This gesture failed: ZeroDivisionError" in explorer.text.value
