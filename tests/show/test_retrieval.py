"""Retrieval: numbers by a plain loop, the figure, controls swept, honest failures."""

from itertools import product

import numpy as np
import pytest
from show.ledgers import drawn_ledger

from rrsitr_lib.errors import InputError
from rrsitr_lib.show.explorers.retrieval import RetrievalExplorer
from rrsitr_lib.show.run_reader import RunReader
from rrsitr_lib.show.views.retrieval import DIRECTIONS, ranked_candidates, retrieval_figure
from rrsitr_lib.training.retrieval_results import FILE, RetrievalResults

TO_IMAGES, TO_CAPTIONS = DIRECTIONS
IMAGES, OWN, TOP, SHARE = 6, (3, 3, 2, 0, 3, 1), 5, 0.1  # picture 3 has no caption
OF = np.repeat(np.arange(IMAGES), OWN)


def make_rankings():
    """RetrievalResults of drawn tables, sorted entry by entry; cosines may be negative."""
    generator, shape = np.random.default_rng(0), (len(OF), IMAGES)
    cosine, local = generator.uniform(-0.5, 1, shape), generator.uniform(1, 3, shape)
    score = (1 - SHARE) * cosine + SHARE * local

    def answers(table, parts, true):
        order = np.argsort(-table, axis=1, kind="stable")
        place = [1 + list(right[row]).index(True) if right.any() else 0
                 for right, row in zip(true, order, strict=True)]  # fmt: skip
        kept = order[:, :TOP]
        return kept, *(np.take_along_axis(part, kept, axis=1).astype("f4") for part in parts), np.array(place)

    true = OF[:, None] == np.arange(IMAGES)
    texts = np.array([f"a <lake> of picture {image}" for image in OF])
    both = answers(score, (cosine, local), true), answers(score.T, (cosine.T, local.T), true.T)
    return RetrievalResults(OF, *both[0], *both[1], np.array(SHARE), texts), score


def make_run(folder, rankings=None):
    drawn_ledger(folder, epochs=1, pairs=2)
    if rankings is not None:
        rankings.save(folder)
    return folder


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run", make_rankings()[0])


# --- numbers ---


@pytest.mark.parametrize("k", [1, 3, TOP])
def test_answers_by_a_loop(k):
    rankings, score = make_rankings()
    for direction, table in ((TO_IMAGES, score), (TO_CAPTIONS, score.T)):
        for question, row in enumerate(table):
            found = ranked_candidates(rankings, direction, question, k)
            order = sorted(range(len(row)), key=lambda answer: -row[answer])
            assert found.candidates.tolist() == order[:k]
            np.testing.assert_allclose(found.score, row[order[:k]], atol=1e-6)
            assert (np.diff(found.score) <= 0).all() and found.among == len(row)
            own = [OF[question]] if direction == TO_IMAGES else np.flatnonzero(OF == question).tolist()
            assert found.true.tolist() == [answer in own for answer in order[:k]]
            places = [place for place, answer in enumerate(order, 1) if answer in own]
            assert found.rank == (places[0] if places else 0) and not found.tied


def test_parts_are_weighted_and_ends_hold_them():
    rankings, _ = make_rankings()
    for question in range(len(OF)):
        found = ranked_candidates(rankings, TO_IMAGES, question, TOP)
        parts = 0.9 * rankings.images_global[question], 0.1 * rankings.images_local[question]
        np.testing.assert_allclose(found.parts, parts)
        low, top = found.ends
        for one in range(TOP):
            assert low[one] == sum(part for part in found.parts[:, one] if part < 0)
            assert top[one] == pytest.approx(sum(part for part in found.parts[:, one] if part > 0))
    names = [trace.name for trace in retrieval_figure(found).data]
    assert names[:2] == ["global part, 0.9 x cosine", "local part, 0.1 x norm"]


def test_a_tie_behind_the_shown_truth_is_known():
    rankings, _ = make_rankings()
    place = rankings.image_rank.copy()
    place[0] = 1 + int(np.flatnonzero(rankings.images[0] == OF[0])[0]) + 1 if OF[0] in rankings.images[0] else 0
    changed = RetrievalResults(**(vars(rankings) | {"image_rank": place}))
    assert ranked_candidates(changed, TO_IMAGES, 0, TOP).tied


