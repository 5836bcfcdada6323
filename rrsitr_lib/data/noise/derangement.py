"""``derangement``: captions of drawn rows, among themselves, so that no row keeps one of its own image."""

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from rrsitr_lib.data.noise import PairIndex
from rrsitr_lib.errors import InputError
from rrsitr_lib.registry import PROTOCOLS

TRIES = 50
REPAIRS = 8  # passes over the clashes; each leaves few of them, or there is hardly a way out
SMALL = 1_000  # up to this many drawn rows an exact matching is affordable when repair fails


@PROTOCOLS.register("derangement")
def derangement(pairs: PairIndex, rate: float, seed: int) -> np.ndarray:
    """Exactly ``round(N * rate)`` rows permute their captions so that none keeps a caption of its own image.

    Shape: result (N,) int64, a permutation. Raises ``InputError`` where no such permutation exists.
    """
    rows = len(pairs.images)
    count = round(rows * rate)
    generator = np.random.default_rng(seed)
    caption_index = np.arange(rows)
    if count == 0:
        return caption_index
    for attempt in range(TRIES):
        order = generator.permutation(rows)
        if attempt:  # an image may hold at most half of the drawn rows: keep no more of any
            order = order[pd.Series(pairs.images[order]).groupby(pairs.images[order]).cumcount() < count // 2]
        drawn = order[:count]
        if len(drawn) < count:
            break
        sources = None
        if 2 * np.bincount(pairs.images[drawn]).max() <= count:
            sources = _deranged(pairs, drawn, generator)
        if sources is not None:
            caption_index[drawn] = sources
            return caption_index
    raise InputError(
        f"noise rate {rate} draws {count} of {rows} rows, but no exchange gives each of them a caption of another "
        "image: take a larger table, another rate, or the shuffle protocol"
    )


def _deranged(pairs: PairIndex, drawn: np.ndarray, generator: np.random.Generator) -> np.ndarray | None:
    """A permutation of ``drawn`` without a caption of the own image: shuffle, then exchange the few that clash."""
    sources = generator.permutation(drawn)
    for _ in range(REPAIRS):
        clashes = np.flatnonzero(~pairs.is_mismatched(drawn, sources))
        if not len(clashes):
            return sources
        for clash in clashes:
            other = generator.integers(len(drawn))
            pair, swapped = [clash, other], [other, clash]
            if pairs.is_mismatched(drawn[pair], sources[swapped]).all():
                sources[pair] = sources[swapped]
    if len(drawn) > SMALL:
        return None
    allowed = pairs.is_mismatched(drawn[:, None], sources[None, :])
    match = maximum_bipartite_matching(csr_matrix(allowed), perm_type="column")
    return None if (match < 0).any() else sources[match]
