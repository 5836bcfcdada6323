"""What another test set would change: recalls over resampled test images, of one method and of two side by side."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.run_results import RECALLS
from rrsitr_lib.training.retrieval_results import RetrievalResults

AT = (1, 5, 10)
DRAWS, LEVEL = 2000, 0.95


class Hits(NamedTuple):
    """Answers counted by test image, so that an image is resampled with all its captions.

    **Shape** ``found`` (M, 6) questions answered within K, image to text and text to image at 1, 5, 10; ``asked``
    (M, 2) questions: 1 where the image has a caption, and the number of its captions.
    """

    found: np.ndarray
    asked: np.ndarray


def hits(results: RetrievalResults) -> Hits:
    """Count a run's results by image.

    Taught in: notebooks/09_reproduction
    """
    images = len(results.caption_rank)
    captions = np.bincount(results.image_of_caption, minlength=images)
    by_image = [(results.caption_rank > 0) & (results.caption_rank <= k) for k in AT]
    by_text = [np.bincount(results.image_of_caption, weights=results.image_rank <= k, minlength=images) for k in AT]
    asked = np.stack([results.caption_rank > 0, captions], axis=1).astype(float)
    return Hits(np.stack([*by_image, *by_text], axis=1).astype(float), asked)


def mean_hits(runs: Sequence[Hits]) -> Hits:
    """The mean over seeds. Raises ``InputError`` where the runs were not tested on the same questions."""
    if any(not np.array_equal(run.asked, runs[0].asked) for run in runs):
        raise InputError("runs were tested on different test sets: allowed are runs with the same images and captions")
    return Hits(np.mean([run.found for run in runs], axis=0), runs[0].asked)


def resampled(counted: Hits, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Recalls and mR, in percent, of ``draws`` test sets of as many images, drawn with replacement.

    **Shape** -> (draws, 7): the six recalls in the order of the table, then mR. Equal seeds draw equal test sets,
    so that two methods can be compared draw by draw.

    >>> all_found = Hits(np.ones((5, 6)), np.ones((5, 2)))
    >>> resampled(all_found, draws=2).tolist() == [[100.0] * 7] * 2
    True

    Taught in: notebooks/09_reproduction
    """
    images = len(counted.asked)
    times = np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), size=draws)
    asked = np.repeat(times @ counted.asked, len(AT), axis=1)
    recalls = 100 * (times @ counted.found) / np.maximum(asked, 1)
    return np.column_stack([recalls, recalls.mean(axis=1)])


def resampling_interval(
    counted: Hits, level: float = LEVEL, draws: int = DRAWS, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Interval of every recall and mR over resampled test images (percentiles), in percent, by the metric's name.

    It says what another test set of this size would change; training seeds and noise stay as they are.
    Taught in: notebooks/09_reproduction
    """
    ends = np.quantile(resampled(counted, draws, seed), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return {name: (float(low), float(high)) for name, low, high in zip(RECALLS, *ends, strict=True)}


class Paired(NamedTuple):
    """Two methods on the same seeds, noise and test images. ``difference`` in percentage points, first minus second;
    ``low``, ``high``: its interval over resampled test images; ``by_seed``: the difference at every shared seed."""

    difference: float
    low: float
    high: float
    by_seed: tuple[float, ...]


def paired(
    first: Sequence[Hits], second: Sequence[Hits], metric: str = "mR", level: float = LEVEL, draws: int = DRAWS
) -> Paired:
    """Compare two methods run by run: item k of both has the same seed and the same noise.

    Both are asked the same resampled questions, so what makes a test set hard for both cancels. Raises ``InputError``
    for unequal numbers of runs, none, different test sets, and an unknown metric. Taught in: notebooks/09_reproduction
    """
    if len(first) != len(second) or not first:
        raise InputError(f"{len(first)} and {len(second)} runs: allowed is one of each for every seed")
    if metric not in RECALLS:
        raise InputError(f"metric is {metric!r}: allowed are {', '.join(RECALLS)}")
    column = RECALLS.index(metric)
    mean_hits([*first, *second])  # the same questions
    by_seed = [_recall(one)[column] - _recall(other)[column] for one, other in zip(first, second, strict=True)]
    moved = resampled(mean_hits(first), draws)[:, column] - resampled(mean_hits(second), draws)[:, column]
    low, high = np.quantile(moved, [(1 - level) / 2, (1 + level) / 2])
    return Paired(float(np.mean(by_seed)), float(low), float(high), tuple(float(value) for value in by_seed))


def _recall(counted: Hits) -> np.ndarray:
    """(7,) of the test set as it is."""
    recalls = 100 * counted.found.sum(axis=0) / np.repeat(counted.asked.sum(axis=0), len(AT))
    return np.append(recalls, recalls.mean())
