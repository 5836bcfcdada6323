"""Small versions of images, by which equal ones are found."""

import numpy as np
from PIL import Image

from rrsitr_lib.audit.duplicates import SIZE, find_duplicates, thumbnail
from rrsitr_lib.audit.features import PairFeatures


def saved(path, picture):
    picture.save(path)
    return path


def test_thumbnails_keep_order_and_take_the_centre(tmp_path):
    paths = [saved(tmp_path / f"{side}.png", Image.new("L", (side, 8), side)) for side in range(8, 40)]
    pictures = np.stack([thumbnail(path) for path in paths])
    assert pictures.shape == (32, SIZE, SIZE, 3) and pictures.dtype == np.uint8
    assert (pictures == np.arange(8, 40)[:, None, None, None]).all()
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 255
    picture = thumbnail(saved(tmp_path / "wide.png", Image.fromarray(wide)))
    assert (picture[:, 4:-4] == 255).all()


def test_images_of_one_colour_or_nearly_black_are_told(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    shown = [noise, noise // 20, np.full_like(noise, 200), noise // 4]
    paths = [saved(tmp_path / f"{number}.png", Image.fromarray(one)) for number, one in enumerate(shown)]
    features = PairFeatures(np.eye(4, dtype=np.float32), np.eye(4, dtype=np.float32), np.arange(4), np.arange(4))
    assert find_duplicates(features, paths).blank.tolist() == [False, True, True, False]
