"""NCR (Huang et al., NeurIPS 2021): the margin that shrinks with doubt, the opposite of the paper's."""

import numpy as np

from rrsitr_lib.errors import InputError


def soft_margin(label: np.ndarray, margin: float = 0.2, m: float = 10) -> np.ndarray:
    """margin (m^y - 1) / (m - 1), NCR's margin of a triplet loss for a pair that is right with degree y = ``label``.

    It is ``margin`` (cosine units) for a pair believed right, y = 1, and 0 for one believed wrong, y = 0; the larger
    ``m``, the sooner doubt shrinks it. No gradient is meant to flow through it.
    **Shape** any, label in [0, 1] -> the same.
    Raises ``InputError`` for labels outside [0, 1], a negative margin, and an ``m`` not above 1.

    >>> soft_margin(np.array([0.0, 0.5, 1.0])).round(3)
    array([0.   , 0.048, 0.2  ])

    Taught in: notebooks/05_robust_triplet
    """
    label = np.asarray(label, dtype=float)
    outside = label[~((label >= 0) & (label <= 1))]  # NaN too
    if outside.size:
        raise InputError(f"label is {outside.flat[0]}: allowed is 0 (wrong) to 1 (right)")
    if not 0 <= margin < np.inf:
        raise InputError(f"margin is {margin}: allowed is 0 or more, in cosine units")
    if not 1 < m < np.inf:
        raise InputError(f"m is {m}: allowed is above 1")
    return margin * (m**label - 1) / (m - 1)
