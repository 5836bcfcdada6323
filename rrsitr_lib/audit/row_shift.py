"""Rows that slipped: from some row on, the caption a fixed way off fits a row's image better than the one beside it.

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
FEWEST = 20  # images


def find_shift(judges: UntrainedJudges, rows: Sequence[int], rate: float) -> str:
    """The most certain shift of rows in words, empty where there is none. **Shape** ``rows`` (N,) of the table.

    A caption counts as fitting where the linear map likes it better than at its own image, and better than at those of
    the other rows nearby: in a table in the order of its scenes, it fits all of them a little. ``rate``: the share of
    mismatched pairs; where it is high, maps that are fitted to moved captions are tried too.
    """
    table = np.asarray(rows)
    reach = min(FARTHEST, len(table) // 4)
    ways = [way for size in range(1, reach + 1) for way in (-size, size)]
    if len(ways) < 4:
        return ""
    gains = _gains(_best_map(judges, rate), judges.features.caption_of_pair, ways)
    found = [(*_segment(gain, judges.groups), way) for gain, way in zip(gains, ways, strict=True)]
    if max(certain for _, certain, *_ in found) < SURE:
        return ""
    _, _, first, last, way = max(found)  # of several ways to one image's captions, that on which most pairs gain
    pairs = np.arange(first, last + 1)
    pairs = pairs[(pairs + way >= 0) & (pairs + way < len(table))]
    steps, times = np.unique(table[pairs + way] - table[pairs], return_counts=True)
    where = (
        f"from row {table[first]} to row {table[last]} the caption of row i{steps[times.argmax()]:+d} fits the image"
    )
    return f"{where} of row i better than its own ({len(pairs)} pairs): did the rows slip?"


def _gains(judges: UntrainedJudges, caption: np.ndarray, ways: Sequence[int]) -> np.ndarray:
    """How much better the caption ``way`` pairs on fits here than at its own image, and than around that. (ways, N).

    Asked of the caption, not of the image: where an image has several, a slip of one row moves only the first or the
    last of them, and the others fit as well as before. Nothing is gained by a caption of the same image, or from
    beyond the ends.
    """
    everyone = np.arange(len(judges.fold))
    misfits, same = [], []
    for way in ways:
        donor = (everyone + way) % len(everyone)
        misfits.append(judges.misfit(everyone, caption[donor]))
        same.append((judges.groups[donor] == judges.groups) | (donor != everyone + way))
    misfit, alike, own = np.array(misfits), np.array(same), judges.misfit(everyone, caption)
    elsewhere = np.array([np.roll(one, way) for one, way in zip(np.where(alike, np.nan, misfit), ways, strict=True)])
    elsewhere[:, np.isnan(elsewhere).all(axis=0)] = np.inf  # deep inside the captions of one image
    best = np.minimum(own, np.nanmedian(elsewhere, axis=0))
    return np.where(alike, 0.0, np.array([np.roll(best, -way) for way in ways]) - misfit)


def _segment(gain: np.ndarray, groups: np.ndarray) -> tuple[float, float, int, int]:
    """The stretch of images with the largest gain: that gain, in standard errors too, its first and last pair.

    >>> _segment(np.array([-1.0, -2.0, 3.0, 1.0, -1.0]), np.arange(5))
    (4.0, 0.0, 2, 3)
    """
    starts = np.flatnonzero(np.r_[True, np.diff(groups) != 0])
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


def _best_map(judges: UntrainedJudges, rate: float) -> UntrainedJudges:
    """The judges as they are, or those whose map predicts best, fitted to captions that are moved some pairs."""
    if rate < MOST_WRONG:
        return judges
    caption, half = judges.features.caption_of_pair, judges.groups % 2 == 0
    if half.all() or not half.any():
        return judges
    orders = [np.roll(caption, way) for way in (0, *(sign * size for size in REFITTED for sign in (-1, 1)))]
    image_of, likeness = judges.features.image_of_pair, []
    ridge = Ridge(judges.image, image_of[half])
    for order in orders:
        linear = ridge.fit(judges.text, order[half])
        guess, texts = unit(linear(judges.image)), unit(judges.text - linear.caption_mean)
        likeness.append(np.einsum("nd,nd->n", guess[image_of[~half]], texts[order[~half]]))
    best = int(np.argmax([one.mean() for one in likeness]))
    return replace(judges, features=replace(judges.features, caption_of_pair=orders[best])) if best else judges
