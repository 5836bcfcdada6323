"""``image``: all captions of drawn images move together, as in DECL, RCL and L2RM."""

import numpy as np

from rrsitr_lib.data.noise import PairIndex
from rrsitr_lib.errors import InputError
from rrsitr_lib.registry import PROTOCOLS


@PROTOCOLS.register("image")
def image_level(pairs: PairIndex, rate: float, seed: int) -> np.ndarray:
    """``round(M * rate)`` of the M images exchange all their captions together, none keeps its own (DECL, RCL, L2RM).

    Row k of an image gets caption k of its new partner, beginning anew where the partner has fewer.
    Shape: result (N,) int64.
    """
    generator = np.random.default_rng(seed)
    order = np.argsort(pairs.images, kind="stable")
    sizes = np.bincount(pairs.images)
    starts = np.cumsum(sizes) - sizes
    count = round(len(sizes) * rate)
    caption_index = np.arange(len(pairs.images))
    if count == 1:
        raise InputError(f"noise rate {rate} of {len(sizes)} images is 1 image: an exchange needs at least two")
    circle = generator.permutation(len(sizes))[:count]  # each passes its captions to the next: nobody keeps its own
    partner = np.arange(len(sizes))
    partner[circle] = np.roll(circle, 1)
    position = np.arange(len(order)) - np.repeat(starts, sizes)
    partner_of_row = np.repeat(partner, sizes)
    caption_index[order] = order[starts[partner_of_row] + position % sizes[partner_of_row]]
    return caption_index
