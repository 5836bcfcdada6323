"""The result of an injection, and pairs as numbers, which is all that a protocol sees."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import fingerprint


@dataclass(frozen=True)
class Noise:
    """The result of an injection.

    Shape: ``caption_index`` (N,) int64, the row whose caption row i gets; ``mismatched`` (N,) bool, True where that
    caption is not one of the row's own image. ``rate`` is the nominal rate in [0, 1], ``fingerprint`` a SHA-256 of the
    indices: two papers with equal fingerprints trained on the same pairs.
    """

    caption_index: np.ndarray
    mismatched: np.ndarray
    rate: float
    protocol: str
    seed: int
    fingerprint: str = field(default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", fingerprint(self.caption_index.astype("<i8")))

    def __len__(self) -> int:
        return len(self.caption_index)

    @property
    def realised_rate(self) -> float:
        """Share of rows that are truly mismatched, in [0, 1]; for ``shuffle`` a little under ``rate``."""
        return float(self.mismatched.mean())


class PairIndex:
    """Which image and which sentence every row has, as whole numbers, and what follows for captions of other rows.

    **Shape** ``image_ids``, ``captions`` (N,) as given, ``captions`` or None (then every caption counts as different);
    ``images``, ``texts`` (N,) int64, numbered in order of appearance. Raises ``InputError`` for unequal lengths, no
    rows, missing values.
    """

    def __init__(self, image_ids: np.ndarray, captions: np.ndarray | None = None) -> None:
        self.image_ids, self.captions = image_ids, captions
        self.images, self.texts = codes(image_ids, "image_ids"), None
        if captions is not None:
            self.texts = codes(captions, "captions")
            if len(self.texts) != len(self.images):
                sizes = f"captions has {len(self.texts)} rows, image_ids has {len(self.images)}"
                raise InputError(f"{sizes}: they must be equally long")
            self._sentences = int(self.texts.max()) + 1
            self._own = pd.Index(pd.unique(self.images * self._sentences + self.texts))

    def is_mismatched(self, rows: np.ndarray, sources: np.ndarray) -> np.ndarray:
        """True where the caption of row ``sources`` is no sentence of the image of row ``rows``, elementwise."""
        elsewhere = self.images[rows] != self.images[sources]
        if self.texts is None:
            return elsewhere
        key = (self.images[rows] * self._sentences + self.texts[sources])[elsewhere]
        elsewhere[elsewhere] = self._own.get_indexer(key) < 0
        return elsewhere

    def mismatched(self, caption_index: np.ndarray) -> np.ndarray:
        """Shape: (N,) int64 -> (N,) bool."""
        result = np.zeros(len(caption_index), dtype=bool)
        moved = np.flatnonzero(caption_index != np.arange(len(caption_index)))
        result[moved] = self.is_mismatched(moved, caption_index[moved])
        return result


def codes(values: np.ndarray, name: str) -> np.ndarray:
    """Number the distinct values of a column in order of appearance.

    Shape: (N,) -> (N,) int64. Raises ``InputError`` for another shape, no rows, missing values.

    >>> codes(["b", "a", "b"], "image_ids").tolist()
    [0, 1, 0]
    """
    column = values if isinstance(values, np.ndarray) else np.asarray(values, dtype=object)
    if column.size == 0:
        raise InputError(f"{name} is empty: at least one row is needed")
    if column.ndim != 1:
        raise InputError(f"{name} has shape {column.shape}: expected one value per row, shape (N,)")
    try:
        numbers = pd.factorize(column if column.dtype.kind in "iu" else column.astype(object))[0]
    except TypeError as error:
        raise InputError(
            f"{name}: a value that cannot be compared ({error}); expected one text or number per row"
        ) from None
    if (numbers < 0).any():
        raise InputError(f"{name}, row {int(np.argmax(numbers < 0))}: the value is missing (None or NaN)")
    return numbers.astype(np.int64, copy=False)
