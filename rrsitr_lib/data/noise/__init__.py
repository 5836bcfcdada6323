"""Noise injection: which caption every row gets, under a named protocol; one file a protocol.

Nothing here touches a table. A protocol, ``@register("name") def mine(pairs, rate, seed)``, returns ``caption_index``:
row i keeps its image and gets the caption that row ``caption_index[i]`` had.
"""

import numpy as np

from rrsitr_lib.data.noise.base import Noise, PairIndex, codes
from rrsitr_lib.data.noise.file import load_noise, save_noise
from rrsitr_lib.data.noise.shuffle import shuffle
from rrsitr_lib.errors import InputError
from rrsitr_lib.registry import PROTOCOLS

register = PROTOCOLS.register

__all__ = ["PROTOCOLS", "Noise", "PairIndex", "codes", "inject", "load_noise", "register", "save_noise", "shuffle"]


def inject(
    image_ids: np.ndarray,
    rate: float,
    protocol: str = "shuffle",
    seed: int = 42,
    captions: np.ndarray | None = None,
) -> Noise:
    """Choose the caption of every row so that about ``rate`` of the rows are mismatched (paper, noise injection).

    Shape: ``image_ids`` (N,) one per row, ``captions`` (N,) texts or None; result over (N,).
    ``captions`` matter twice: a row that gets a sentence which its own image has too is not called mismatched, and
    ``hard`` finds similar images by their words where file names carry no class.
    ``rate`` in [0, 1], a share of the rows (``image``: of the images).
    Raises ``InputError`` for a rate outside [0, 1], an unknown protocol, unequal lengths, tables too small.

    >>> noise = inject(["a", "a", "b", "b", "c", "c"], rate=1.0, protocol="derangement", seed=0)
    >>> int(noise.mismatched.sum()), sorted(noise.caption_index.tolist())
    (6, [0, 1, 2, 3, 4, 5])
    """
    pairs = PairIndex(image_ids, captions)
    _check(pairs.images, rate, protocol, seed)
    caption_index = PROTOCOLS[protocol](pairs, rate, seed)
    return Noise(caption_index, pairs.mismatched(caption_index), float(rate), protocol, int(seed))


def _check(images: np.ndarray, rate: float, protocol: str, seed: int) -> None:
    PROTOCOLS.check(protocol)
    if isinstance(rate, bool) or not isinstance(rate, (int, float, np.number)) or not 0 <= rate <= 1:
        raise InputError(f"noise rate is {rate!r}: allowed is a share from 0 to 1")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise InputError(f"noise seed is {seed!r}: allowed is a whole number from 0 to 4294967295")
    if rate > 0 and (len(images) < 2 or (images == images[0]).all()):
        raise InputError(f"noise rate is {rate}, but all {len(images)} rows show one image: at least two are needed")
