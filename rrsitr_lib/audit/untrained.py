"""Three judges of a pair that need no trained heads, and can be asked of the pair with any other caption.

A linear map from images to captions, fitted to pairs of other images, and the two neighbour terms of LEMoN (Zhang et
al., Label Errors in Multimodal data, ICML 2025): what is said of similar images, and what similar captions are said of.
Larger is more suspect.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from rrsitr_lib.audit.cross_validation import best_other_caption
from rrsitr_lib.audit.features import PairFeatures, unit
from rrsitr_lib.audit.ridge import Ridge

NEIGHBOURS, SPARE = 30, 20  # pairs; spare ones stand in for neighbours of the pair's own group
IMAGE_DECAY, FIT_DECAY = 0.1, 5.0  # LEMoN's fixed setting: tau_1, tau_2
BLOCK = 512  # pairs
CELLS = 2**25  # of a table of likenesses
SIGNALS = ("linear", "said_of_similar_images", "similar_captions_said_of")


@dataclass(frozen=True)
class UntrainedJudges:
    """The signals of ``SIGNALS``. **Shape** ``groups`` and ``fold`` (N,): equal images are one group, of one fold."""

    features: PairFeatures
    groups: np.ndarray
    fold: np.ndarray

    def __call__(self, rows: np.ndarray, donors: np.ndarray) -> dict[str, np.ndarray]:
        """The signals of pairs ``rows`` with the captions of pairs ``donors``, (n,) both; equal rows keep their own.

        No pair of the row's group is a neighbour, nor the donor: where a caption is wrong, it is not at its own image.
        """
        parts = [slice(start, start + BLOCK) for start in range(0, len(rows), BLOCK)]
        found = [self._of(rows[part], donors[part]) for part in parts]
        return {name: np.concatenate([part[name] for part in found]) for name in SIGNALS}

    def _of(self, rows: np.ndarray, donors: np.ndarray) -> dict[str, np.ndarray]:
        image, caption = self.features.image_of_pair[rows], self.features.caption_of_pair[donors]
        apart = self.groups[rows], donors
        own_image, own_text = self.image[image], self.text[caption]
        (near_image, image_distance), (near_text, text_distance) = self.near
        by_image, image_weight = self._neighbours(near_image[image], image_distance[image], apart)
        by_text, text_weight = self._neighbours(near_text[caption], text_distance[caption], apart)
        texts, images = (
            self.text[self.features.caption_of_pair[by_image]],
            self.image[self.features.image_of_pair[by_text]],
        )
        return {
            "linear": self.misfit(rows, caption),
            SIGNALS[1]: 1 - np.einsum("nd,nkd,nk->n", own_text, texts, image_weight),
            SIGNALS[2]: 1 - np.einsum("nd,nkd,nk->n", own_image, images, text_weight),
        }

    def _neighbours(
        self, near: np.ndarray, distance: np.ndarray, apart: tuple[np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (n, K) and their weights, of sum 1, zero beyond the nearest 30 of other groups."""
        group, donor = (one[:, None] for one in apart)
        other = (self.groups[near] != group) & (near != donor)
        counted = other & (other.cumsum(axis=1) <= NEIGHBOURS)
        weight = counted * np.exp(-IMAGE_DECAY * distance - FIT_DECAY * self.own_misfit[near])
        return near, weight / np.maximum(weight.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)

    def misfit(self, rows: np.ndarray, caption: np.ndarray) -> np.ndarray:
        """One minus the cosine of a caption with what the map, fitted without the fold, says of the image, (n,)."""
        found = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), BLOCK):
            part = slice(start, start + BLOCK)
            centred = unit(self.text[caption[part]] - self.centre[self.fold[rows[part]]])
            guess = self.predicted[self.features.image_of_pair[rows[part]]]
            found[part] = 1 - np.einsum("nd,nd->n", guess, centred)
        return found

    def better(self) -> tuple[np.ndarray, np.ndarray]:
        """The caption of another image that the map likes best for each pair's image, and its lead, (N,) both."""
        caption, likeness = np.zeros(len(self.fold), dtype=np.int64), np.zeros(len(self.fold))
        for number, centre in enumerate(self.centre):
            held = np.flatnonzero(self.fold == number)
            texts = unit(self.text - centre)
            caption[held], likeness[held] = best_other_caption(self.features, held, self.predicted, texts)
        return caption, likeness - (1 - self.own_misfit)

    @cached_property
    def image(self) -> np.ndarray:
        """Unit vectors, (M, Di)."""
        return unit(self.features.image)

    @cached_property
    def text(self) -> np.ndarray:
        """Unit vectors, (U, Dt)."""
        return unit(self.features.text)

    @cached_property
    def _fitted(self) -> tuple[np.ndarray, np.ndarray]:
        """What each image's caption should be, a unit vector (M, Dt), and the mean caption of every fold's map."""
        image_of, caption_of = self.features.image_of_pair, self.features.caption_of_pair
        predicted, centre = np.zeros((len(self.image), self.text.shape[1]), np.float32), []
        for number in range(int(self.fold.max()) + 1):
            seen = self.fold != number
            held = np.unique(image_of[~seen])
            linear = Ridge(self.image, image_of[seen]).fit(self.text, caption_of[seen])
            predicted[held] = linear(self.image[held])
            centre.append(linear.caption_mean)
        return unit(predicted), np.stack(centre).astype(np.float32)

    @property
    def predicted(self) -> np.ndarray:
        """(M, Dt)."""
        return self._fitted[0]

    @property
    def centre(self) -> np.ndarray:
        """(folds, Dt)."""
        return self._fitted[1]

    @cached_property
    def own_misfit(self) -> np.ndarray:
        """``misfit`` of every pair as it is, (N,)."""
        return self.misfit(np.arange(len(self.features)), self.features.caption_of_pair)

    @cached_property
    def near(self) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Pairs by the likeness of their image to each image, and distances, (M, K); the same of captions, (U, K)."""
        most = NEIGHBOURS + 1 + min(int(np.bincount(self.groups).max()), SPARE)
        return (
            nearest(self.image, self.features.image_of_pair, most),
            nearest(self.text, self.features.caption_of_pair, most),
        )


def nearest(vectors: np.ndarray, of_pair: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``most`` pairs whose vectors are nearest to every vector, and their distances, one minus the cosine.

    The vectors that pairs have are compared with all, a block at a time. **Shape** unit vectors (Q, D), (N,) numbers of
    them -> (Q, K) both, nearest first.

    >>> nearest(np.array([[1.0, 0.0], [0.6, 0.8]]), np.array([1, 1, 0]), 2)[0].tolist()
    [[2, 0], [0, 1]]
    """
    numbers, place, times = np.unique(of_pair, return_inverse=True, return_counts=True)
    order, start, most = np.argsort(place, kind="stable"), np.cumsum(times) - times, min(most, len(of_pair))
    items, pairs, distances = torch.from_numpy(vectors[numbers]).T, [], []
    for part in torch.from_numpy(vectors).split(max(1, CELLS // len(numbers))):
        likeness, near = (one.numpy() for one in (part @ items).topk(min(most, len(numbers))))
        up_to = times[near].cumsum(axis=1)  # pairs, so many of the nearest vectors have
        taken = np.diff(np.minimum(up_to, most), axis=1, prepend=0).ravel()
        first = np.repeat(start[near] - up_to + times[near], taken).reshape(-1, most)
        pairs.append(order[first + np.arange(most)])
        distances.append(1 - np.repeat(likeness, taken).reshape(-1, most))
    return np.concatenate(pairs), np.concatenate(distances)