@pytest.mark.parametrize(("direction", "question", "k", "message"), [
    ("sideways", 0, 1, "direction is 'sideways': allowed are caption to images, image to captions"),
    (TO_IMAGES, len(OF), 1, "questions 0 to 11"),
    (TO_CAPTIONS, IMAGES, 1, "questions 0 to 5"),
    (TO_IMAGES, -1, 1, "question -1"),
    (TO_IMAGES, 0, 0, "k 0"),
])  # fmt: skip
def test_a_question_that_does_not_exist_is_refused(direction, question, k, message):
    with pytest.raises(InputError, match=message):
        ranked_candidates(make_rankings()[0], direction, question, k)


# --- figures ---


def test_traces_hold_the_numbers():
    rankings, _ = make_rankings()
    for direction, questions in ((TO_IMAGES, len(OF)), (TO_CAPTIONS, IMAGES)):
        for question in range(questions):
            found = ranked_candidates(rankings, direction, question, TOP)
            both, local, frame, text = retrieval_figure(found, list(range(7, 7 + TOP))).data
            np.testing.assert_allclose([both.y, local.y], found.parts, atol=6e-5)
            assert list(both.customdata) == list(local.customdata) == list(range(7, 7 + TOP))
            assert list(both.x) == [1, 2, 3, 4, 5]
            heights = np.asarray(frame.y, float)
            assert np.isfinite(heights).tolist() == found.true.tolist()
            np.testing.assert_allclose(
                (np.asarray(frame.base, float) + heights)[found.true], found.ends[1][found.true], atol=2e-4
            )
            assert ["true" in one for one in text.text] == found.true.tolist()
            np.testing.assert_allclose([float(one.split(">")[-1]) for one in text.text], found.score, atol=6e-4)


# --- the explorer ---


def test_controls_swept_over_all_they_offer(run):
    explorer = RetrievalExplorer(run)
    for direction, image, caption, k in product(DIRECTIONS, range(IMAGES), (1, max(OWN)), (1, TOP)):
        explorer.move(direction=direction, image=image, caption=caption, k=k)
        asks = direction == TO_IMAGES and OWN[image] > 0
        question = sum(OWN[:image]) + min(caption, OWN[image]) - 1 if asks else image
        expected = ranked_candidates(explorer.run.retrieval, TO_IMAGES if asks else TO_CAPTIONS, question, k)
        np.testing.assert_allclose(explorer.draw(**explorer.values).data[0].y, expected.parts[0], atol=6e-5)
        said = f"at place {expected.rank} of {expected.among}" if expected.rank else "no true answer"
        assert (
            said in explorer.text.value and f"{'Caption' if asks else 'Image'} {question} asks" in explorer.text.value
        )
        assert (f": a hit for R@{k}" in explorer.text.value) == (0 < expected.rank <= k)
        assert explorer.cards.value.count("outline") == expected.true.sum()
        assert explorer.cards.value.count("score") == k


def test_cards_show_question_first_and_escape_captions(run):
    explorer = RetrievalExplorer(run)
    assert "<lake>" not in explorer.cards.value and "&lt;lake&gt;" in explorer.cards.value
    assert explorer.cards.value.index("QUESTION: caption 0") < explorer.cards.value.index("place 1")
    assert "not at hand here" in explorer.cards.value, "a bare folder has no pictures"
    for place, bar in enumerate(explorer.figure.data[0].customdata, 1):
        assert f"place {place}" in explorer.card(int(bar))


def test_pictures_of_the_test_split_are_shown(run, monkeypatch):
    asked = []

    def picture(self, image, split="train"):
        asked.append((image, split))
        return np.zeros((8, 8, 3), np.uint8)

    monkeypatch.setattr(RunReader, "image", picture)
    explorer = RetrievalExplorer(run)
    assert explorer.cards.value.count("<img") == TOP and {split for _, split in asked} == {"test"}
    assert [image for image, _ in asked] == explorer.run.retrieval.images[0].tolist()


def test_an_unfinished_run_says_what_is_missing(tmp_path):
    explorer = RetrievalExplorer(make_run(tmp_path / "run"))
    assert "no rankings" in explorer.message and len(explorer.view().children) == 1


def test_damaged_rankings_are_an_input_error(run):
    (run / FILE).write_bytes(b"nothing")
    with pytest.raises(InputError, match="not retrieval results, or damaged"):
        RetrievalExplorer(run)
