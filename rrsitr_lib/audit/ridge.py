"""A linear probe: ridge regression from frozen features of pictures to frozen features of captions."""

from collections.abc import Callable

import numpy as np

from rrsitr_lib.errors import InputError

PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)


def fit_ridge(image: np.ndarray, text: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A map from pictures to centred captions, its penalty chosen by leave-one-out (scikit-learn's ``RidgeCV``).

    **Shape** image (N, Di), text (N, Dt) -> a function (K, Di) -> (K, Dt). Raises ``InputError`` for unequal lengths.

    >>> predict = fit_ridge(np.eye(4), np.eye(4)[:, :2])
    >>> predict(np.eye(4)).argmax(axis=0).tolist()
    [0, 1]
    """
    from sklearn.linear_model import RidgeCV

    if len(image) != len(text) or len(image) < 2:
        raise InputError(f"{len(image)} pictures and {len(text)} captions: allowed are equally many, at least 2")
    centre = text.mean(axis=0)
    model = RidgeCV(alphas=PENALTIES).fit(image, text - centre)
    return model.predict
