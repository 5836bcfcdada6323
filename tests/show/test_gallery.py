"""The gallery of suspects: numbers, figure, controls swept, decisions and their file, buttons, honest failures."""

import numpy as np
import pandas as pd
import pytest
from show.ledgers import drawn_ledger, forget

from rrsitr_lib.audit.mismatch_ranking import mismatch_ranking
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.show.explorers.gallery import PAGE, SHOWS, SORTS, GalleryExplorer
from rrsitr_lib.show.views.gallery import LARGEST_POINTS, gallery_figure
from rrsitr_lib.training.ledger import PAIRS_FILE

EPOCHS, PAIRS = 3, 20
PAGES = 4  # of six pairs, two on the last


def make_run(folder, pairs=PAIRS, epochs=EPOCHS, wrong=True):
    drawn_ledger(folder, epochs, pairs, None if wrong else np.zeros(pairs, bool))
    names = [f"{row // 5}.jpg" for row in range(pairs)]
    PairTable(names, [f"a <lake> {row}" for row in range(pairs)], "train", "memory").write_csv(folder / PAIRS_FILE)
    return folder


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run")


# --- figure ---


def test_traces_hold_the_scores():
    score = pd.Series(np.linspace(1, 0, 8), index=[7, 6, 5, 4, 3, 2, 1, 0], name="gap")
    figure = gallery_figure(score, [7, 5], {2: "wrong", 4: "right", 6: "right"})
    line, page, wrong, right = figure.data
    assert list(line.x) == list(range(1, 9)) and list(line.customdata) == [7, 6, 5, 4, 3, 2, 1, 0]
    np.testing.assert_allclose(line.y, np.linspace(1, 0, 8), atol=5e-5)
    assert list(page.x) == [1, 3] and list(page.customdata) == [7, 5]
    assert list(wrong.customdata) == [2] and list(right.customdata) == [4, 6]
    assert wrong.marker.symbol != right.marker.symbol and wrong.marker.color != right.marker.color
    (band,) = figure.layout.shapes
    assert (band.x0, band.x1) == (0.5, 3.5)
    assert "gap" in figure.layout.yaxis.title.text and "each point one pair" in figure.layout.xaxis.title.text
    assert list(gallery_figure(score, [7], {}, reveal=True).data[1].customdata) == [~7]


