"""RetrievalResults against a plain full sort of the whole table, by bands too; ties, gaps, and the file."""

import numpy as np
import oracles
import pytest
import torch

from rrsitr_lib import evaluation
from rrsitr_lib.errors import InputError
from rrsitr_lib.evaluation import FusedScore, recall
from rrsitr_lib.model.similarity import Features
from rrsitr_lib.training import retrieval_results
from rrsitr_lib.training.retrieval_results import FILE, RetrievalResults, best_places, rank

CAPTIONS, IMAGES, WIDTH, TOP, SHARE = 23, 7, 6, 5, 0.1
OF = np.arange(CAPTIONS) % 6  # picture 6 has no caption


def draw(seed=0, captions=CAPTIONS, images=IMAGES):
    """Features of captions (4 tokens) and images (3 tokens)."""
    generator = torch.Generator().manual_seed(seed)

    def one(items, tokens):
        return Features(*(torch.randn(items, *more, WIDTH, generator=generator) for more in ((), (tokens,))))

    return one(captions, 4), one(images, 3)


def tables(text, image):
    """The whole tables of cosines and norms, one entry after the other."""
    cosine = np.array([[float(torch.cosine_similarity(a, b, dim=0)) for b in image.pooled] for a in text.pooled])
    return cosine, oracles.local_similarity(text.tokens, image.tokens).numpy()


def rank_drawn(text, image, share=SHARE, top=TOP, of=OF):
    return rank(FusedScore(text, image, share), of, [f"text {row}" for row in range(len(of))], top)


@pytest.mark.parametrize(("block", "captions_at_once"), [(4, 3), (4, CAPTIONS), (256, 10)])
@pytest.mark.parametrize("share", [0.0, SHARE, 1.0])
def test_as_a_full_sort(monkeypatch, block, captions_at_once, share):
    monkeypatch.setattr(retrieval_results, "BLOCK", block)
    monkeypatch.setattr(evaluation, "DENSE_BYTES", 4 * IMAGES * captions_at_once)
    text, image = draw()
    cosine, local = tables(text, image)
    score = (1 - share) * cosine + share * local
    found = rank_drawn(text, image, share)
    for row in range(CAPTIONS):
        order = sorted(range(IMAGES), key=lambda answer: -score[row, answer])
        assert found.images[row].tolist() == order[:TOP]
        np.testing.assert_allclose(found.images_global[row], cosine[row, order[:TOP]], atol=1e-5)
        np.testing.assert_allclose(found.images_local[row], local[row, order[:TOP]], atol=1e-5)
        assert found.image_rank[row] == 1 + order.index(OF[row])
    for column in range(IMAGES):
        order = sorted(range(CAPTIONS), key=lambda answer: -score[answer, column])
        assert found.captions[column].tolist() == order[:TOP]
        np.testing.assert_allclose(found.captions_global[column], cosine[order[:TOP], column], atol=1e-5)
        np.testing.assert_allclose(found.captions_local[column], local[order[:TOP], column], atol=1e-5)
        true = [place for place, answer in enumerate(order, 1) if OF[answer] == column]
        assert found.caption_rank[column] == (true[0] if true else 0)
    assert found.caption_rank[6] == 0, "a picture without captions has no true answer"


def test_places_give_the_recalls():
    text, image = draw(seed=1)
    cosine, local = tables(text, image)
    found, expected = rank_drawn(text, image), recall((1 - SHARE) * cosine + SHARE * local, OF)
    assert found.recalls() == pytest.approx(expected)


