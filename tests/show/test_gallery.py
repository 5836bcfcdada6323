"""The gallery of suspects: numbers, figure, controls swept, decisions and their file, buttons, honest failures."""

import html

import numpy as np
import pandas as pd
import pytest
from show.ledgers import drawn_ledger, forget

from rrsitr_lib.audit.mismatch_ranking import mismatch_ranking
from rrsitr_lib.audit.review import Review
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.methods.partition import NOISY
from rrsitr_lib.show.explorers.chosen import Chosen, Selection
from rrsitr_lib.show.explorers.gallery import PAGE, SHOWS, SORTS, TRUTHS, GalleryExplorer
from rrsitr_lib.show.views.gallery import LARGEST_POINTS, balanced_accuracy, best_balanced_accuracy, gallery_figure
from rrsitr_lib.training.ledger import PAIRS_FILE

EPOCHS, PAIRS = 3, 55
PAGES = 3  # of 24 pairs, seven on the last


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
    assert list(gallery_figure(score, [7], {}, offset=8).data[1].customdata) == [15]


def test_hidden_scores_leave_no_trace():
    score = pd.Series(np.linspace(1, 0, 8), index=[7, 6, 5, 4, 3, 2, 1, 0], name="gap")
    figure = gallery_figure(score, [7, 5], {2: "wrong"}, hidden=True)
    assert len(figure.data) == 4 and not any(len(trace.x) or len(trace.customdata) for trace in figure.data)
    assert "hidden" in figure.layout.annotations[0].text


def test_accuracy_is_a_mean_over_kinds_and_the_model_gets_its_best_threshold():
    generator = np.random.default_rng(0)
    score, wrong = generator.random(50).round(1), generator.random(50) < 0.2
    found = [
        (np.mean(score[wrong] >= limit) + np.mean(score[~wrong] < limit)) / 2 for limit in np.arange(-0.05, 1.2, 0.1)
    ]
    assert best_balanced_accuracy(score, wrong) == pytest.approx(max(found))
    assert balanced_accuracy(np.ones(50, bool), wrong) == 0.5, "who calls all wrong has found nothing"
    assert balanced_accuracy(np.array([True, False]), np.array([True, True])) == 0.5
    with pytest.raises(InputError, match="no pair is decided"):
        balanced_accuracy(np.zeros(0, bool), np.zeros(0, bool))


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
        assert keys == [row + TRUTHS.index(truth) * PAIRS for row in rows]
        assert list(explorer.figure.data[1].customdata) == keys
        deck = explorer.deck
        assert deck.rows == rows
        assert all(f"<b>pair {row}</b>" in card for row, card in zip(rows, deck.cards, strict=True))
        assert [truth == "shown" and row % 3 == 0 for row in rows] == ["MISMATCHED" in card for card in deck.cards]
        assert deck.said == [explorer.decisions.get(row, "undecided") for row in rows]
    assert "1 wrong, 2 right" in explorer.text.value


def test_cards_hide_the_truth_and_escape_captions(run):
    explorer = GalleryExplorer(run)
    row = explorer.shown(**explorer.values)[0]
    loss = explorer.run.column("loss")[:, row]
    card = explorer.card(row)
    assert "true pair" not in card and "MISMATCHED" not in card and "dashed" not in card
    assert f"a &lt;lake&gt; {row}" in card and f"loss {loss.mean():.1f} in the mean, {loss[-1]:.1f} at the end" in card
    told = explorer.card(3 + 2 * PAIRS)
    assert "MISMATCHED" in told and "dashed" in told and "true pair" in explorer.card(1 + 2 * PAIRS)
    assert "loss" not in explorer.card(row + PAIRS) and f"pair {row}" in explorer.card(row + PAIRS)


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
    act(explorer, "wrong", 0)
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
    act(explorer, "right", 1)
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


def test_view_holds_the_deck(run):
    explorer = GalleryExplorer(run)
    *_, deck, saving, _ = explorer.view().children
    assert deck is explorer.deck and saving.children == (explorer.save_button, explorer.saved)


# --- keys, undo, blind ---


def act(explorer, what, place=None):
    """What the browser sends when a key is pressed, or a button of the card at ``place``."""
    explorer.deck._handle_custom_msg({"what": what, "place": explorer.deck.place if place is None else place}, [])


def test_keys_decide_and_go_on_over_the_pages(run):
    explorer = GalleryExplorer(run)
    first = explorer.shown(**explorer.values)
    act(explorer, "wrong")
    act(explorer, "next")
    act(explorer, "right")
    assert explorer.decisions == {first[0]: "wrong", first[2]: "right"} and explorer.deck.place == 3
    act(explorer, "previous")
    assert explorer.deck.place == 2
    act(explorer, "right", PAGE - 1)
    assert explorer.deck.place == PAGE - 1 and explorer.values["page"] == 1, "the last card stays in sight"
    act(explorer, "next")
    assert (explorer.values["page"], explorer.deck.place) == (2, 0)
    act(explorer, "previous")
    assert (explorer.values["page"], explorer.deck.place) == (1, PAGE - 1)
    explorer.move(page=PAGES)
    for _ in range(PAGE):
        act(explorer, "next")
    assert (explorer.values["page"], explorer.deck.place) == (PAGES, PAIRS - 2 * PAGE - 1), "there is nothing behind"
    act(explorer, "wrong", PAGE + 5)
    assert len(explorer.decisions) == 3, "a place that is not there decides nothing"


