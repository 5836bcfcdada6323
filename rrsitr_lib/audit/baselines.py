"""What an audit must beat: simple scores of how suspect a pair is, larger is more suspect, all cross-validated."""

import warnings

import numpy as np

from rrsitr_lib.audit.features import PairFeatures, unit
from rrsitr_lib.audit.judges import folds_of
from rrsitr_lib.audit.ridge import fit_ridge

BLOCK = 512


def dissimilarity(features: PairFeatures) -> np.ndarray | None:
    """Minus the cosine of the pair before any training (zero-shot), (N,); None where the towers share no space."""
    cosine = features.cosine()
    return None if cosine is None else -cosine


def neighbour_score(features: PairFeatures, groups: np.ndarray, neighbours: int = 10) -> np.ndarray:
    """How unlike the pair's caption is to the captions of the most similar other pictures, (N,).

    Minus the mean, over the nearest pictures of other groups, of the cosine with their most similar caption.
    **Shape** groups (N,) integers; equal pictures are one group and never neighbours.
    """
    image, text = unit(features.image), unit(features.text)
    group_of_image = np.zeros(len(image), dtype=groups.dtype)
    group_of_image[features.image_of_pair] = groups
    pairs_of = features.pairs_of_image()
    captions_of = [features.caption_of_pair[pairs] for pairs in pairs_of]
    score = np.zeros(len(features))
    for start in range(0, len(image), BLOCK):
        block = image[start : start + BLOCK] @ image.T
        block[group_of_image[start : start + BLOCK, None] == group_of_image] = -np.inf
        near = np.argsort(-block, axis=1)[:, :neighbours]
        for picture in range(start, min(start + BLOCK, len(image))):
            own = text[captions_of[picture]]
            like = [(own @ text[captions_of[other]].T).max(axis=1) for other in near[picture - start]]
            score[pairs_of[picture]] = -np.mean(like, axis=0)
    return score


def ridge_score(features: PairFeatures, groups: np.ndarray, folds: int = 4, seed: int = 3) -> np.ndarray:
    """Minus the cosine of the caption with what a ridge regression predicts from the picture, out of fold, (N,)."""
    fold, score = folds_of(groups, folds, seed), np.zeros(len(features))
    image, text = unit(features.image)[features.image_of_pair], unit(features.text)[features.caption_of_pair]
    for number in range(folds):
        seen, held = fold != number, fold == number
        predict = fit_ridge(image[seen], text[seen])
        score[held] = -np.einsum("nd,nd->n", unit(predict(image[held])), unit(text[held] - text[seen].mean(axis=0)))
    return score


def confident_learning_score(
    features: PairFeatures, groups: np.ndarray, folds: int = 4, seed: int = 3, classes: int = 40
) -> np.ndarray:
    """One minus the self-confidence of confident learning, in [0, 1], (N,).

    Captions have no classes, so they are clustered (k-means); a logistic regression then tells the cluster from the
    picture, and the pair is as suspect as the cluster of its caption is improbable out of fold.
    Source: Northcutt et al., Confident Learning, JAIR 2021 (cleanlab), normalised margin left out.
    """
    from sklearn.cluster import KMeans
    from sklearn.linear_model import LogisticRegression

    image, text = unit(features.image)[features.image_of_pair], unit(features.text)
    classes = max(2, min(classes, len(text) // 5))
    label = KMeans(classes, n_init=1, random_state=seed).fit_predict(text)[features.caption_of_pair]
    fold, score = folds_of(groups, folds, seed), np.ones(len(features))
    for number in range(folds):
        seen, held = fold != number, fold == number
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a solver that stops early still ranks
            model = LogisticRegression(C=10, max_iter=200).fit(image[seen], label[seen])
        column = {name: place for place, name in enumerate(model.classes_)}
        probability = model.predict_proba(image[held])
        known = np.array([column.get(name, -1) for name in label[held]])
        score[held] = 1 - np.where(known < 0, 0, probability[np.arange(len(known)), known])
    return score