@pytest.mark.parametrize("pairs", [1, LARGEST_POINTS, LARGEST_POINTS + 1, 5 * LARGEST_POINTS + 3])
def test_thinning_bounds_the_points_and_keeps_both_ends(pairs):
    figure = gallery_figure(pd.Series(np.linspace(1, 0, pairs), name="gap"), [0], {})
    drawn, step = figure.data[0].customdata, -(-pairs // LARGEST_POINTS)
    assert len(drawn) <= LARGEST_POINTS + 1 and drawn[0] == 0 and drawn[-1] == pairs - 1
    assert (f"every {step}th drawn" in figure.layout.xaxis.title.text) == (step > 1)


# --- controls ---


@pytest.mark.parametrize("truth", ["hidden", "shown"])
@pytest.mark.parametrize("show", SHOWS)
@pytest.mark.parametrize("sort", SORTS)
def test_every_position_shows_its_page(run, sort, show, truth):
    explorer = GalleryExplorer(run)
    for row, said in ((2, "wrong"), (7, "right"), (11, "right")):
        explorer.decide(row, said)
    explorer.move(sort=sort, show=show, truth=truth)
    table = mismatch_ranking(run)
    order = table.index.to_numpy()[np.argsort(-table[sort].to_numpy(), kind="stable")]
    kept = [row for row in order if show in ("all", explorer.decisions.get(row, "undecided"))]
    for page in range(1, PAGES + 1):
        explorer.move(page=page)
        rows = kept[(page - 1) * PAGE : page * PAGE]
        keys = explorer.shown(**explorer.values)
        assert keys == [~row if truth == "shown" else row for row in rows]
        assert list(explorer.figure.data[1].customdata) == keys
        assert explorer.cards.value.count("<b>pair ") == len(rows)
        assert ("MISMATCHED" in explorer.cards.value) == (truth == "shown" and any(row % 3 == 0 for row in rows))
        assert [toggle.disabled for toggle in explorer.toggles] == [place >= len(rows) for place in range(PAGE)]
        assert [toggle.value for toggle in explorer.toggles[: len(rows)]] == [
            explorer.decisions.get(row, "undecided") for row in rows
        ]
    assert "1 wrong, 2 right" in explorer.text.value


def test_cards_hide_the_truth_and_escape_captions(run):
    explorer = GalleryExplorer(run)
    row = explorer.shown(**explorer.values)[0]
    loss = explorer.run.column("loss")[:, row]
    card = explorer.card(row)
    assert "true pair" not in card and "MISMATCHED" not in card and "dashed" not in card
    assert f"a &lt;lake&gt; {row}" in card and f"loss {loss.mean():.1f} in the mean, {loss[-1]:.1f} at the end" in card
    assert "MISMATCHED" in explorer.card(~3) and "dashed" in explorer.card(~3) and "true pair" in explorer.card(~1)
    explorer.decide(row, "wrong")
    assert "at the end, wrong" in explorer.cards.value


def test_without_injected_noise_no_truth_is_offered(tmp_path):
    explorer = GalleryExplorer(make_run(tmp_path / "clean", wrong=False))
    with pytest.raises(InputError, match="truth is 'shown': allowed are hidden"):
        explorer.move(truth="shown")


def test_state_is_a_line_that_shows_the_same_again(run, tmp_path):
    explorer = GalleryExplorer(run, save_to=tmp_path / "mine.csv", sort="gap")
    explorer.decide(4, "wrong")
    explorer.save()
    explorer.move(page=2, show="undecided", truth="shown")
    again = eval(explorer.state().removesuffix(".view()"), {"GalleryExplorer": GalleryExplorer})
    assert again.decisions == {4: "wrong"} and again.figure.to_json() == explorer.figure.to_json()
    assert "save_to" not in GalleryExplorer(run).state()


def test_without_its_columns_nothing_can_be_decided_or_saved(run):
    forget(run, "loss")
    explorer = GalleryExplorer(run)
    for act in (explorer.save, lambda: explorer.decide(0, "wrong")):
        with pytest.raises(InputError, match="no column"):
            act()


# --- decisions ---


def test_decisions_are_saved_and_found_tomorrow(run):
    explorer = GalleryExplorer(run)
    explorer.decide(3, "wrong")
    explorer.decide(np.int64(5), "right")
    explorer.decide(6, "wrong")
    explorer.decide(6, "undecided")
    path = explorer.save()
    assert path == run / "decisions.csv" and "2 decisions saved to decisions.csv" in explorer.saved.value
    written = pd.read_csv(path)
    assert written["row"].tolist() == [3, 5] and written["decision"].tolist() == ["wrong", "right"]
    assert GalleryExplorer(run).decisions == {3: "wrong", 5: "right"}
    assert [list(trace.customdata) for trace in GalleryExplorer(run).figure.data[2:]] == [[3], [5]]


@pytest.mark.parametrize(("row", "decision", "message"), [
    (PAIRS, "wrong", f"row is {PAIRS}: allowed is a whole number from 0 to {PAIRS - 1}"),
    (-1, "wrong", "row is -1"),
    (1.0, "wrong", "row is 1.0"),
    (True, "wrong", "row is True"),
    (1, "perhaps", "decision is 'perhaps': allowed are wrong, right, undecided"),
])  # fmt: skip
def test_a_decision_that_makes_no_sense_is_refused(run, row, decision, message):
    explorer = GalleryExplorer(run)
    with pytest.raises(InputError, match=message):
        explorer.decide(row, decision)
    assert explorer.decisions == {}


def test_the_list_stays_while_one_decides_and_is_taken_anew_when_chosen(run):
    explorer = GalleryExplorer(run, show="undecided")
    first = explorer.shown(**explorer.values)
    explorer.toggles[0].value = "wrong"
    assert explorer.decisions == {first[0]: "wrong"}
    assert explorer.shown(**explorer.values) == first, "nothing moves under the mouse"
    explorer.move(page=2)
    second = explorer.shown(**explorer.values)
    assert not set(first) & set(second)
    explorer.move(show="all")
    explorer.move(show="undecided", page=1)
    assert explorer.shown(**explorer.values) == [*first[1:], second[0]]


def test_turning_a_page_decides_nothing(run):
    explorer = GalleryExplorer(run)
    explorer.toggles[1].value = "right"
    made = dict(explorer.decisions)
    for page in range(1, PAGES + 1):
        explorer.move(page=page)
    assert explorer.decisions == made


def test_a_file_of_another_run_is_refused(run, tmp_path):
    path = tmp_path / "decisions.csv"
    path.write_text("row,image,caption,score,decision\n3,9.jpg,a lake,0.5,wrong\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"decisions\.csv, entry 1 \(row 3\): image is '9.jpg'"):
        GalleryExplorer(run, save_to=path)


def test_a_failed_save_is_said_raised_and_leaves_the_old_file(run, tmp_path):
    explorer = GalleryExplorer(run, save_to=tmp_path / "d.csv")
    explorer.decide(1, "wrong")
    explorer.save_button.click()
    before = explorer.save_to.read_bytes()
    explorer.save_to = tmp_path / "a folder"
    explorer.save_to.mkdir()
    with pytest.raises(RunError, match="cannot write"):
        explorer._save_clicked(explorer.save_button)
    assert "Not saved" in explorer.saved.value and (tmp_path / "d.csv").read_bytes() == before


def test_view_holds_the_buttons(run):
    explorer = GalleryExplorer(run)
    *_, buttons, saving, _ = explorer.view().children
    assert len(buttons.children) == PAGE and saving.children == (explorer.save_button, explorer.saved)
