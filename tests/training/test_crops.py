"""Crops by number: torchvision's rules, another draw."""

import numpy as np
import pytest
import torch
from torchvision.transforms import RandomResizedCrop

from rrsitr_lib.training.crops import crop_box, crop_boxes

SCALE, RATIO = (0.5, 0.9), (0.75, 4 / 3)


def boxes(size, scale=SCALE, ratio=RATIO, count=600):
    return np.array([crop_box(size, scale, ratio, seed=3, epoch=1, item=item) for item in range(count)])


@pytest.mark.parametrize("size", [(64, 64), (64, 96), (301, 40)])
def test_they_lie_inside_and_are_as_large_and_as_wide_as_torchvisions(size):
    found, image = boxes(size), torch.empty(3, *size)
    torch.manual_seed(0)
    expected = np.array([RandomResizedCrop.get_params(image, list(SCALE), list(RATIO)) for _ in range(600)])
    top, left, height, width = found.T
    assert (found >= 0).all() and (top + height <= size[0]).all() and (left + width <= size[1]).all()
    error = expected.std(axis=0) * (2 / 600) ** 0.5
    assert (np.abs(found.mean(axis=0) - expected.mean(axis=0)) <= 4 * error + 1e-9).all()
    assert found.std(axis=0) == pytest.approx(expected.std(axis=0), rel=0.15, abs=0.3)


def test_an_image_too_narrow_for_every_try_gets_the_largest_centred_box():
    image = torch.empty(3, 300, 20)
    expected = RandomResizedCrop.get_params(image, [0.9, 1.0], [0.75, 4 / 3])
    assert {tuple(box) for box in boxes((300, 20), (0.9, 1.0), count=5).tolist()} == {expected}


def test_seed_epoch_and_image_say_which():
    given = [dict(seed=3, epoch=0, item=7), dict(seed=4, epoch=0, item=7), dict(seed=3, epoch=1, item=7),
             dict(seed=3, epoch=0, item=8)]  # fmt: skip
    drawn = [crop_box((640, 640), SCALE, RATIO, **one) for one in [*given, *given]]
    assert drawn[:4] == drawn[4:] and len(set(drawn)) == 4


@pytest.mark.parametrize("size", [(64, 64), (64, 96), (301, 40), (300, 20)])
def test_many_at_once_are_those_drawn_alone(size):
    items = np.random.default_rng(0).permutation(600)
    found = crop_boxes(size, SCALE, RATIO, 3, 1, items)
    np.testing.assert_array_equal(found, boxes(size)[items])
    np.testing.assert_array_equal(crop_boxes(size, SCALE, RATIO, 3, 1, items[:1]), found[:1])
