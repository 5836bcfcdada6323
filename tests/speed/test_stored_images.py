"""Stored images give what decoded images give, crops included."""

import numpy as np
import pytest
import torch
from PIL import Image
from small_runs import SMALL

from rrsitr_lib.config import RunConfig
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.scenes.world import draw_scenes
from rrsitr_lib.speed.stored_images import StoredImages
from rrsitr_lib.training.batches import ImageFiles
from rrsitr_lib.training.run import train

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def encoder():
    return build_encoder("tiny")


@pytest.mark.parametrize(("epoch", "width"), [(None, 64), (None, 96), (0, 96), (3, 64)])
def test_stored_images_equal_decoded_ones(encoder, epoch, width):
    images, items = draw_scenes(6, seed=2, size=width).images, np.array([4, 0, 4])
    decoded = ImageFiles(images, encoder.train_transform, encoder.eval_transform, seed=7)
    stored = StoredImages(images, encoder, augment=True, seed=7, device=CPU)
    found, wanted = stored.fetch(items, epoch), decoded.fetch(items, epoch)
    off = (found - wanted).abs() * 255 * float(stored.std.min())
    assert found.shape == wanted.shape == (3, 3, 64, 64)
    assert (off > 1.01).float().mean() < 1e-3 and off.max() < 7
    assert len(stored) == 6


def test_without_augmentation_training_sees_the_evaluation(encoder):
    images = draw_scenes(3, seed=2, size=64).images
    stored = StoredImages(images, encoder, augment=False, seed=7, device=CPU)
    assert (stored.fetch(np.array([1]), 5) == stored.fetch(np.array([1]))).all()


def test_files_are_stored_in_the_cache(encoder, tmp_path, cache):
    Image.new("RGB", (64, 64), "red").save(tmp_path / "a.png")
    stored = StoredImages([tmp_path / "a.png"], encoder, False, 0, CPU)
    drawn = StoredImages(np.asarray(Image.open(tmp_path / "a.png"))[None], encoder, False, 0, CPU)
    assert (stored.fetch(np.array([0])) == drawn.fetch(np.array([0]))).all() and list(cache.glob("stores/*"))


def test_a_run_with_every_speed_option_ends_well(tmp_path, cache, few_scenes):
    config = RunConfig.build(**SMALL | {"epochs": 1, "store": True, "gradient_slice": 30, "augment": True})
    assert train(config, tmp_path / "run", progress=False)["test"]["mR"] > 0