def test_the_cards_are_not_sent_again_while_one_decides(run):
    explorer, sent = GalleryExplorer(run), []
    explorer.deck.observe(lambda change: sent.append(change["name"]), names=["cards", "said", "place"])
    act(explorer, "wrong")
    assert sorted(sent) == ["place", "said"]


def test_several_steps_are_taken_back_and_shown_where_they_were(run):
    explorer = GalleryExplorer(run)
    explorer.undo()
    first = explorer.shown(**explorer.values)
    act(explorer, "wrong", 4)
    act(explorer, "right", 4)
    explorer.move(page=2)
    act(explorer, "wrong", 0)
    explorer.move(page=3)
    act(explorer, "undo")
    assert (explorer.values["page"], explorer.deck.place) == (2, 0) and explorer.decisions == {first[4]: "right"}
    act(explorer, "undo")
    assert (explorer.values["page"], explorer.deck.place) == (1, 4) and explorer.decisions == {first[4]: "wrong"}
    assert explorer.deck.said[4] == "wrong" and "1 wrong, 0 right" in explorer.text.value
    act(explorer, "undo")
    act(explorer, "undo")
    assert explorer.decisions == {}


def test_a_blind_page_tells_nothing_until_it_is_decided_and_then_the_score(run):
    explorer = GalleryExplorer(run, truth="blind")
    rows = list(explorer.deck.rows)
    assert rows != explorer.table.index[:PAGE].tolist() and not len(explorer.figure.data[0].x)
    for place, row in enumerate(rows):
        assert not any(word in "".join(explorer.deck.cards) for word in ("loss", "MISMATCHED", "true pair"))
        assert f"{place} of {PAGE} decided" in explorer.text.value and "you" not in explorer.text.value
        act(explorer, "wrong" if row % 3 == 0 or place < 6 else "right")
    wrong = explorer.run.mismatched[rows]
    called = np.array([explorer.decisions[row] == "wrong" for row in rows])
    you = (called[wrong].mean() + (~called)[~wrong].mean()) / 2
    model = best_balanced_accuracy(explorer.table.loc[rows, "agreement"].to_numpy(), wrong)
    assert f"you {you:.0%}, model {model:.0%}" in explorer.text.value and you < 1
    noisy = explorer.run.column("category")[-1] == NOISY
    rate, low, high = Review.of(noisy, explorer.decisions).noise_rate
    assert f"by your {PAGE} looks {rate:.0%} ({low:.0%} to {high:.0%}) of all pairs are wrong" in explorer.deck.verdict
    assert noisy[rows].any() and not noisy[rows].all(), "both parts are looked at"
    assert explorer.deck.verdict in html.unescape(explorer.text.value) and explorer.deck.verdict.startswith("you")
    assert ["MISMATCHED" in card for card in explorer.deck.cards] == wrong.tolist()
    assert len(explorer.figure.data[0].x) == PAIRS
    act(explorer, "undo")
    assert (
        not explorer.deck.verdict
        and "you" not in explorer.text.value
        and "MISMATCHED" not in "".join(explorer.deck.cards)
    )


def test_a_blind_page_of_another_list_begins_at_its_first_card(run):
    explorer = GalleryExplorer(run)
    act(explorer, "wrong", 7)
    explorer.move(truth="blind")
    assert explorer.deck.place == 0
    explorer.move(show="undecided")
    assert len(explorer.deck.rows) == PAGE and not set(explorer.decisions) & set(explorer.deck.rows)


# --- what is chosen in other tabs ---


def test_a_selection_of_another_tab_is_a_list_and_its_pair_is_gone_to(run):
    explorer, chosen = GalleryExplorer(run), Chosen()
    explorer.follow(chosen)
    explorer.move(show="selected")
    assert not len(explorer.deck.rows) and "pairs selected in another tab: no pair" in explorer.text.value
    chosen.selection = Selection(np.array([3, 17, 40]), "by hand")
    assert sorted(explorer.deck.rows) == [3, 17, 40]
    chosen.selection = Selection(np.array([5]), "by hand")
    assert list(explorer.deck.rows) == [5]
    explorer.move(show="all")
    order = explorer.table.index
    chosen.pair = int(order[PAGE + 3])
    assert explorer.values["page"] == 2 and explorer.deck.place == 3 and chosen.pair == order[PAGE + 3]
    act(explorer, "next")
    assert chosen.pair == order[PAGE + 4], "where the hand is, is the pair of all tabs"
    explorer.move(page=1)
    assert chosen.pair == order[0]
