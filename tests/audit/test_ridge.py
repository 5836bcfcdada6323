"""The linear map is scikit-learn's, penalty and prediction, whatever the shape and the block."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV

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


@pytest.mark.parametrize("noise", [0.1, 3.0, 30.0])
@pytest.mark.parametrize(("images", "pairs", "width"), [(200, 500, 20), (40, 100, 60), (200, 150, 160), (30, 30, 30)])
def test_penalty_and_prediction_are_those_of_ridge_cv(images, pairs, width, noise, monkeypatch):
    monkeypatch.setattr(ridge, "BLOCK", 64)
    image, text, image_of, caption_of = data(images, pairs, width, noise)
    seen = text[caption_of].astype(float)
    oracle = RidgeCV(alphas=PENALTIES).fit(image[image_of].astype(float), seen - seen.mean(axis=0))
    found = Ridge(image, image_of).fit(text, caption_of)
    assert found.penalty == oracle.alpha_
    np.testing.assert_allclose(found(image), oracle.predict(image.astype(float)), atol=1e-6)
    np.testing.assert_allclose(found.caption_mean, seen.mean(axis=0), atol=1e-6)


def test_different_penalties_are_chosen_above():
    """Else the comparison with scikit-learn would compare nothing."""
    chosen = {Ridge(image, of).fit(text, at).penalty for image, text, of, at in
              (data(200, 500, 20, noise) for noise in (0.1, 3.0, 30.0))}  # fmt: skip
    assert len(chosen) == 3


def test_what_a_map_cannot_be_fitted_to_is_said():
    with pytest.raises(InputError, match="1 pairs: a linear map needs at least 2"):
        Ridge(np.eye(3), np.array([0]))
    with pytest.raises(InputError, match="3 images and 2 captions of pairs"):
        Ridge(np.eye(3), np.arange(3)).fit(np.eye(3), np.arange(2))
