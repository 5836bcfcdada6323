"""How sure a number is: over training seeds, over independent queries, and over resampled test images."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.run_results import RECALLS
from rrsitr_lib.training.retrieval_results import RetrievalResults

AT = (1, 5, 10)
DRAWS, ENDS = 20_000, (0.025, 0.975)  # of the 95 % interval: another seed moves its ends by a few hundredths
BLOCK = 2000  # draws


def recall_error(recall: float, queries: int) -> float:
    """Standard error of a recall over ``queries`` independent queries, in percentage points.

    The binomial formula 100 sqrt(p (1 - p) / n), p the recall as a share. K does not enter: a query is a hit or not.
    The captions of one image are not independent: count images, or resample them. Raises ``InputError`` outside
    [0, 100] percent or below one query.

    >>> round(recall_error(25.44, 452), 2)
    2.05
    """
    if not 0 <= recall <= 100:
        raise InputError(f"recall is {recall}: allowed is 0 to 100 percent")
    if queries < 1:
        raise InputError(f"queries is {queries}: allowed is 1 or more")
    share = recall / 100
    return 100 * math.sqrt(share * (1 - share) / queries)


def t_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Interval for the mean over all seeds that could have been drawn, by Student's t with n - 1 degrees of freedom.

    **Shape** values (n,), n of at least 2, in any unit; the result has the same unit. It speaks of seeds only: noise
    and test set are the same in all values. Raises ``InputError`` for one value, or a level outside (0, 1).

    >>> [round(end, 1) for end in t_interval([45.0, 46.0, 47.0])]
    [43.5, 48.5]
    """
    from scipy.stats import sem, t

    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or len(array) < 2:
        raise InputError(f"values has shape {array.shape}: allowed are two values or more")
    if not 0 < level < 1:
        raise InputError(f"level is {level}: allowed is between 0 and 1")
    low, high = t.interval(level, len(array) - 1, array.mean(), sem(array))
    return float(low), float(high)


class HitCounts(NamedTuple):
    """Queries and hits by test image, so that an image is resampled with all its captions.

    **Shape** ``hits`` (M, 6) queries answered within K, image to text and text to image at 1, 5, 10; ``queries``
    (M, 2): 1 where the image has a caption, and the number of its captions.
    """

    hits: np.ndarray
    queries: np.ndarray

    def recalls(self) -> dict[str, float]:
        """Recalls and mR of the test set as it is, in percent."""
        values = _recalls(self.hits.sum(axis=0), self.queries.sum(axis=0))
        return dict(zip(RECALLS, values.tolist(), strict=True))

    def mean_recall(self) -> float:
        """mR of the test set as it is, in percent."""
        return self.recalls()["mR"]


class Ranks(NamedTuple):
    """Those fields of ``RetrievalResults`` that recalls need: **Shape** (C,), (M,) rank of the best caption, (C,)."""

    image_of_caption: np.ndarray
    caption_rank: np.ndarray
    image_rank: np.ndarray


def count_hits(results: Ranks | RetrievalResults) -> HitCounts:
    """Count a run's results by image."""
    images = len(results.caption_rank)
    captions = np.bincount(results.image_of_caption, minlength=images)
    by_image = [(results.caption_rank > 0) & (results.caption_rank <= k) for k in AT]
    by_text = [np.bincount(results.image_of_caption, weights=results.image_rank <= k, minlength=images) for k in AT]
    queries = np.stack([results.caption_rank > 0, captions], axis=1).astype(float)
    return HitCounts(np.stack([*by_image, *by_text], axis=1).astype(float), queries)


def mean_hits(runs: Sequence[HitCounts]) -> HitCounts:
    """The mean over seeds. Raises ``InputError`` where the runs were not tested on the same queries."""
    if any(not np.array_equal(run.queries, runs[0].queries) for run in runs):
        raise InputError("runs were tested on different test sets: allowed are runs with the same images and captions")
    return HitCounts(np.mean([run.hits for run in runs], axis=0), runs[0].queries)


def resampled(counts: HitCounts, draws: int = DRAWS) -> np.ndarray:
    """Recalls and mR, in percent, of ``draws`` test sets of as many images, drawn with replacement.

    **Shape** -> (draws, 7): the six recalls in the order of the table, then mR. Every call draws the same test sets, so
    that two methods can be compared draw by draw.

    >>> all_found = HitCounts(np.ones((5, 6)), np.ones((5, 2)))
    >>> resampled(all_found, draws=2).tolist() == [[100.0] * 7] * 2
    True
    """
    found = []
    for number in range(-(-draws // BLOCK)):
        times = _times_drawn(len(counts.queries), number).astype(float)
        found.append(_recalls(times @ counts.hits, times @ counts.queries))
    return np.concatenate(found)[:draws]


@lru_cache(maxsize=DRAWS // BLOCK)
def _times_drawn(images: int, number: int) -> np.ndarray:
    """How often each image is in each test set of a block, (BLOCK, images); no image is in one 256 times."""
    drawn = np.random.default_rng(number).multinomial(images, np.full(images, 1 / images), size=BLOCK)
    return drawn.astype(np.uint8)


def _recalls(hits: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Percent, and their mean. **Shape** (..., 6), (..., 2) -> (..., 7)."""
    recalls = 100 * hits / np.maximum(np.repeat(queries, len(AT), axis=-1), 1)
    return np.concatenate([recalls, recalls.mean(axis=-1, keepdims=True)], axis=-1)


def resampling_interval(counts: HitCounts) -> dict[str, tuple[float, float]]:
    """95 % interval of every recall and mR over resampled test images, in percent, by the metric's name.

    It says what another test set of this size would change; training seeds and noise stay as they are.
    """
    ends = np.quantile(resampled(counts), ENDS, axis=0)
    return {name: (float(low), float(high)) for name, low, high in zip(RECALLS, *ends, strict=True)}


class Paired(NamedTuple):
    """Two methods on the same seeds, noise and test images: ``difference`` of mR in points, first minus second.

    ``low``, ``high``: its interval over resampled test images; ``by_seed``: the difference at every shared seed.
    """

    difference: float
    low: float
    high: float
    by_seed: tuple[float, ...]


def paired(first: Sequence[HitCounts], second: Sequence[HitCounts]) -> Paired:
    """Compare the mR of two methods run by run: item k of both has the same seed and the same noise.

    Both get the same resampled queries, so what makes a test set hard for both cancels. Raises ``InputError``
    for unequal numbers of runs, none, and different test sets.
    """
    if len(first) != len(second) or not first:
        raise InputError(f"{len(first)} and {len(second)} runs: allowed is one of each for every seed")
    mean_hits([*first, *second])  # the same queries
    by_seed = [one.mean_recall() - other.mean_recall() for one, other in zip(first, second, strict=True)]
    moved = (resampled(mean_hits(first)) - resampled(mean_hits(second)))[:, -1]
    low, high = np.quantile(moved, ENDS)
    return Paired(float(np.mean(by_seed)), float(low), float(high), tuple(by_seed))
