"""Noise injection: which caption every row gets, under a named protocol; one file a protocol.

Nothing here touches a table. A protocol, ``@register("name") def mine(pairs, rate, seed)``, returns ``caption_index``:
row i keeps its image and gets the caption that row ``caption_index[i]`` had.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from rrsitr_lib.data.noise.shuffle import shuffle
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import fingerprint, load_arrays, save_arrays
from rrsitr_lib.registry import PROTOCOLS

register = PROTOCOLS.register

__all__ = ["PROTOCOLS", "Noise", "PairIndex", "codes", "inject", "load_noise", "register", "save_noise", "shuffle"]


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


def save_noise(noise: Noise, path: str | Path) -> Path:
    """Save as ``.npz`` (indices, mask, and protocol, rate, seed, fingerprint as JSON); whole or not at all."""
    facts = {key: getattr(noise, key) for key in ("rate", "protocol", "seed", "fingerprint")}
    arrays = {"caption_index": noise.caption_index, "mismatched": noise.mismatched}
    return save_arrays(path, {**arrays, "facts": np.array(json.dumps(facts))})


def load_noise(path: str | Path) -> Noise:
    """Load what ``save_noise`` wrote. Raises ``InputError`` for another kind of file or a changed fingerprint."""
    arrays = load_arrays(path, "a noise file of this project")
    try:
        caption_index, mismatched = arrays["caption_index"], arrays["mismatched"]
        facts = json.loads(str(arrays["facts"]))
        shapes = caption_index.shape, mismatched.shape
        if caption_index.ndim != 1 or shapes[0] != shapes[1]:
            raise ValueError(f"caption_index and mismatched have the shapes {shapes}")
        if caption_index.dtype.kind not in "iu" or mismatched.dtype != bool:
            raise ValueError(f"caption_index is {caption_index.dtype}, mismatched is {mismatched.dtype}")
        noise = Noise(caption_index, mismatched, float(facts["rate"]), str(facts["protocol"]), int(facts["seed"]))
        stated = str(facts["fingerprint"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a noise file of this project ({type(error).__name__}: {error})") from None
    check_indices(caption_index, len(mismatched), path)
    if noise.fingerprint != stated:
        raise InputError(f"{path}: fingerprint {noise.fingerprint[:12]}… does not match the {stated[:12]}… it states")
    return noise


def check_indices(caption_index: np.ndarray, rows: int, path: str | Path) -> None:
    """Raises ``InputError`` unless there is an index from 0 to ``rows`` - 1 for each row."""
    if caption_index.shape != (rows,):
        raise InputError(f"{path}: {len(caption_index)} caption indices for a table of {rows} rows")
    if rows and not 0 <= caption_index.min() <= caption_index.max() < rows:
        raise InputError(
            f"{path}: caption indices from {caption_index.min()} to {caption_index.max()}, allowed are 0 to {rows - 1}"
        )
