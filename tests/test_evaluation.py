"""Recall against sorting, ties against us, blocks against the whole; and how well losses tell mismatched pairs."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import local_similarity
from oracles import recall as by_sorting
from sklearn.metrics import confusion_matrix, precision_score, recall_score, roc_auc_score

from rrsitr_lib import evaluation
from rrsitr_lib.errors import InputError
from rrsitr_lib.evaluation import FusedScore, auroc_in_words, chance_recall, partition_quality, recall
from rrsitr_lib.model import similarity
from rrsitr_lib.model.similarity import Features

KS = (1, 5, 10)


def irregular(images, seed):
    """0 to 7 captions an image, in mixed order; at least one caption in all."""
    random = np.random.default_rng(seed)
    return random.permutation(np.append(np.repeat(np.arange(images), random.integers(0, 8, images)), 0))


def features(items, length, seed, width=6):
    generator = torch.Generator().manual_seed(seed)
    return Features(
        torch.randn(items, width, generator=generator), torch.randn(items, length, width, generator=generator)
    )


@pytest.fixture
def small_blocks(monkeypatch):
    """Three captions at once, five images' Gram matrices, of two features each."""
    monkeypatch.setattr(evaluation, "DENSE_BYTES", 3 * 4 * 23)
    monkeypatch.setattr(similarity, "PART", 2)
    monkeypatch.setattr(similarity, "BLOCK", 2)
    monkeypatch.setattr(similarity, "GRAM_BYTES", 5 * 4 * 2 * 6)


@pytest.mark.parametrize("images", [1, 2, 9, 30])
@pytest.mark.parametrize("ks", [KS, (1,), (3, 2, 500)])
@pytest.mark.parametrize("seed", range(3))
def test_recall_is_sorting_for_untied_scores(images, ks, seed):
    answers = irregular(images, seed)
    score = np.random.default_rng(seed).permutation(len(answers) * images).reshape(len(answers), images)
    score = score + 3 * (answers[:, None] == np.arange(images)) * score.size / 10 + 0.25 * answers[:, None]
    if len(np.unique(score)) < score.size:
        score = np.argsort(np.argsort(score.ravel())).reshape(score.shape)
    expected = by_sorting(score, answers, ks)
    for form in (score, score.astype(np.float64), torch.from_numpy(score), score.tolist()):
        assert recall(form, answers, ks) == pytest.approx(expected, abs=1e-9)


def test_recall_by_small_blocks_is_the_same(small_blocks):
    answers = irregular(33, 5)
    score = np.random.default_rng(5).standard_normal((len(answers), 33))
    assert recall(score, answers) == pytest.approx(by_sorting(score, answers, KS))


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5, float("inf"), -float("inf")])
def test_a_constant_score_finds_nothing(value):
    found = recall(np.full((60, 12), value), np.repeat(np.arange(12), 5))
    assert found == {"i2t_R@1": 0, "i2t_R@5": 0, "i2t_R@10": 0, "t2i_R@1": 0, "t2i_R@5": 0, "t2i_R@10": 0, "mR": 0}


def test_a_duplicate_of_the_right_answer_counts_against_us():
    score, answers = np.eye(6), np.arange(6)
    assert recall(score, answers, ks=(1,))["mR"] == 100
    score[3] = score[2]  # caption 3 is caption 2 again: image 2 sees both alike, caption 3 misses its image
    found = recall(score, answers, ks=(1, 2))
    assert found["i2t_R@1"] == pytest.approx(400 / 6) and found["t2i_R@1"] == pytest.approx(500 / 6)
    score = np.eye(6)
    score[:, 3] = score[:, 2]  # image 3 is image 2 again
    found = recall(score, answers, ks=(1, 2))
    assert found["t2i_R@1"] == pytest.approx(400 / 6) and found["t2i_R@2"] == pytest.approx(500 / 6)


def test_equal_captions_of_one_image_do_not_harm_each_other():
    score = np.repeat(np.eye(4), 5, axis=0)
    assert recall(score, np.repeat(np.arange(4), 5), ks=(1,))["mR"] == 100


@st.composite
def scored(draw):
    """A score with ties, some of infinity, and the image of every caption."""
    images, captions = draw(st.integers(1, 8)), draw(st.integers(1, 12))
    value = st.one_of(st.integers(-3, 3).map(float), st.sampled_from([-np.inf, np.inf]))
    score = draw(st.lists(value, min_size=images * captions, max_size=images * captions))
    answers = draw(st.lists(st.integers(0, images - 1), min_size=captions, max_size=captions))
    return np.array(score).reshape(captions, images), np.array(answers)


