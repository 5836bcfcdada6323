"""Linear maps from images to captions, their penalty chosen by leaving out one image at a time with all its captions.

The map is that of scikit-learn's ``Ridge``. Its ``RidgeCV`` leaves out one pair, whose image stays with its other
captions, so that it takes too small a penalty; and it decomposes the table of all pairs. Here an image of many pairs
counts once, and only a square as wide as a feature is decomposed, once for all captions that are tried: time grows with
the images, memory does not.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from rrsitr_lib.errors import InputError

PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
BLOCK = 4096  # images
NOTHING = 1e-12  # of the largest: an axis on which the images do not differ, far below any penalty


class LinearMap(NamedTuple):
    """**Shape** ``weight`` (Di, Dt), ``image_mean`` (Di,), ``caption_mean`` (Dt,) of the pairs; ``penalty``: chosen."""

    weight: np.ndarray
    image_mean: np.ndarray
    caption_mean: np.ndarray
    penalty: float

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """What is said of images, as captions less their mean. **Shape** (K, Di) -> (K, Dt)."""
        return (image - self.image_mean) @ self.weight


class Ridge:
    """Maps from the images of some pairs to any captions. **Shape** ``image`` (M, Di), ``image_of_pair`` (N,).

    Raises ``InputError`` for fewer than two pairs.

    >>> ridge = Ridge(np.eye(4), np.arange(4))
    >>> ridge.fit(np.eye(4)[:, :2], np.arange(4))(np.eye(4)).argmax(axis=0).tolist()
    [0, 1]
    """

    def __init__(self, image: np.ndarray, image_of_pair: np.ndarray) -> None:
        if len(image_of_pair) < 2:
            raise InputError(f"{len(image_of_pair)} pairs: a linear map needs at least 2")
        numbers, self._place = np.unique(image_of_pair, return_inverse=True)
        self._image, self._times = image[numbers], np.bincount(self._place).astype(float)
        self._mean = self._times @ self._image / len(self._place)
        self._square, self._axes = self._decomposed()

    def _blocks(self) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Parts of the images, centred, and of how many pairs each is, a column."""
        for start in range(0, len(self._image), BLOCK):
            part = slice(start, start + BLOCK)
            yield part, self._image[part] - self._mean, self._times[part, None]

    def _decomposed(self) -> tuple[np.ndarray, np.ndarray]:
        """Squared singular values of the centred images, one a pair, and their axes: (r,) and (Di, r)."""
        if (width := self._image.shape[1]) <= len(self._image):
            gram = np.zeros((width, width))
            for _, image, times in self._blocks():
                gram += (times * image).T @ image
            square, axes = np.linalg.eigh(gram)
            return np.maximum(square, 0.0), axes
        weighted = np.sqrt(self._times)[:, None] * (self._image - self._mean)
        square, sides = np.linalg.eigh(weighted @ weighted.T)
        some = square > NOTHING * square[-1]
        return square[some], weighted.T @ (sides[:, some] / np.sqrt(square[some]))

    def fit(self, text: np.ndarray, caption_of_pair: np.ndarray) -> LinearMap:
        """The map to the captions. **Shape** (U, Dt), (N,). Raises ``InputError`` for another number of pairs."""
        pairs, times = len(self._place), self._times[:, None]
        if len(caption_of_pair) != pairs:
            raise InputError(f"{pairs} images and {len(caption_of_pair)} captions of pairs: allowed are equally many")
        said = csr_array((np.ones(pairs), (self._place, caption_of_pair)), (len(times), len(text)))
        centre = said.sum(axis=0) @ text / pairs
        sums = said @ text - times * centre
        squares = said @ np.einsum("ud,ud->u", text, text) - (2 * sums + times * centre) @ centre
        cross = np.zeros((self._image.shape[1], text.shape[1]))
        for part, image, _ in self._blocks():
            cross += image.T @ sums[part]
        turned = self._axes.T @ cross
        wrong = self._left_out(turned, sums, squares)
        penalty = PENALTIES[int(np.argmin(wrong))]
        return LinearMap(self._axes @ (turned / (self._square + penalty)[:, None]), self._mean, centre, penalty)

    def _left_out(self, turned: np.ndarray, sums: np.ndarray, squares: np.ndarray) -> np.ndarray:
        """Summed squared errors of every penalty at images it was not fitted to, by the leverage of their pairs."""
        wrong = np.zeros(len(PENALTIES))
        for part, image, times in self._blocks():
            along = image @ self._axes
            for number, penalty in enumerate(PENALTIES):
                shrunk = 1 / (self._square + penalty)
                leverage = (along**2 @ shrunk + 1 / len(self._place))[:, None]
                fitted = along @ (shrunk[:, None] * turned)
                left = np.maximum(1 - times * leverage, NOTHING)  # nothing where there is no other image
                guess = (fitted - leverage * sums[part]) / left
                wrong[number] += squares[part].sum() + (guess * (times * guess - 2 * sums[part])).sum()
        return wrong
