"""One vector an image and one a caption: pooled features of frozen towers, computed once, or from files."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import fingerprint
from rrsitr_lib.frozen_towers.token_cache import Computed, cached_tokens, content_of, pixels_of, weights_of
from rrsitr_lib.model.encoder import Encoder, JointEncoder

LARGEST = 1e15  # of a given feature: its square still is a float32


@dataclass(frozen=True)
class PairFeatures:
    """What the scores see. **Shape** ``image`` (M, Di), ``text`` (U, Dt) float32; of pairs (N,) the numbers of both."""

    image: np.ndarray
    text: np.ndarray
    image_of_pair: np.ndarray
    caption_of_pair: np.ndarray

    def __len__(self) -> int:
        return len(self.image_of_pair)

    @cached_property
    def pairs_of_image(self) -> list[np.ndarray]:
        """The numbers of every image's pairs, M arrays."""
        return rows_of(self.image_of_pair)


def rows_of(groups: np.ndarray, count: int = 0) -> list[np.ndarray]:
    """The rows of every group from 0 to the largest, of at least ``count`` groups.

    **Shape** (N,) integers -> arrays that hold 0 to N - 1 together.

    >>> [rows.tolist() for rows in rows_of(np.array([2, 0, 2]), count=4)]
    [[1], [], [0, 2], []]
    """
    return np.split(np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups, minlength=count))[:-1])


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length one; rows of zeros stay. **Shape** (K, D) -> (K, D)."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)


def tower_features(
    towers: Encoder,
    images: np.ndarray | Sequence[Path],
    captions: Sequence[str],
    device: str | torch.device = "cpu",
    numbers: Tensor | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Pooled features of M images and U captions by frozen towers, (M, Di) and (U, Dt); kept in the token cache.

    ``numbers``: the captions as token numbers (U, context), where they are known. Towers without a common space give
    the mean of their tokens before any projection: no new weight has a say.
    """
    weights = weights_of(towers)
    towers = towers.eval().to(device)
    numbers = towers.tokenize(captions) if numbers is None else numbers

    def image(items: range) -> Computed:
        pixels = pixels_of(towers, images, items)
        if isinstance(towers, JointEncoder):
            pooled = towers.image_map(pixels).mean(dim=1)
        else:
            pooled = towers.image(pixels).pooled
        return pooled[:, None], [1] * len(items)

    def text(items: range) -> Computed:
        pooled = _pooled_text(towers, towers.trimmed(numbers[items.start : items.stop]).to(device))
        return pooled[:, None], [1] * len(items)

    image_name = fingerprint("pooled image", weights, repr(towers.eval_transform), *map(content_of, images))
    text_name = fingerprint("pooled text", weights, *captions)
    cached = (
        cached_tokens(towers, image_name, len(images), image, "images"),
        cached_tokens(towers, text_name, len(captions), text, "captions"),
    )
    vectors = [np.array(tokens[:, 0], dtype=np.float32) for tokens, _ in cached]
    return vectors[0], vectors[1]


def _pooled_text(towers: Encoder, numbers: Tensor) -> Tensor:
    if not isinstance(towers, JointEncoder):
        return towers.text(numbers).pooled
    real = (torch.arange(numbers.shape[1], device=numbers.device) < towers.lengths(numbers)[:, None])[..., None]
    return (towers.text_map(numbers) * real).sum(dim=1) / real.sum(dim=1).clamp(min=1)


def read_features(path: str | Path, pairs: int, items: int, of_pair: np.ndarray, what: str) -> np.ndarray:
    """Features from an ``.npy`` file, a row a pair or a row a distinct item in order of appearance -> (items, D).

    Raises ``InputError`` naming the file for another number of rows, other types, or values that are not finite.
    """
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: not an .npy array of numbers ({error})") from None
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.dtype.kind not in "fiu" or not values.shape[1]:
        raise InputError(f"{path}: allowed is an array of numbers, a row for each {what} or pair")
    if len(values) not in (pairs, items):
        raise InputError(f"{path}: {len(values)} rows: allowed are {pairs} (pairs) or {items} (different {what}s)")
    if not (usable := np.abs(values) <= LARGEST).all():  # NaN is not either
        row = int((~usable).any(axis=1).argmax())
        raise InputError(f"{path}, row {row}: a value is not finite, or beyond {LARGEST:g}: divide all by one number")
    if len(values) == pairs and pairs != items:
        values = values[np.unique(of_pair, return_index=True)[1]]
    return values.astype(np.float32)
