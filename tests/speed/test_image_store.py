"""The image store: the bytes of every image, kept, and what it refuses. How a build goes on: test_cached_arrays."""

import numpy as np
import pytest
from PIL import Image

from rrsitr_lib.errors import InputError
from rrsitr_lib.speed import image_store as module
from rrsitr_lib.speed.image_store import image_store

COUNT = 7


@pytest.fixture
def paths(tmp_path):
    made = []
    for number in range(COUNT):
        content = np.random.default_rng(number).integers(0, 255, (12, 16, 3), dtype=np.uint8)
        made.append(tmp_path / f"lake_{number}.png")
        Image.fromarray(content).save(made[-1])
    return made


def test_images_are_kept_byte_by_byte_and_not_decoded_again(paths, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 3)
    stored = image_store(paths, tmp_path / "stores")
    assert stored.shape == (COUNT, 12, 16, 3)
    for image, path in zip(stored, paths, strict=True):
        assert (image == np.asarray(Image.open(path))).all()
    opened, real = [], module.open_image
    monkeypatch.setattr(module, "open_image", lambda path: opened.append(path) or real(path))
    assert (image_store(paths, tmp_path / "stores") == stored).all() and opened == paths[:1]


def test_a_changed_file_is_another_store(paths, tmp_path):
    before = np.array(image_store(paths, tmp_path / "stores"))
    Image.new("RGB", (16, 12), "red").save(paths[3])
    after = image_store(paths, tmp_path / "stores")
    assert (after[3] == (255, 0, 0)).all() and (np.delete(after, 3, 0) == np.delete(before, 3, 0)).all()


def test_unequal_sizes_and_broken_images_are_named(paths, tmp_path):
    with pytest.raises(InputError, match="no image to store"):
        image_store([], tmp_path / "stores")
    Image.new("RGB", (9, 30)).save(paths[5])
    with pytest.raises(InputError, match=r"lake_5\.png: 9 x 30 pixels, the first has 16 x 12: allowed is one size"):
        image_store(paths, tmp_path / "stores")
    paths[5].write_bytes(paths[2].read_bytes()[:60])
    with pytest.raises(InputError, match=r"lake_5\.png: cannot be decoded"):
        image_store(paths, tmp_path / "stores")