def test_equal_captions_are_compared_once_and_score_the_same(monkeypatch):
    """Against every caption with features of its own; unit vectors, whose products are exact in any order."""
    unit, random = torch.eye(WIDTH), np.random.default_rng(0)
    drawn = [unit[random.integers(0, WIDTH, shape)] for shape in (9, (9, 4), IMAGES, (IMAGES, 3))]
    text, image, entry = Features(*drawn[:2]), Features(*drawn[2:]), random.integers(0, 9, CAPTIONS)
    own = Features(*(part[torch.from_numpy(entry)] for part in text))
    expected = rank_drawn(own, image)
    for at_once in (CAPTIONS, 4):
        monkeypatch.setattr(evaluation, "DENSE_BYTES", 4 * IMAGES * at_once)
        score = FusedScore(text, image, SHARE, entry_of_caption=entry)
        found = rank(score, OF, expected.texts, TOP)
        assert found.recalls() == recall(score, OF) == expected.recalls()
        for name in ("image_rank", "caption_rank", "images", "captions"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)


def test_the_best_places_are_those_of_a_stable_sort():
    """Many equal scores, of both signs, infinite ones, and zeros of both signs."""
    values = torch.tensor([-torch.inf, -2.5, -1e-38, -0.0, 0.0, 1e-38, 0.1, 3.0, torch.inf])
    score = values[torch.randint(len(values), (50, 40), generator=torch.Generator().manual_seed(0))]
    expected = score.argsort(dim=1, descending=True, stable=True)
    for top in (1, 7, 40, 100):
        assert torch.equal(best_places(score, top), expected[:, :top])
        assert torch.equal(best_places(score.T.contiguous().T, top), expected[:, :top])


def test_a_score_that_is_not_a_number_is_named():
    text, image = draw()
    text.pooled[3] = torch.nan
    with pytest.raises(InputError, match=r"score\[3, 0\] is not a number"):
        rank_drawn(text, image)


@pytest.mark.parametrize("captions_at_once", [CAPTIONS, 4])
def test_ties_count_against_us_and_keep_the_order_of_the_file(monkeypatch, captions_at_once):
    """Unit vectors: products of these are exact, so that equal features have equal scores to the bit."""
    monkeypatch.setattr(evaluation, "DENSE_BYTES", 4 * IMAGES * captions_at_once)
    unit = torch.eye(WIDTH)
    text = Features(unit[torch.arange(CAPTIONS) % 3], unit[torch.arange(CAPTIONS) % 3][:, None])
    same = Features(unit[:1].expand(IMAGES, -1), unit[:1].expand(IMAGES, 1, -1))
    found = rank_drawn(text, same)
    assert (found.images == np.arange(TOP)).all()
    assert (found.image_rank == IMAGES).all(), "a constant score finds nothing"
    alike = Features(unit[:1].expand(CAPTIONS, -1), unit[:1].expand(CAPTIONS, 1, -1))
    own = np.bincount(OF, minlength=IMAGES)
    expected = np.where(own > 0, 1 + CAPTIONS - own, 0)
    found = rank_drawn(alike, same)
    assert found.caption_rank.tolist() == expected.tolist(), "own captions are no rivals"
    assert (found.captions == np.arange(TOP)).all()


def test_fewer_answers_than_asked_for():
    text, image = draw()
    found = rank_drawn(text, image, top=20)
    assert found.images.shape == (CAPTIONS, IMAGES) and found.captions.shape == (IMAGES, 20)


def test_saved_and_opened_again(tmp_path):
    found = rank_drawn(*draw())
    assert RetrievalResults.open(tmp_path) is None
    assert found.save(tmp_path) == tmp_path / FILE
    again = RetrievalResults.open(tmp_path)
    for name, value in vars(found).items():
        np.testing.assert_array_equal(getattr(again, name), value)
    assert [path.name for path in tmp_path.iterdir()] == [FILE], "no temporary file stays"


@pytest.mark.parametrize("damage", ["text", "cut", "empty", "field"])
def test_a_damaged_file_is_named(tmp_path, damage):
    path = rank_drawn(*draw()).save(tmp_path)
    whole = path.read_bytes()
    if damage == "field":
        np.savez(path, image_of_caption=OF)
    else:
        path.write_bytes({"text": b"no retrieval_results", "cut": whole[: len(whole) // 2], "empty": b""}[damage])
    with pytest.raises(InputError, match="not retrieval results"):
        RetrievalResults.open(tmp_path)
