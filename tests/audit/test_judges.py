"""Cross-validation without a leak, held-out losses by a plain loop, baselines by their definition."""

import numpy as np
import pytest
from audit import synthetic
from sklearn.metrics import roc_auc_score

from rrsitr_lib.audit import baselines, judges
from rrsitr_lib.audit.features import PairFeatures, read_features, unit
from rrsitr_lib.audit.judges import folds_of, held_out_loss, judge
from rrsitr_lib.errors import InputError


@pytest.mark.parametrize(("groups", "folds"), [(7, 2), (7, 7), (40, 4)])
def test_folds_keep_groups_together_and_are_about_equal(groups, folds):
    of_pair = np.random.default_rng(1).integers(0, groups, 300)
    of_pair[:groups] = np.arange(groups)
    fold = folds_of(of_pair, folds, seed=5)
    assert all(len(set(fold[of_pair == group])) == 1 for group in range(groups))
    sizes = [len(set(of_pair[fold == number])) for number in range(folds)]
    assert max(sizes) - min(sizes) <= 1 and sum(sizes) == groups
    assert (folds_of(of_pair, folds, seed=5) == fold).all()


def test_too_few_groups_and_pairs_are_refused():
    with pytest.raises(InputError, match="folds is 4: allowed are 2 to 3, the number of different pictures"):
        folds_of(np.array([0, 1, 2, 2]), 4, 0)
    few, _ = synthetic.features(pictures=8, captions_each=1)
    with pytest.raises(InputError, match="8 pairs: judging needs at least 20"):
        judge(few, np.arange(8))


def test_no_pair_is_judged_by_what_saw_its_picture(monkeypatch):
    data, _ = synthetic.features()
    groups = data.image_of_pair // 2  # every two pictures are twins
    seen_groups, judged = [], []
    real_train, real_loss = judges.train_judge, judges.held_out_loss
    monkeypatch.setattr(
        judges,
        "train_judge",
        lambda f, rows, config: seen_groups.append(set(groups[rows])) or real_train(f, rows, config),
    )
    monkeypatch.setattr(
        judges, "held_out_loss", lambda f, held, *rest: judged.append(held) or real_loss(f, held, *rest)
    )
    done = []
    judge(data, groups, folds=3, repeats=2, epochs=1, progress=lambda k, n: done.append((k, n)))
    assert len(judged) == 6 and done == [(k, 6) for k in range(1, 7)]
    assert all(not seen & set(groups[held]) for seen, held in zip(seen_groups, judged, strict=True))
    for repeat in range(2):
        assert sorted(np.concatenate(judged[3 * repeat : 3 * repeat + 3])) == list(range(len(data)))


def test_judges_find_moved_captions_and_name_a_better_one():
    data, wrong = synthetic.features(pictures=120, wrong=0.2)
    verdicts = judge(data, data.image_of_pair, folds=3, repeats=1, epochs=8)
    assert roc_auc_score(wrong, verdicts.loss[0]) > 0.85
    assert verdicts.lead[wrong].mean() > verdicts.lead[~wrong].mean()
    own = [set(data.caption_of_pair[data.image_of_pair == k]) for k in data.image_of_pair]
    assert all(better not in mine for better, mine in zip(verdicts.better, own, strict=True))
    again = judge(data, data.image_of_pair, folds=3, repeats=1, epochs=8)
    assert (again.loss == verdicts.loss).all() and (again.better == verdicts.better).all()


def test_held_out_loss_is_the_mean_of_both_cross_entropies_without_equal_rivals():
    generator = np.random.default_rng(3)
    data = PairFeatures(
        np.zeros((5, 2)), np.zeros((6, 2)), np.array([0, 0, 1, 2, 3, 4]), np.array([0, 1, 2, 0, 4, 5]), False
    )
    image, text = (unit(generator.standard_normal((n, 4))) for n in (5, 6))
    held = np.array([0, 1, 3, 5])
    found = held_out_loss(data, held, image, text, scale=7.0, batch_size=100, seed=0)
    for place, pair in enumerate(held):

        def rivals(pair=pair):
            for other in held:
                same = data.image_of_pair[other] == data.image_of_pair[pair]
                if other == pair or not (same or data.caption_of_pair[other] == data.caption_of_pair[pair]):
                    yield other

        def logit(picture, caption):
            return 7.0 * image[data.image_of_pair[picture]] @ text[data.caption_of_pair[caption]]

        rows = np.log(sum(np.exp(logit(pair, other)) for other in rivals())) - logit(pair, pair)
        columns = np.log(sum(np.exp(logit(other, pair)) for other in rivals())) - logit(pair, pair)
        assert np.isclose(found[place], rows + columns, rtol=1e-5)


def test_every_pair_is_scored_when_batches_do_not_divide():
    data, _ = synthetic.features(pictures=37, captions_each=1, wrong=0)
    image = unit(data.image)
    loss = held_out_loss(data, np.arange(37), image, unit(data.text), 20.0, batch_size=10, seed=0)
    assert loss.shape == (37,) and np.isfinite(loss).all()


def test_neighbour_score_by_its_definition():
    data, _ = synthetic.features(pictures=12, captions_each=2, wrong=0.3)
    groups = data.image_of_pair.copy()
    groups[groups == 1] = 0
    found = baselines.neighbour_score(data, groups, neighbours=3)
    image, text = unit(data.image), unit(data.text)
    for pair in range(len(data)):
        picture = data.image_of_pair[pair]
        others = [k for k in range(12) if groups[data.image_of_pair == k][0] != groups[pair]]
        near = sorted(others, key=lambda k: -image[k] @ image[picture])[:3]
        own = text[data.caption_of_pair[pair]]
        like = [max(own @ text[caption] for caption in data.caption_of_pair[data.image_of_pair == k]) for k in near]
        assert np.isclose(found[pair], -np.mean(like), atol=1e-5)


@pytest.mark.parametrize(
    "score", [baselines.ridge_score, baselines.confident_learning_score, baselines.neighbour_score]
)
def test_baselines_find_moved_captions(score):
    data, wrong = synthetic.features(pictures=150, captions_each=2, wrong=0.15)
    assert roc_auc_score(wrong, score(data, data.image_of_pair)) > 0.75


def test_zero_shot_needs_one_space():
    data, _ = synthetic.features()
    assert baselines.dissimilarity(data) is None
    shared = PairFeatures(data.image, data.image, data.image_of_pair, data.image_of_pair, True)
    assert np.allclose(baselines.dissimilarity(shared), -1, atol=1e-5)


# --- features from files ---


def test_features_come_by_pair_or_by_item(tmp_path):
    of_pair = np.array([0, 0, 1, 2, 2])
    items = np.arange(6, dtype=np.float64).reshape(3, 2)
    for values in (items, items[of_pair]):
        np.save(tmp_path / "a.npy", values)
        assert (read_features(tmp_path / "a.npy", 5, 3, of_pair, "picture") == items).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((4, 2)), r"4 rows: allowed are 5 .pairs. or 3 .different pictures"),
        (np.zeros(5), "a row for each picture or pair"),
        (np.full((3, 2), np.nan), "row 0: a value is not finite"),
        (np.array([["a"]]), "allowed is an array of numbers"),
        (np.array([[{}]], dtype=object), "not an .npy array of numbers"),
    ],
)
def test_features_that_do_not_fit_are_named(tmp_path, values, message):
    np.save(tmp_path / "a.npy", values, allow_pickle=True)
    with pytest.raises(InputError, match=message):
        read_features(tmp_path / "a.npy", 5, 3, np.array([0, 0, 1, 2, 2]), "picture")
