"""Random crops as open_clip's training draws them, by (seed, epoch, image), in a time that no GPU waits for."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

TRIES = 10


def crop_box(
    size: tuple[int, int], scale: Sequence[float], ratio: Sequence[float], seed: int, epoch: int, item: int
) -> tuple[int, int, int, int]:
    """Top, left, height, width in pixels of a crop of an image of ``size`` (height, width).

    Its share of the area lies in ``scale``, the ratio of width to height in ``ratio``, both as of torchvision's
    ``RandomResizedCrop``, by whose rules the box is drawn: ten tries, then the largest centred one.

    >>> crop_box((64, 96), (0.9, 1.0), (0.75, 1.33), seed=3, epoch=0, item=7)
    (0, 5, 64, 85)
    """
    height, width = size
    draws = (
        np.random.Generator(np.random.Philox(key=[seed, epoch], counter=[item, 0, 0, 0])).random((TRIES, 4)).tolist()
    )
    low, high = math.log(ratio[0]), math.log(ratio[1])
    for area, form, top, left in draws:
        wanted = height * width * (scale[0] + area * (scale[1] - scale[0]))
        aspect = math.exp(low + form * (high - low))
        wide, tall = round(math.sqrt(wanted * aspect)), round(math.sqrt(wanted / aspect))
        if 0 < wide <= width and 0 < tall <= height:
            return int(top * (height - tall + 1)), int(left * (width - wide + 1)), tall, wide
    wide = min(width, round(height * ratio[1]))
    tall = min(height, round(width / ratio[0]))
    return (height - tall) // 2, (width - wide) // 2, tall, wide


def crop_boxes(
    size: tuple[int, int], scale: Sequence[float], ratio: Sequence[float], seed: int, epoch: int, items: np.ndarray
) -> np.ndarray:
    """``crop_box`` of many images of one size at once. **Shape** items (B,) -> (B, 4) int64.

    >>> crop_boxes((64, 96), (0.9, 1.0), (0.75, 1.33), seed=3, epoch=0, items=np.array([7])).tolist()
    [[0, 5, 64, 85]]
    """
    height, width = size
    rows = 1 << (int(items.max()) + TRIES).bit_length()  # the same for most batches of an epoch
    stream = _stream(seed, epoch, rows)
    area, form, top, left = np.moveaxis(stream[items[:, None] + np.arange(TRIES)], 2, 0)
    low, high = math.log(ratio[0]), math.log(ratio[1])
    wanted = height * width * (scale[0] + area * (scale[1] - scale[0]))
    aspect = np.exp(low + form * (high - low))
    wide, tall = np.rint(np.sqrt(wanted * aspect)), np.rint(np.sqrt(wanted / aspect))
    fits = (wide > 0) & (wide <= width) & (tall > 0) & (tall <= height)
    tries = np.stack([top * (height - tall + 1), left * (width - wide + 1), tall, wide], axis=2).astype(np.int64)
    boxes = tries[np.arange(len(items)), fits.argmax(axis=1)]
    for place in np.flatnonzero(~fits.any(axis=1)):
        boxes[place] = crop_box(size, scale, ratio, seed, epoch, int(items[place]))
    return boxes


@lru_cache(maxsize=2)
def _stream(seed: int, epoch: int, rows: int) -> np.ndarray:
    """All draws of an epoch: the tries of image i begin at row i, as the counter of its generator does."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).random((rows, 4))
