"""Judges that need no training: by plain loops, without a leak, and asked of other captions."""

import numpy as np
import pytest
from audit import synthetic
from sklearn import linear_model
from sklearn.metrics import roc_auc_score

from rrsitr_lib.audit import untrained
from rrsitr_lib.audit.cross_validation import folds_of
from rrsitr_lib.audit.features import unit
from rrsitr_lib.audit.ridge import Ridge
from rrsitr_lib.audit.untrained import FIT_DECAY, IMAGE_DECAY, SIGNALS, UntrainedJudges, nearest


def judges(data, folds=3, groups=None):
    groups = data.image_of_pair if groups is None else groups
    return UntrainedJudges(data, groups, folds_of(groups, folds, seed=1))


def by_loops(judge, row, donor, k):
    """LEMoN's two terms with normalised weights, a pair at a time."""
    data, image, text = judge.features, unit(judge.features.image), unit(judge.features.text)
    x, y = image[data.image_of_pair[row]], text[data.caption_of_pair[donor]]
    others = [j for j in range(len(data)) if judge.groups[j] != judge.groups[row] and j != donor]
    terms = []
    for side in (0, 1):
        own, table, of = ((x, image, data.image_of_pair), (y, text, data.caption_of_pair))[side]
        far, target, of_far = ((y, text, data.caption_of_pair), (x, image, data.image_of_pair))[side]
        near = sorted(others, key=lambda j: -own @ table[of[j]])[:k]
        weight = [np.exp(-IMAGE_DECAY * (1 - own @ table[of[j]]) - FIT_DECAY * judge.own_misfit[j]) for j in near]
        terms.append(sum(w * (1 - far @ target[of_far[j]]) for w, j in zip(weight, near, strict=True)) / sum(weight))
    return terms


def test_the_neighbour_terms_by_plain_loops(monkeypatch):
    monkeypatch.setattr(untrained, "NEIGHBOURS", 5)
    data, _ = synthetic.features(images=28, captions_each=1, wrong=0.3)  # no two pairs are equally near
    groups = data.image_of_pair.copy()
    groups[groups == 1] = 0
    judge, rows = judges(data, groups=groups), np.arange(28)
    for donors in (rows, np.roll(rows, 9)):
        found = judge(rows, donors)
        for row, donor in zip(rows, donors, strict=True):
            wanted = by_loops(judge, row, donor, 5)
            np.testing.assert_allclose([found[name][row] for name in SIGNALS[1:]], wanted, rtol=1e-5)


def test_the_linear_map_never_saw_a_pair_of_its_fold():
    data, _ = synthetic.features(images=30, captions_each=2)
    judge = judges(data)
    image, text = unit(data.image)[data.image_of_pair], unit(data.text)[data.caption_of_pair]
    seen, held = judge.fold != 1, np.flatnonzero(judge.fold == 1)
    mean = text[seen].mean(axis=0)
    fitted = Ridge(unit(data.image), data.image_of_pair[seen]).fit(unit(data.text), data.caption_of_pair[seen])
    guess = unit(linear_model.Ridge(fitted.penalty).fit(image[seen], text[seen] - mean).predict(image[held]))
    own = unit(text[held] - mean)
    wanted = 1 - np.einsum("nd,nd->n", guess, own)
    np.testing.assert_allclose(judge(held, held)["linear"], wanted, atol=1e-5)


def test_moved_captions_are_found_by_each_and_made_ones_look_like_them():
    data, wrong = synthetic.features(images=150, captions_each=2, wrong=0.15)
    judge, rows = judges(data), np.arange(300)
    own, made = judge(rows, rows), judge(rows, np.roll(rows, 100))
    for name in SIGNALS:
        assert roc_auc_score(wrong, own[name]) > 0.75, name
        assert roc_auc_score(np.r_[np.zeros(300), np.ones(300)], np.r_[own[name], made[name]]) > 0.75, name


def test_the_better_caption_is_of_another_image_and_leads_where_a_pair_is_wrong():
    data, wrong = synthetic.features(images=60, captions_each=2, wrong=0.2)
    caption, lead = judges(data).better()
    own = [set(data.caption_of_pair[data.image_of_pair == image]) for image in data.image_of_pair]
    assert all(better not in mine for better, mine in zip(caption, own, strict=True))
    assert lead[wrong].mean() > lead[~wrong].mean()


@pytest.mark.parametrize("most", [3, 11, 40])
@pytest.mark.parametrize("cells", [1, 30, 2**25])
def test_nearest_pairs_are_those_of_the_whole_table_whatever_the_block(most, cells, monkeypatch):
    monkeypatch.setattr(untrained, "CELLS", cells)
    generator = np.random.default_rng(0)
    vectors, of_pair = unit(generator.standard_normal((9, 4))), generator.integers(0, 7, 20)  # the last two have none
    near, distance = nearest(vectors, of_pair, most)
    table = 1 - vectors @ vectors[of_pair].T
    np.testing.assert_allclose(distance, np.sort(table, axis=1)[:, :most], atol=1e-12)
    np.testing.assert_allclose(np.take_along_axis(table, near, axis=1), distance, atol=1e-12)
    assert all(len(set(row)) == len(row) == min(most, 20) for row in near.tolist())
