"""Transforms on the device against open_clip's own, picture by picture."""

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from torchvision.transforms import RandomResizedCrop

from rrsitr_lib.speed.device_transforms import TOLERANCE, crop_resize, normalise, resize_centre

MEAN, STD = (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)


def photograph(height, width, seed=0):
    """Smooth shapes, edges and noise, as photographs have them."""
    generator = np.random.default_rng(seed)
    small = Image.fromarray(generator.integers(0, 255, (9, 9, 3), dtype=np.uint8))
    picture = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    picture[height // 3 : height // 2] = 255 - picture[height // 3 : height // 2]
    return np.clip(picture + generator.integers(-20, 20, picture.shape), 0, 255).astype(np.uint8)


def levels(tensor):
    return (tensor * torch.tensor(STD).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1)) * 255


@pytest.mark.parametrize(("height", "width"), [(256, 256), (224, 224), (100, 100), (300, 225), (64, 91), (500, 333)])
def test_evaluation_equals_open_clips(height, width):
    picture = photograph(height, width)
    transform = open_clip.image_transform(224, is_train=False, mean=MEAN, std=STD)
    wanted = levels(transform(Image.fromarray(picture)))
    found = resize_centre(torch.from_numpy(picture)[None], 224)[0]
    assert (found - wanted).abs().max() <= TOLERANCE + 1e-3
    assert (found - wanted).abs().mean() < 0.02
    same = normalise(found[None], torch.tensor(MEAN), torch.tensor(STD))[0]
    assert torch.allclose(same, transform(Image.fromarray(picture)), atol=TOLERANCE / 255 / min(STD) + 1e-4)


@pytest.mark.parametrize("size", [256, 224, 150])
def test_random_crops_equal_torchvisions(size):
    pictures = np.stack([photograph(size, size, seed) for seed in range(6)])
    boxes = []
    for seed in range(6):
        torch.manual_seed(seed)
        boxes.append(RandomResizedCrop.get_params(torch.empty(3, size, size), (0.5, 1.0), (3 / 4, 4 / 3)))
    found = crop_resize(torch.from_numpy(pictures), torch.tensor(boxes), 224)
    for picture, (top, left, height, width), result in zip(pictures, boxes, found, strict=True):
        cut = Image.fromarray(picture).crop((left, top, left + width, top + height))
        wanted = torch.from_numpy(np.array(cut.resize((224, 224), Image.Resampling.BICUBIC))).permute(2, 0, 1).float()
        off = (result - wanted).abs()
        assert off.max() <= 6 and (off > TOLERANCE).float().mean() < 1e-3 and off.mean() < 0.3


def test_a_crop_of_the_whole_in_its_own_size_changes_nothing():
    pictures = torch.from_numpy(np.stack([photograph(32, 32, seed) for seed in range(2)]))
    cropped = crop_resize(pictures, torch.tensor([[0, 0, 32, 32]] * 2), 32)
    assert (cropped == pictures.permute(0, 3, 1, 2)).all()
