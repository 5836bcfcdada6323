"""Two runs on the same pairs: counts against a loop, the traces, what is refused, records, the command."""

import sys

import numpy as np
import pytest
from show.ledgers import drawn_ledger, forget

from rrsitr_lib.cli import main
from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_json
from rrsitr_lib.methods.pair_loss import chance_loss
from rrsitr_lib.show.explorers.compare import CompareExplorer
from rrsitr_lib.show.explorers.tabs import EXPLORERS, explore
from rrsitr_lib.show.run_reader import RunReader
from rrsitr_lib.show.views.compare import BARS, LARGEST_POINTS, compare_figure, scale_of, sides
from rrsitr_lib.show.views.flow import flow
from rrsitr_lib.teach.records import RECORDS

PAIRS, EPOCHS = 30, 4


@pytest.fixture
def two(tmp_path):
    """Two drawn runs with losses of their own; every third pair is mismatched."""
    generator = np.random.default_rng(5)
    for name in ("one", "other"):
        drawn_ledger(tmp_path / name, EPOCHS, PAIRS, loss=40 * generator.random((EPOCHS, PAIRS)))
    return tmp_path / "one", tmp_path / "other"


@pytest.fixture
def told(tmp_path):
    """Drawn runs with configuration and fingerprints: two methods on the same pairs, and runs on other ones."""
    given = {"rrsitr": {}, "global": {"method": "global"}, "noise": {"noise": "9"}, "table": {"table": "9"}}
    for name, more in given.items():
        drawn_ledger(tmp_path / name, EPOCHS, PAIRS)
        config = RunConfig.build(encoder="tiny", method=more.get("method", "rrsitr"))
        (tmp_path / name / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
        facts = {"config": "", "data": {"train": more.get("table", "1")}, "noise": more.get("noise", "1")}
        write_json(tmp_path / name / "run.json", facts | {"pairs": {}, "versions": {}, "before": {}})
    return tmp_path


# --- numbers ---


def test_sides_and_moves_count_as_a_loop_does():
    generator = np.random.default_rng(0)
    loss, category = generator.integers(0, 4, (2, 200)).astype(float), generator.integers(0, 3, (2, 200))
    wrong = generator.random(200) < 0.3
    counted, moved = np.zeros((2, 3), int), np.zeros((2, 3, 3), int)
    for row in range(200):
        side = 0 if loss[1, row] > loss[0, row] else 1 if loss[1, row] == loss[0, row] else 2
        counted[int(wrong[row]), side] += 1
        moved[int(wrong[row]), category[0, row], category[1, row]] += 1
    assert sides(loss, wrong).tolist() == counted.tolist() and flow(*category, wrong).tolist() == moved.tolist()


def test_the_figure_holds_every_pair_every_category_and_every_gain():
    loss = np.array([[1.0, 7.0, 3.0, 2.0], [4.0, 2.0, 3.0, 90.0]])
    category, wrong = np.array([[0, 1, 0, 0], [0, 0, 0, 2]]), np.array([False, False, True, True])
    scale = scale_of(loss[:1], np.minimum(loss[1:], 20))
    limits = np.array([[5, 18, 17.5], [4, 16, np.nan]])
    figure = compare_figure(loss, category, wrong, scale, limits, ["A (one)", "B (two)"])
    true, mismatched, diagonal, low, high, chance, table, *bars, selected, pair = figure.data
    assert (list(true.x), list(true.y), list(true.customdata)) == ([1, 7], [4, 2], [0, 1])
    assert (list(mismatched.x), list(mismatched.y), list(mismatched.customdata)) == ([3, 2], [3, 90], [2, 3])
    assert true.marker.symbol != mismatched.marker.symbol
    assert list(diagonal.x) == list(diagonal.y) == [0, 20]
    for line, (upright, across) in zip((low, high, chance), limits.T, strict=True):
        np.testing.assert_array_equal(line.x[:2], [upright] * 2)
        np.testing.assert_array_equal(line.y[3:], [across] * 2)
    assert list(table.text[0]) == ["2<br>(1)", "0<br>(0)", "1<br>(1)"] and table.text[1][0] == "1<br>(0)"
    np.testing.assert_allclose(table.z[0], [0.667, 0, 0.333])
    assert not len(selected.x) and not len(pair.x)
    assert [sum(bar.y) for bar in bars] == [2, 2] and bars[1].y[-1] == 1, "the outer bar holds all beyond"
    assert len(bars[0].x) == BARS and bars[0].x[0] == pytest.approx(-scale.gain * (1 - 1 / BARS))
    assert figure.layout.xaxis.title.text == "loss in A (one)" and figure.layout.yaxis.title.text == "loss in B (two)"


@pytest.mark.parametrize("pairs", [1, LARGEST_POINTS, LARGEST_POINTS + 1, 20_000])
def test_many_pairs_are_thinned_evenly_and_the_sentence_says_so(tmp_path, pairs):
    drawn_ledger(tmp_path, 1, pairs)
    explorer = CompareExplorer(tmp_path, tmp_path)
    step = explorer.scale.step
    drawn = sorted(row for trace in explorer.figure.data[:2] for row in trace.customdata)
    assert drawn == list(range(0, pairs, step)) and len(drawn) <= LARGEST_POINTS
    assert (f"One of {step} pairs is drawn; all are counted." in explorer.text.value) == (step > 1)
    assert sum(sum(bar.y) for bar in explorer.figure.data[7:9]) == pairs


# --- the explorer ---


def test_the_sentence_counts_both_sides_by_truth(two):
    explorer = CompareExplorer(*two, epoch=2)
    (a, b), wrong = (RunReader.open(folder).column("loss")[1] for folder in two), np.arange(PAIRS) % 3 == 0
    for name, kind in (("true", ~wrong), ("mismatched", wrong)):
        above, below, middle = (b > a)[kind].sum(), (b < a)[kind].sum(), np.median((b - a)[kind])
        said = f"{above} of {kind.sum()} {name} pairs ({below} below; median of B minus A {middle:.1f})"
        assert said in explorer.text.value
    first, second = (RunReader.open(folder).column("category")[1] for folder in two)
    assert f"{(first != second).sum()} pairs have another category" in explorer.text.value
    pair = explorer.values["pair"]
    assert f"Pair {pair} has loss {a[pair]:.1f} in A and {b[pair]:.1f} in B." in explorer.text.value


def test_the_axes_stay_while_the_epochs_pass(two):
    explorer = CompareExplorer(*two)
    seen = []
    for epoch in range(1, EPOCHS + 1):
        explorer.move(epoch=epoch)
        seen.append((explorer.figure.layout.xaxis.range, tuple(explorer.figure.data[8].x)))
        assert (
            max(max(trace.x.max(), trace.y.max()) for trace in explorer.draw(**explorer.values).data[:2])
            <= seen[0][0][1]
        )
    assert len(set(seen)) == 1


def test_each_run_has_its_own_limits(told):
    explorer = CompareExplorer(told / "rrsitr", told / "global")
    *_, chance = explorer.figure.data[3:6]
    whole = chance_loss(explorer.run.config.batch_size)
    assert chance.x[0] == pytest.approx(whole) and chance.y[-1] == pytest.approx(whole / 2), "2 ln B without local loss"
    low, high = explorer.run.gammas(1)
    assert [trace.x[0] for trace in explorer.figure.data[3:5]] == [low, high]


def test_a_bare_ledger_has_no_chance_level(two):
    assert np.isnan(CompareExplorer(*two).figure.data[5].x[:2]).all()


def test_of_two_lengths_the_common_epochs_are_compared(two, tmp_path):
    drawn_ledger(tmp_path / "short", 2, PAIRS)
    explorer = CompareExplorer(two[0], tmp_path / "short")
    assert explorer.specs[0].values == (1, 2) and "A has 4 epochs, B 2." in explorer.text.value


def test_records_can_be_compared():
    explorer = CompareExplorer(RECORDS / "contrastive_0.6_3", RECORDS / "rrsitr_0.6_3")
    assert not explorer.message and explorer.static() and "captions are not in this folder" in explorer.card(0)
    low, high, chance = (trace.x[0] for trace in explorer.figure.data[3:6])
    assert (low, high) == (5, 18) and chance == pytest.approx(chance_loss(100))


def test_what_one_run_lacks_is_said_with_its_letter(two):
    forget(two[1], "category")
    assert CompareExplorer(*two).message.startswith("B: This run's ledger has no column category")
    assert CompareExplorer(*reversed(two)).message.startswith("A: This run's ledger has no column category")


# --- other pairs ---


@pytest.mark.parametrize(("other", "why"), [
    ("noise", "the fingerprints of their noise differ"),
    ("table", "the fingerprints of their table differ"),
])  # fmt: skip
def test_runs_on_other_pairs_are_refused_by_their_fingerprints(told, other, why):
    for pair in ((other, "rrsitr"), ("rrsitr", other)):
        with pytest.raises(InputError, match=f"{why}; allowed are two runs on the same pairs$") as refused:
            explore(*(told / name for name in pair))
        assert str(told / other) in str(refused.value) and "\n" not in str(refused.value)


def test_ledgers_on_other_pairs_are_refused_by_what_they_hold(two, tmp_path):
    drawn_ledger(tmp_path / "more", 1, PAIRS + 1)
    drawn_ledger(tmp_path / "moved", 1, PAIRS, np.arange(PAIRS) % 3 == 1)
    for name, why in (("more", "their ledgers have 30 and 31 pairs"), ("moved", "other rows are mismatched")):
        with pytest.raises(InputError, match=why):
            CompareExplorer(two[0], tmp_path / name)


def test_one_run_is_no_comparison(two):
    with pytest.raises(InputError, match="one run is given: a comparison needs two"):
        CompareExplorer(two[0])


# --- tabs and pages ---


def test_two_runs_open_with_their_comparison_as_the_first_tab(two):
    tab = explore(*two)
    assert tab.titles[0] == "Compare" and len(tab.titles) == len(EXPLORERS) + 1
    assert tab.selected_index == 0 and tab.children[0].children[0].names == ("compare",)
    assert tab.names[0] == "compare"
    tab.selected_index = tab.titles.index("Weights")
    assert "Mean weight in epoch 4" in tab.children[tab.selected_index].children[0].children[2].value
    assert "Compare" not in explore(two[0]).titles


def test_the_command_writes_the_page_of_two_runs(two, tmp_path, capsys, monkeypatch):
    for more, code in ((["--against", two[1]], 0), ([], 2)):
        arguments = ["rrsitr", "export", two[0], "--html", tmp_path, "--only", "compare", *more]
        monkeypatch.setattr(sys, "argv", [str(one) for one in arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == code
    said = capsys.readouterr()
    assert "Two runs on the same pairs" in said.out and "a comparison needs two" in said.err
    assert (tmp_path / "explore_compare.html").stat().st_size > 1e6