@given(scored(), st.floats(0.1, 10), st.floats(-5, 5))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_any_recall_is_a_percentage_that_grows_with_k_and_sees_the_order_alone(pair, factor, shift):
    score, answers = pair
    found = recall(score, answers, ks=(1, 2, 5, 500))
    assert all(0 <= value <= 100 for value in found.values())
    for way in ("i2t", "t2i"):
        by_k = [found[f"{way}_R@{k}"] for k in (1, 2, 5, 500)]
        assert by_k == sorted(by_k) and by_k[-1] == 100
    assert recall(np.arctan(factor * score + shift), answers, ks=(1, 2, 5, 500)) == found


# --- the fused score ---


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_fused_score_is_the_paper_s_mixture(share, small_blocks):
    text, image = features(20, 4, 0), features(13, 3, 1)
    cosine = torch.nn.functional.cosine_similarity(text.pooled[:, None], image.pooled[None], dim=-1)
    expected = (1 - share) * cosine + share * local_similarity(text.tokens, image.tokens)
    torch.testing.assert_close(FusedScore(text, image, share).dense(), expected, rtol=1e-5, atol=1e-6)


def test_fused_blocks_give_the_recall_of_the_dense_score(request, monkeypatch):
    answers = irregular(23, 2)
    fused = FusedScore(features(len(answers), 4, 0), features(23, 3, 1))
    dense = recall(fused, answers)
    assert dense == pytest.approx(by_sorting(fused.dense().numpy(), answers, KS))
    request.getfixturevalue("small_blocks")
    monkeypatch.setattr(FusedScore, "dense", None)
    shapes = {tuple(band.shape) for _, band in fused.bands()}
    assert shapes <= {(3, 23), (2, 23), (1, 23)} and not fused.fits, "large sets are never whole in memory"
    assert recall(fused, answers) == pytest.approx(dense)


def test_bfloat16_features_are_scored_in_float32():
    text, image = features(5, 2, 0), features(4, 3, 1)
    low = FusedScore(*(Features(*(values.bfloat16() for values in side)) for side in (text, image))).dense()
    assert low.dtype == torch.float32
    torch.testing.assert_close(low, FusedScore(text, image).dense(), rtol=0.02, atol=0.02)


# --- chance ---


@pytest.mark.parametrize(("images", "chance"), [(452, 1.18), (1093, 0.49), (3150, 0.17)])
def test_published_chance_levels(images, chance):
    found = chance_recall(np.repeat(np.arange(images), 5), images)
    assert round(found["mR"], 2) == chance
    assert found["t2i_R@10"] == pytest.approx(1000 / images)


def test_chance_is_what_random_scores_reach():
    answers, random = irregular(14, 3), np.random.default_rng(0)
    trials = [recall(random.standard_normal((len(answers), 14)), answers) for _ in range(600)]
    for name, value in chance_recall(answers, 14).items():
        values = np.array([trial[name] for trial in trials])
        assert value == pytest.approx(values.mean(), abs=4 * values.std() / 600**0.5 + 1e-9), name


def test_chance_with_few_answers_is_certain():
    assert chance_recall(np.array([0, 1]), 2, ks=(5,))["mR"] == 100


# --- errors ---


@pytest.mark.parametrize(("row", "column"), [(0, 0), (8, 4), (19, 11)])
def test_nan_is_named_by_its_place(row, column, small_blocks):
    score = np.zeros((20, 12))
    score[row, column] = np.nan
    with pytest.raises(InputError, match=rf"score\[{row}, {column}\] is not a number"):
        recall(score, np.arange(20) % 12)


# --- partition quality ---


def test_partition_quality_against_sklearn():
    random = np.random.default_rng(0)
    mismatched = random.random(500) < 0.4
    loss = (random.normal(5, 3, 500) + 4 * mismatched).round()  # many are equal
    category = np.digitize(loss, [5, 9])
    found = partition_quality(loss, category, mismatched)
    assert found["auroc"] == pytest.approx(roc_auc_score(mismatched, loss))
    assert found["confusion"] == confusion_matrix(category, mismatched.astype(int), labels=[0, 1, 2])[:, :2].tolist()
    assert found["precision"] == pytest.approx(precision_score(mismatched, category == 2))
    assert found["recall"] == pytest.approx(recall_score(mismatched, category == 2))
    assert found["clean_precision"] == pytest.approx(precision_score(~mismatched, category == 0))


@pytest.mark.parametrize(("mismatched", "said"), [
    ([False, True], "AUROC of the loss 1.000"),
    ([True, True], "all pairs are mismatched, none is true: no AUROC"),
    ([False, False], "no pair is mismatched: no AUROC"),
])  # fmt: skip
def test_an_auroc_or_the_kind_of_pair_that_is_missing_for_it(mismatched, said):
    quality = partition_quality(np.array([1.0, 2.0]), np.array([0, 2]), np.array(mismatched))
    assert auroc_in_words(quality).startswith(said)


def test_partition_quality_where_nothing_is_counted():
    found = partition_quality(np.ones(3), np.ones(3, int), np.zeros(3, bool))
    assert [found[name] for name in ("auroc", "precision", "recall", "clean_precision")] == [None] * 4
