"""Noise injection: which caption every row gets, under one of four named protocols.

Nothing here touches a table. A protocol returns ``caption_index``: row i keeps its image and gets the caption that row
``caption_index[i]`` had. ``noise_protocols`` holds the other three protocols; ``noise_files`` saves and loads.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from rrsitr_lib.data.noise_protocols import Groups, derangement, hard, image_level
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import fingerprint

RUNNING_RATES = (0.2, 0.4, 0.6, 0.8)
PROTOCOLS = ("shuffle", "derangement", "image", "hard")


@dataclass(frozen=True)
class Noise:
    """The result of an injection.

    Shape: ``caption_index`` (N,) int64, the row whose caption row i gets; ``mismatched`` (N,) bool, True where that
    caption is not one of the row's own image. ``rate`` is the nominal rate in [0, 1], ``fingerprint`` a SHA-256 of the
    indices: two papers with equal fingerprints trained on the same pairs.
    Taught in: notebooks/02_noise
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

    Taught in: notebooks/02_noise
    """
    images, texts = codes(image_ids, "image_ids"), None
    if captions is not None:
        texts = codes(captions, "captions")
        if len(texts) != len(images):
            raise InputError(f"captions has {len(texts)} rows, image_ids has {len(images)}: they must be equally long")
    _check(images, rate, protocol, seed)
    groups = Groups(images, texts)
    protocols: dict[str, Callable[[], np.ndarray]] = {
        "shuffle": lambda: shuffle(len(images), rate, seed),
        "derangement": lambda: derangement(groups, rate, seed),
        "image": lambda: image_level(groups, rate, seed),
        "hard": lambda: hard(groups, np.asarray(image_ids, dtype=object), captions, rate, seed),
    }
    caption_index = protocols[protocol]()
    return Noise(caption_index, groups.mismatched(caption_index), float(rate), protocol, int(seed))


def shuffle(rows: int, rate: float, seed: int = 42) -> np.ndarray:
    """The authors' protocol, bit for bit: drawn rows shuffle their captions among themselves.

    One legacy generator runs through 0.2, 0.4, 0.6, 0.8 in that order, so the 40 % rows depend on the 20 % draw before
    them; any other rate starts a fresh generator. A shuffle may leave a row its own caption.
    Shape: result (rows,) int64, a permutation. Source: paper, noise injection; quirk 5.

    >>> shuffle(10, 0.4).tolist()
    [1, 5, 2, 3, 4, 9, 6, 7, 8, 0]

    Taught in: notebooks/02_noise
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


def _check(images: np.ndarray, rate: float, protocol: str, seed: int) -> None:
    if protocol not in PROTOCOLS:
        raise InputError(f"protocol is {protocol!r}: allowed are {', '.join(PROTOCOLS)}")
    if isinstance(rate, bool) or not isinstance(rate, (int, float, np.number)) or not 0 <= rate <= 1:
        raise InputError(f"noise rate is {rate!r}: allowed is a share from 0 to 1")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise InputError(f"noise seed is {seed!r}: allowed is a whole number from 0 to 4294967295")
    if rate > 0 and (len(images) < 2 or (images == images[0]).all()):
        raise InputError(f"noise rate is {rate}, but all {len(images)} rows show one image: at least two are needed")
