"""Rows that slipped are found and said; wrong captions in any order of the scenes are not taken for slipped rows."""

import re
import warnings

import numpy as np
import pytest
from audit import synthetic

from rrsitr_lib.audit.cross_validation import folds_of
from rrsitr_lib.audit.features import PairFeatures
from rrsitr_lib.audit.row_shift import find_shift, find_torn
from rrsitr_lib.audit.untrained import UntrainedJudges

IMAGES = 300


def judged(data, order, rows, rate):
    """What is said of pairs whose captions were put into another ``order``."""
    moved = PairFeatures(data.image, data.text, data.image_of_pair, data.caption_of_pair[order])
    judges = UntrainedJudges(moved, data.image_of_pair, folds_of(data.image_of_pair, min(4, len(data.image) // 2), 3))
    return find_shift(judges, rows, rate)


@pytest.mark.parametrize("captions", [1, 2])
@pytest.mark.parametrize("slip", [1, -1, 3, 12])
@pytest.mark.parametrize("start", [0, 120, 200])
def test_slipped_rows_are_found_from_where_they_slip(captions, slip, start):
    data, _ = synthetic.features(IMAGES, captions, wrong=0.0)
    order = np.arange(len(data))
    order[start:] = np.roll(order[start:], slip * captions)
    reach = abs(slip) * captions
    rows = range(1, len(data) + 1)
    said = judged(data, order, rows, rate=1 - start / len(data))
    if reach > 10 and not start:  # of maps fitted to moved captions, those up to ten pairs are tried
        assert said == ""
        return
    first, last, way = map(int, re.search(r"row (\d+) to row (\d+) the caption of row i([+-]\d+) fits", said).groups())
    assert way == slip * captions
    assert abs(first - 1 - start) <= reach + 5 and len(data) - last <= reach + 5


@pytest.mark.parametrize("slip", [1, -1, 2])
@pytest.mark.parametrize("start", [0, 300])
def test_rows_that_slip_by_less_than_an_image_are_found(slip, start):
    """Of three captions an image, one or two stand at the next image."""
    data, _ = synthetic.features(IMAGES, 3, wrong=0.0)
    order = np.arange(len(data))
    order[start:] = np.roll(order[start:], slip)
    said = judged(data, order, range(1, len(data) + 1), rate=abs(slip) / 3 * (1 - start / len(data)))
    first, last, way = map(int, re.search(r"row (\d+) to row (\d+) the caption of row i([+-]\d+) fits", said).groups())
    assert way == slip and abs(first - 1 - start) <= 12 and len(data) - last <= 12


@pytest.mark.parametrize("captions", [1, 2, 5])
def test_parts_that_were_exchanged_are_found(captions):
    data, _ = synthetic.features(IMAGES, captions, wrong=0.0)
    parts = np.split(np.arange(len(data)), np.multiply([60, 120, 200, 260], captions))
    order = np.concatenate([parts[number] for number in (0, 3, 2, 1, 4)])
    said = judged(data, order, range(1, len(data) + 1), rate=0.4)
    first, last, way = map(int, re.search(r"row (\d+) to row (\d+) the caption of row i([+-]\d+) fits", said).groups())
    assert "parts of the table exchanged" in said and abs(way) == 140 * captions
    start = (60 if way > 0 else 200) * captions
    assert abs(first - 1 - start) <= 5 * captions and abs(last - start - 60 * captions) <= 5 * captions


@pytest.mark.parametrize("captions", [1, 2, 5])
@pytest.mark.parametrize(("start", "end"), [(0, IMAGES), (100, 200), (40, 150)])
def test_rows_in_reverse_are_found(captions, start, end):
    data, _ = synthetic.features(IMAGES, captions, wrong=0.0)
    order, start, end = np.arange(len(data)), start * captions, end * captions
    order[start:end] = order[start:end][::-1]
    said = judged(data, order, range(1, len(data) + 1), rate=(end - start) / len(data))
    first, last, other = map(int, re.search(r"row (\d+) to row (\d+) the caption of row (\d+), ", said).groups())
    assert "in reverse" in said and first - 1 + other == start + end
    assert abs(first - 1 - start) <= 5 * captions and abs(last - end) <= 5 * captions


def test_rows_that_were_sorted_by_themselves_are_found():
    generator = np.random.default_rng(0)
    for rate in (0.0, 0.2, 0.3):
        wrong = generator.random(1500) < rate
        wrong[600:900] = generator.random(300) < 0.9
        said = find_torn(np.where(wrong, 0.9, 0.1), np.repeat(np.arange(500), 3), range(1, 1501))
        first, last = map(int, re.match(r"from row (\d+) to row (\d+) \d+ % of the captions look wrong", said).groups())
        assert abs(first - 601) <= 15 and abs(last - 900) <= 15


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
@pytest.mark.parametrize("captions", [1, 5])
def test_wrong_captions_in_any_order_are_not_taken_for_sorted_rows(rate, captions):
    for seed in range(20):
        wrong = np.repeat(np.random.default_rng(seed).random(1000) < rate, captions)  # all captions of an image
        assert find_torn(np.where(wrong, 0.95, 0.05), np.arange(len(wrong)) // captions, range(len(wrong))) == ""


def test_the_rows_of_the_table_are_named_not_the_pairs():
    data, _ = synthetic.features(IMAGES, 2, wrong=0.0)
    order = np.roll(np.arange(len(data)), 2)
    rows = np.arange(len(data)) // 2 + 1  # a row holds two captions
    assert re.match(r"from row [1-3] to row \d+ the caption of row i\+1 fits the image", judged(data, order, rows, 1.0))


@pytest.mark.parametrize("wrong", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_without_a_slip_nothing_is_said(wrong, seed):
    generator = np.random.default_rng(seed)
    data, _ = synthetic.features(IMAGES, 2, wrong=0.0, seed=seed)
    order = np.arange(len(data))
    moved = generator.permutation(len(data))[: round(wrong * len(data))]
    order[moved] = generator.permutation(order[moved])
    assert judged(data, order, range(1, len(data) + 1), wrong) == ""


def test_neighbours_of_one_kind_are_no_slip():
    """In a table in the order of its scenes, the captions of the neighbours fit a wrong pair's image a little."""
    generator = np.random.default_rng(0)
    kinds = np.repeat(generator.standard_normal((10, 6)), IMAGES // 10, axis=0)
    hidden = kinds + 0.3 * generator.standard_normal((IMAGES, 6))
    image, text = (hidden @ generator.standard_normal((6, 16)) for _ in range(2))
    data = PairFeatures(image.astype("f4"), text.astype("f4"), np.arange(IMAGES), np.arange(IMAGES))
    for wrong in (0.3, 0.6, 0.9):
        order = np.arange(IMAGES)
        moved = generator.permutation(IMAGES)[: round(wrong * IMAGES)]
        order[moved] = generator.permutation(order[moved])
        assert judged(data, order, range(1, IMAGES + 1), wrong) == ""


@pytest.mark.parametrize("images", [4, 6, 10, 12, 25, 26])
@pytest.mark.parametrize("captions", [1, 2, 5])
@pytest.mark.filterwarnings("error")
def test_of_few_pairs_nothing_is_said_but_what_is_so(images, captions):
    if images * captions < 8:
        return
    data, _ = synthetic.features(images, captions, wrong=0.0)
    everyone = np.arange(len(data))
    for rate in (0.0, 0.7):
        assert judged(data, everyone, everyone + 1, rate) == ""
        assert judged(data, np.random.default_rng(0).permutation(everyone), everyone + 1, rate) == ""
        in_reverse = judged(data, everyone[::-1], everyone + 1, rate)
        assert in_reverse == "" or in_reverse.endswith("are they in reverse?")


def test_an_image_of_more_captions_than_rows_are_looked_at_is_no_slip():
    one = np.r_[np.zeros(120, dtype=int), np.arange(1, 60)]
    generator = np.random.default_rng(0)
    data = PairFeatures(generator.normal(size=(60, 8)), generator.normal(size=(179, 8)), one, np.arange(179))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find_shift(UntrainedJudges(data, one, folds_of(one, 4, 3)), range(179), 0.1) == ""
