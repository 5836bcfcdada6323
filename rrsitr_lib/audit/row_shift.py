"""Rows in a wrong order: from some row on, the captions a fixed way off fit better, or those of a part in reverse.

One missing line moves all captions below it, and each of them looks wrong by itself; said once, it is mended once.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rrsitr_lib.audit.features import unit
from rrsitr_lib.audit.ridge import Ridge
from rrsitr_lib.audit.untrained import UntrainedJudges

FARTHEST = 25  # pairs
REFITTED = (1, 2, 3, 5, 10)  # pairs by which all captions are moved where most look wrong
MOST_WRONG = 0.5  # share of mismatched pairs from which on the map itself may have learned from slipped rows
SURE = 5.0  # standard errors of the gain; without a shift the largest of 50 ways was 3 on real pairs in their order
MORE_WRONG = 0.2  # probability of being mismatched, beyond the mean
SURE_OF_TORN = 3.0  # standard errors; mismatches in any order, of 0 to 80 % of pairs, had 0.6 at most
FEWEST = 20  # images
AROUND = 21  # images
CELLS = 2**24  # of a table of likenesses


def find_shift(judges: UntrainedJudges, rows: Sequence[int], rate: float) -> str:
    """The most certain shift of rows in words, empty where there is none. **Shape** ``rows`` (N,) of the table.

    A part may have slipped by some rows, moved far (two parts exchanged), or be in reverse. A caption counts as fitting
    where the linear map likes it better than at its own image, and better than at those of the other rows nearby: in a
    table in the order of its scenes, it fits all of them a little. ``rate``: the share of mismatched pairs; where it is
    high, maps that are fitted to moved captions are tried too.
    """
    table, reach = np.asarray(rows), min(FARTHEST, len(rows) // 4)
    if reach < 2:
        return ""
    caption, (judges, fitted_to) = judges.features.caption_of_pair, _best_map(judges, rate)
    far = [(in_reverse, _far_way(judges, caption, in_reverse)) for in_reverse in (False, True)]
    found = []
    for in_reverse, middle in {(False, 0), fitted_to, *far}:
        ways = [way for way in range(middle - reach, middle + reach + 1) if way or in_reverse]
        segments = [_segment(gain, judges.groups) for gain in _gains(judges, caption, in_reverse, ways)]
        found += [(*segment, in_reverse, way) for segment, way in zip(segments, ways, strict=True)]
    sure = [segment for segment in found if segment[1] >= SURE]
    if not sure:
        return ""
    _, _, first, last, in_reverse, way = max(sure)  # of several ways to an image's captions, that on which most gain
    return _said(table, np.arange(first, last + 1), way, in_reverse)


def find_torn(wrong: np.ndarray, groups: np.ndarray, rows: Sequence[int]) -> str:
    """The rows among which far more captions look wrong than elsewhere, in words, empty where there are none such.

    **Shape** ``wrong`` (N,), the probability of being mismatched; ``groups`` (N,); ``rows`` (N,) of the table.

    >>> wrong = np.r_[np.full(60, 0.05), np.full(40, 0.95)]
    >>> find_torn(wrong, np.arange(100), range(1, 101))
    'from row 61 to row 100 95 % of the captions look wrong, elsewhere 5 %: were these rows sorted by themselves?'
    """
    _, certain, first, last = _segment(wrong - (wrong.mean() + MORE_WRONG), groups)
    here = np.zeros(len(wrong), dtype=bool)
    here[first : last + 1] = True
    if certain < SURE_OF_TORN or here.all():
        return ""
    inside, outside = (f"{100 * wrong[part].mean():.0f} %" for part in (here, ~here))
    where = f"from row {rows[first]} to row {rows[last]} {inside} of the captions look wrong, elsewhere {outside}"
    return f"{where}: were these rows sorted by themselves?"


def _said(table: np.ndarray, pairs: np.ndarray, way: int, in_reverse: bool) -> str:
    donors = (len(table) - 1 - pairs if in_reverse else pairs) + (-way if in_reverse else way)
    inside = (donors >= 0) & (donors < len(table))
    here, there = table[pairs[inside]], table[donors[inside]]
    where = f"from row {here[0]} to row {here[-1]} the caption of row "
    if in_reverse:
        return f"{where}{there[0]}, {there[1]} and so on upwards fits better ({len(here)} pairs): are they in reverse?"
    steps, times = np.unique(there - here, return_counts=True)
    better = f"i{steps[times.argmax()]:+d} fits the image of row i better than its own"
    what = "did the rows slip" if abs(way) <= FARTHEST else "were parts of the table exchanged"
    return f"{where}{better} ({len(here)} pairs): {what}?"


def _far_way(judges: UntrainedJudges, caption: np.ndarray, in_reverse: bool) -> int:
    """The way, in places of that order, at which captions fit more images than around it, beyond the nearest rows.

    In the table of every image with every image's captions, a part that moved is a bright line beside the diagonal, or
    across it where it is in reverse. Of many images some are looked at.
    """
    starts, pairs = _starts(judges.groups), len(caption)
    count, near = len(starts), FARTHEST * len(starts) // pairs
    texts = unit(np.add.reduceat(unit(judges.text[caption] - judges.centre.mean(axis=0)), starts))
    images = np.arange(0, count, 1 + count**2 // CELLS)
    likeness = judges.predicted[judges.features.image_of_pair[starts[images]]] @ (texts - texts.mean(axis=0)).T
    line = (np.arange(count)[:: -1 if in_reverse else 1] - images[:, None] + count).ravel()
    height = np.bincount(line, likeness.ravel(), 2 * count) / np.sqrt(np.bincount(line, minlength=2 * count) + 1)
    around = min(AROUND, len(height))
    bright = height - np.convolve(height, np.full(around, 1 / around), "same")
    ways = np.arange(2 * count) - count
    allowed = (ways > -count) & (in_reverse | (np.abs(ways) > near))
    if not allowed.any():
        return 0
    way = int(ways[allowed][bright[allowed].argmax()])
    here = np.arange(max(0, -way), min(count, count - way))
    standing = pairs - np.r_[starts[1:], pairs][::-1] if in_reverse else starts
    return int(np.median(standing[here + way] - starts[here]))


def _gains(judges: UntrainedJudges, caption: np.ndarray, in_reverse: bool, ways: Sequence[int]) -> np.ndarray:
    """How much better the caption ``way`` places on in that order fits than at its own image and around it. (ways, N).

    Asked of the caption, not of the image: where an image has several, a slip of one row moves only the first or the
    last of them, and the others fit as well as before. Nothing is gained by a caption of the same image, or from
    beyond the ends.
    """
    everyone = np.arange(len(caption))
    order, misfits, same = everyone[::-1] if in_reverse else everyone, [], []
    for way in ways:
        donor = order[(everyone + way) % len(order)]
        misfits.append(judges.misfit(everyone, caption[donor]))
        beyond = (everyone + way < 0) | (everyone + way >= len(order))
        same.append((judges.groups[donor] == judges.groups) | beyond)
    misfit, alike, own = np.array(misfits), np.array(same), judges.misfit(everyone, caption)[order]
    elsewhere = np.array([np.roll(one, way) for one, way in zip(np.where(alike, np.nan, misfit), ways, strict=True)])
    elsewhere[:, np.isnan(elsewhere).all(axis=0)] = np.inf  # deep inside the captions of one image
    best = np.minimum(own, np.nanmedian(elsewhere, axis=0))
    return np.where(alike, 0.0, np.array([np.roll(best, -way) for way in ways]) - misfit)


def _segment(gain: np.ndarray, groups: np.ndarray) -> tuple[float, float, int, int]:
    """The stretch of images with the largest gain: that gain, in standard errors too, its first and last pair.

    >>> _segment(np.array([-1.0, -2.0, 3.0, 1.0, -1.0]), np.arange(5))
    (4.0, 0.0, 2, 3)
    """
    starts = _starts(groups)
    lengths = np.diff(np.r_[starts, len(groups)])
    blocks = np.add.reduceat(gain, starts) / lengths
    total = np.r_[0.0, np.cumsum(blocks)]
    rise = total[1:] - np.minimum.accumulate(total[:-1])
    last = int(rise.argmax())
    first = int(total[: last + 1].argmin())
    images = last + 1 - first
    spread = float(blocks.std()) or 1.0
    certain = float(rise[last] / (spread * images**0.5)) if images >= FEWEST else 0.0
    return float(rise[last]), certain, int(starts[first]), int(starts[last] + lengths[last] - 1)


def _starts(groups: np.ndarray) -> np.ndarray:
    """The first pairs of the images, in the table's order."""
    return np.flatnonzero(np.r_[True, np.diff(groups) != 0])


def _best_map(judges: UntrainedJudges, rate: float) -> tuple[UntrainedJudges, tuple[bool, int]]:
    """The judges as they are, or those whose map predicts best, fitted to moved captions: in reverse, and the way."""
    caption, half = judges.features.caption_of_pair, judges.groups % 2 == 0
    if rate < MOST_WRONG or half.all() or not half.any():
        return judges, (False, 0)
    image_of, likeness = judges.features.image_of_pair, []
    ridge = Ridge(judges.image, image_of[half])
    tried = [*((False, way) for way in (0, *REFITTED, *(-size for size in REFITTED))), (True, 0)]
    orders = [caption[::-1] if in_reverse else np.roll(caption, -way) for in_reverse, way in tried]
    for moved in orders:
        linear = ridge.fit(judges.text, moved[half])
        guess, texts = unit(linear(judges.image)), unit(judges.text - linear.caption_mean)
        likeness.append(np.einsum("nd,nd->n", guess[image_of[~half]], texts[moved[~half]]).mean())
    best = int(np.argmax(likeness))
    features = replace(judges.features, caption_of_pair=orders[best])
    return replace(judges, features=features) if best else judges, tried[best]
