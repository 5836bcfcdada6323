"""Two scores that need no trained heads: a linear probe, and the captions of similar images; larger is more suspect."""

from collections.abc import Callable

import numpy as np

from rrsitr_lib.audit.cross_validation import folds_of
from rrsitr_lib.audit.features import PairFeatures, unit
from rrsitr_lib.errors import InputError

PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)
BLOCK = 512


def fit_ridge(image: np.ndarray, text: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A linear map from images to centred captions, its penalty chosen by leave-one-out (scikit-learn's ``RidgeCV``).

    **Shape** image (N, Di), text (N, Dt) -> a function (K, Di) -> (K, Dt). Raises ``InputError`` for unequal lengths.

    >>> predict = fit_ridge(np.eye(4), np.eye(4)[:, :2])
    >>> predict(np.eye(4)).argmax(axis=0).tolist()
    [0, 1]
    """
    from sklearn.linear_model import RidgeCV

    if len(image) != len(text) or len(image) < 2:
        raise InputError(f"{len(image)} images and {len(text)} captions: allowed are equally many, at least 2")
    return RidgeCV(alphas=PENALTIES).fit(image, text - text.mean(axis=0)).predict


def ridge_score(features: PairFeatures, groups: np.ndarray, folds: int = 4, seed: int = 3) -> np.ndarray:
    """Minus the cosine of the caption with what a ridge regression predicts from the image, out of fold, (N,)."""
    fold, score = folds_of(groups, folds, seed), np.zeros(len(features))
    image, text = unit(features.image)[features.image_of_pair], unit(features.text)[features.caption_of_pair]
    for number in range(folds):
        seen, held = fold != number, fold == number
        predict = fit_ridge(image[seen], text[seen])
        score[held] = -np.einsum("nd,nd->n", unit(predict(image[held])), unit(text[held] - text[seen].mean(axis=0)))
    return score


def neighbour_score(features: PairFeatures, groups: np.ndarray, neighbours: int = 10) -> np.ndarray:
    """How unlike the pair's caption is to the captions of the most similar other images, (N,).

    Minus the mean, over the nearest images of other groups, of the cosine with their most similar caption.
    **Shape** groups (N,) integers; equal images are one group and never neighbours.
    """
    image, text = unit(features.image), unit(features.text)
    group_of_image = np.zeros(len(image), dtype=groups.dtype)
    group_of_image[features.image_of_pair] = groups
    pairs_of = features.pairs_of_image
    captions_of = [features.caption_of_pair[pairs] for pairs in pairs_of]
    score = np.zeros(len(features))
    for start in range(0, len(image), BLOCK):
        block = image[start : start + BLOCK] @ image.T
        block[group_of_image[start : start + BLOCK, None] == group_of_image] = -np.inf
        near = np.argsort(-block, axis=1)[:, :neighbours]
        for number in range(start, min(start + BLOCK, len(image))):
            own = text[captions_of[number]]
            like = [(own @ text[captions_of[other]].T).max(axis=1) for other in near[number - start]]
            score[pairs_of[number]] = -np.mean(like, axis=0)
    return score
