"""``shuffle``: the authors' protocol, captions of drawn rows, shuffled among themselves."""

from typing import TYPE_CHECKING

import numpy as np

from rrsitr_lib.registry import PROTOCOLS

if TYPE_CHECKING:
    from rrsitr_lib.data.noise import PairIndex

RUNNING_RATES = (0.2, 0.4, 0.6, 0.8)


@PROTOCOLS.register("shuffle")
def shuffle_pairs(pairs: "PairIndex", rate: float, seed: int) -> np.ndarray:
    """``shuffle`` over the rows of ``pairs``: it looks at neither image nor caption."""
    return shuffle(len(pairs.images), rate, seed)


def shuffle(rows: int, rate: float, seed: int = 42) -> np.ndarray:
    """The authors' protocol, bit for bit: drawn rows shuffle their captions among themselves.

    One legacy generator runs through 0.2, 0.4, 0.6, 0.8 in that order, so the 40 % rows depend on the 20 % draw before
    them; any other rate starts a fresh generator. A shuffle may leave a row its own caption.
    Shape: result (rows,) int64, a permutation. Source: paper, noise injection; quirk 5.

    >>> shuffle(10, 0.4).tolist()
    [1, 5, 2, 3, 4, 9, 6, 7, 8, 0]
    """
    generator = np.random.RandomState(seed)
    running = next((RUNNING_RATES[: k + 1] for k, r in enumerate(RUNNING_RATES) if abs(r - rate) < 1e-9), (rate,))
    for step_rate in running:
        drawn = generator.choice(rows, int(rows * step_rate), replace=False)
        shuffled = drawn.copy()
        generator.shuffle(shuffled)
    caption_index = np.arange(rows)
    caption_index[drawn] = shuffled
    return caption_index
