"""Cross-validation without a leak, held-out losses by a plain loop, features from files."""

import numpy as np
import pytest
from audit import synthetic
from sklearn.metrics import roc_auc_score

from rrsitr_lib.audit import cross_validation
from rrsitr_lib.audit.calibration import QUARTERS, MadeMismatches, made_mismatches
from rrsitr_lib.audit.cross_validation import (
    AuditSettings,
    check_enough,
    cross_validate,
    folds_of,
    held_out_loss,
    made_loss,
)
from rrsitr_lib.audit.features import PairFeatures, read_features, unit
from rrsitr_lib.config import RunConfig
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


def test_too_few_groups_are_refused():
    with pytest.raises(InputError, match="folds is 4: allowed are 2 to 3, the number of different images"):
        folds_of(np.array([0, 1, 2, 2]), 4, 0)
    with pytest.raises(InputError, match=r"all images are equal .*: allowed are 4 different ones or more"):
        folds_of(np.zeros(300, dtype=int), 4, 0)


@pytest.mark.parametrize(
    ("images", "captions", "folds", "said"),
    [
        (range(8), range(8), 2, "8 pairs are left: allowed are 20 or more, as some are held out"),
        (range(120), "a" * 120, 4, "all 120 pairs have the same caption: no ranking is possible"),
        ("a" * 300, range(300), 4, "1 different images are left: allowed are 4 or more"),
        ("abc" * 10, range(30), 2, "3 different images are left: allowed are 4 or more"),
        ("abcdef" * 10, range(60), 4, "folds is 4 for 6 images: allowed are 2 to 3, two images each"),
    ],
)
def test_too_few_pairs_images_and_captions_are_refused(images, captions, folds, said):
    with pytest.raises(InputError, match=said):
        check_enough(images, captions, folds)


def validated(data, groups, settings, progress=None):
    fold = folds_of(groups, settings.folds, settings.seed)
    return cross_validate(data, fold, made_mismatches(fold, groups, 0), settings, progress)


def test_no_pair_is_scored_by_what_saw_its_image(monkeypatch):
    data, _ = synthetic.features()
    groups = data.image_of_pair // 2  # every two images are twins
    seen, scored, done = [], [], []
    train, score = cross_validation.train_heads, cross_validation.held_out_loss
    monkeypatch.setattr(
        cross_validation, "train_heads", lambda f, rows, config: seen.append(rows) or train(f, rows, config)
    )
    monkeypatch.setattr(
        cross_validation, "held_out_loss", lambda f, held, *rest: scored.append(held) or score(f, held, *rest)
    )
    settings = AuditSettings(folds=3, repeats=2, epochs=1)
    validated(data, groups, settings, progress=lambda k, n: done.append((k, n)))
    scored = scored[:: 1 + QUARTERS]  # the others are made mismatches
    assert len(scored) == 6 and done == [(k, 6) for k in range(1, 7)]
    assert all(not set(groups[rows]) & set(groups[held]) for rows, held in zip(seen, scored, strict=True))
    for repeat in range(2):
        assert sorted(np.concatenate(scored[3 * repeat : 3 * repeat + 3])) == list(range(len(data)))


def test_moved_captions_are_found_and_a_better_one_named():
    data, wrong = synthetic.features(images=120, wrong=0.2)
    found, again = (validated(data, data.image_of_pair, AuditSettings(folds=3, repeats=1, epochs=8)) for _ in range(2))
    assert roc_auc_score(wrong, found.loss[0]) > 0.85
    assert abs(np.median(found.made[0]) - np.median(found.loss[0][wrong])) < abs(
        np.median(found.made[0]) - np.median(found.loss[0][~wrong])
    ), "made mismatches look like moved captions"
    assert found.lead[wrong].mean() > found.lead[~wrong].mean()
    own = [set(data.caption_of_pair[data.image_of_pair == k]) for k in data.image_of_pair]
    assert all(better not in mine for better, mine in zip(found.better, own, strict=True))
    assert (again.loss == found.loss).all() and (again.better == found.better).all()


def test_held_out_loss_is_the_mean_of_both_cross_entropies_without_equal_rivals():
    generator = np.random.default_rng(3)
    data = PairFeatures(np.zeros((5, 2)), np.zeros((6, 2)), np.array([0, 0, 1, 2, 3, 4]), np.array([0, 1, 2, 0, 4, 5]))
    image, text = (unit(generator.standard_normal((n, 4))) for n in (5, 6))
    held = np.array([0, 1, 3, 5])
    found = held_out_loss(data, held, image, text, RunConfig.build(encoder="tiny", scale=7.0))
    for index, pair in enumerate(held):

        def rivals(pair=pair):
            for other in held:
                same = data.image_of_pair[other] == data.image_of_pair[pair]
                if other == pair or not (same or data.caption_of_pair[other] == data.caption_of_pair[pair]):
                    yield other

        def logit(first, second):
            return 7.0 * image[data.image_of_pair[first]] @ text[data.caption_of_pair[second]]

        rows = np.log(sum(np.exp(logit(pair, other)) for other in rivals())) - logit(pair, pair)
        columns = np.log(sum(np.exp(logit(other, pair)) for other in rivals())) - logit(pair, pair)
        assert np.isclose(found[index], rows + columns, rtol=1e-5)


def test_every_pair_is_scored_when_batches_do_not_divide():
    data, _ = synthetic.features(images=37, captions_each=1, wrong=0)
    config = RunConfig.build(encoder="tiny", batch_size=10)
    loss = held_out_loss(data, np.arange(37), unit(data.image), unit(data.text), config)
    assert loss.shape == (37,) and np.isfinite(loss).all()


def test_a_made_mismatch_is_scored_among_pairs_as_they_are():
    generator = np.random.default_rng(5)
    data, _ = synthetic.features(images=12, captions_each=1, wrong=0)
    image, text = (unit(generator.standard_normal((12, 4))) for _ in range(2))
    config, held = RunConfig.build(encoder="tiny"), np.arange(12)
    quarter, donor = np.arange(12) % 4, np.roll(np.arange(12), 4)
    donor[11] = -1
    found = made_loss(data, held, MadeMismatches(donor, quarter), image, text, config)
    assert np.isnan(found[11]) and np.isfinite(found[:11]).all()
    caption = np.where(quarter == 2, donor, np.arange(12))
    alone = held_out_loss(data, held, image, text, config, caption)
    np.testing.assert_allclose(found[[2, 6, 10]], alone[[2, 6, 10]])


# --- features from files; those that do not fit: tests/malformed ---


def test_features_come_by_pair_or_by_item(tmp_path):
    of_pair = np.array([0, 0, 1, 2, 2])
    items = np.arange(6, dtype=np.float64).reshape(3, 2)
    for values in (items, items[of_pair]):
        np.save(tmp_path / "a.npy", values)
        assert (read_features(tmp_path / "a.npy", 5, 3, of_pair, "image") == items).all()
