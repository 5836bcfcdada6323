"""The map is scikit-learn's, its penalty that of images left out one by one, whatever the shape and the block."""

import numpy as np
import pytest
from sklearn import linear_model

from rrsitr_lib.audit import ridge
from rrsitr_lib.audit.features import unit
from rrsitr_lib.audit.ridge import PENALTIES, Ridge
from rrsitr_lib.errors import InputError


def data(images, pairs, width, noise, seed=0):
    """Images, captions and which of both every pair has; some images have no pair, one caption has several."""
    generator = np.random.default_rng(seed)
    hidden = generator.standard_normal((images, 6))
    image = unit(hidden @ generator.standard_normal((6, width)) + generator.standard_normal((images, width)))
    image_of_pair = generator.integers(0, images, pairs)
    text = hidden[image_of_pair] @ generator.standard_normal((6, 9)) + noise * generator.standard_normal((pairs, 9))
    caption_of_pair = np.arange(pairs)
    caption_of_pair[: pairs // 10] = 0
    return image.astype("f4"), unit(text).astype("f4"), image_of_pair, caption_of_pair


def error_of_left_out(penalty, image, seen, groups):
    """Summed squared errors at every image by the map that scikit-learn fits to the pairs of the others."""
    error = 0.0
    for group in np.unique(groups):
        held = groups == group
        fitted = linear_model.Ridge(penalty).fit(image[~held], seen[~held])
        error += np.square(fitted.predict(image[held]) - seen[held]).sum()
    return error


@pytest.mark.parametrize("noise", [0.1, 3.0, 30.0])
@pytest.mark.parametrize(("images", "pairs", "width"), [(90, 250, 20), (40, 100, 60), (70, 60, 64), (30, 30, 30)])
def test_penalty_and_prediction_are_those_of_images_left_out_one_by_one(images, pairs, width, noise, monkeypatch):
    monkeypatch.setattr(ridge, "BLOCK", 16)
    image, text, image_of, caption_of = data(images, pairs, width, noise)
    shown, seen = image[image_of].astype(float), text[caption_of].astype(float)
    errors = [error_of_left_out(penalty, shown, seen, image_of) for penalty in PENALTIES]
    found, tried = Ridge(image, image_of), []
    left_out = found._left_out
    monkeypatch.setattr(found, "_left_out", lambda *sums: tried.append(left_out(*sums)) or tried[0])
    fitted = found.fit(text, caption_of)
    np.testing.assert_allclose(tried[0], errors, rtol=1e-5)
    assert fitted.penalty == PENALTIES[np.argmin(errors)]
    oracle = linear_model.Ridge(fitted.penalty).fit(shown, seen - seen.mean(axis=0))
    np.testing.assert_allclose(fitted(image), oracle.predict(image.astype(float)), atol=1e-6)
    np.testing.assert_allclose(fitted.caption_mean, seen.mean(axis=0), atol=1e-6)


def test_captions_of_one_image_do_not_vouch_for_each_other():
    """Five captions an image and as many axes as images: left out pair by pair, the smallest penalty seems best."""
    generator = np.random.default_rng(0)
    image_of, image = np.repeat(np.arange(60), 5), generator.standard_normal((60, 60)).astype("f4")
    text = np.repeat(generator.standard_normal((60, 9)), 5, axis=0) + 0.1 * generator.standard_normal((300, 9))
    by_pair = linear_model.RidgeCV(alphas=PENALTIES).fit(image[image_of], text)
    assert by_pair.alpha_ == PENALTIES[0] and Ridge(image, image_of).fit(text, np.arange(300)).penalty == PENALTIES[-1]


def test_different_penalties_are_chosen_above():
    """Else the comparison with scikit-learn would compare nothing."""
    chosen = {Ridge(image, of).fit(text, at).penalty for image, text, of, at in
              (data(200, 500, 20, noise) for noise in (0.1, 3.0, 30.0))}  # fmt: skip
    assert len(chosen) == 3


@pytest.mark.filterwarnings("error")
def test_of_one_image_alone_the_mean_caption_is_said():
    text = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    linear = Ridge(np.array([[0.6, 0.8]]), np.zeros(3, dtype=int)).fit(text, np.arange(3))
    np.testing.assert_allclose(linear.caption_mean, text.mean(axis=0))
    np.testing.assert_allclose(linear(np.array([[0.6, 0.8], [1.0, 0.0]])), 0.0, atol=1e-12)


def test_what_a_map_cannot_be_fitted_to_is_said():
    with pytest.raises(InputError, match="1 pairs: a linear map needs at least 2"):
        Ridge(np.eye(3), np.array([0]))
    with pytest.raises(InputError, match="3 images and 2 captions of pairs"):
        Ridge(np.eye(3), np.arange(3)).fit(np.eye(3), np.arange(2))
