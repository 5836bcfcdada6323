"""Random crops as open_clip's training draws them, by (seed, epoch, image), in a time that no GPU waits for."""

import math
from collections.abc import Sequence

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
