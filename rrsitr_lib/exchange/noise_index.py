"""Injected noise in the ``.npy`` index forms that other repositories publish."""

from pathlib import Path
from typing import Literal

import numpy as np

from rrsitr_lib.data.noise import Noise, PairIndex, check_indices, codes
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import save_array


def save_index(noise: Noise, image_ids: np.ndarray, path: str | Path, form: Literal["caption", "image"]) -> Path:
    """Save as ``.npy`` of int64 image numbers: ``caption`` (NCR, L2RM: one a caption) or ``image`` (DECL, RCL).

    Images are numbered in order of first appearance. Raises ``InputError`` where the form cannot hold the noise: copied
    captions (``hard``), or captions that moved one by one saved as ``image``.
    """
    if form not in ("caption", "image"):
        raise InputError(f"form is {form!r}: allowed are 'caption' and 'image'")
    images = codes(image_ids, "image_ids")
    check_indices(noise.caption_index, len(images), path)
    if len(np.unique(noise.caption_index)) != len(images):
        copies = f"{noise.protocol} noise copies captions"
        raise InputError(f"{path}: the index forms hold exchanged captions only, {copies}")
    image_of_caption = np.empty(len(images), dtype=np.int64)
    image_of_caption[noise.caption_index] = images
    if form == "image":
        first = np.unique(images, return_index=True)[1]
        if not np.array_equal(image_of_caption[first][images], image_of_caption):
            several = "captions of one image went to several images"
            raise InputError(f"{path}: {several}, so the form 'image' cannot hold them")
        image_of_caption = image_of_caption[first]
    return save_array(path, image_of_caption)


def load_index(
    path: str | Path, image_ids: np.ndarray, captions: np.ndarray | None = None, rate: float | None = None
) -> Noise:
    """Read either ``.npy`` form, told apart by its length: one number a caption or one an image.

    Shape: file (N,) or (M,) int64 image numbers; ``image_ids``, ``captions`` (N,); result over (N,).
    Captions that stayed with their image keep their row. ``rate`` is the nominal rate, which the file does not
    state, by default the realised one; the result's ``protocol`` names the form.
    Raises ``InputError`` for another type, length or range, and where an image gets more captions than it has rows.
    """
    numbers, pairs = _whole_numbers(path), PairIndex(image_ids, captions)
    images = pairs.images
    count = int(images.max()) + 1
    if len(numbers) not in (len(images), count):
        table = f"a table of {len(images)} captions and {count} images"
        raise InputError(f"{path}: {len(numbers)} numbers for {table}")
    if not 0 <= numbers.min() <= numbers.max() < count:
        found = f"image numbers from {numbers.min()} to {numbers.max()}"
        raise InputError(f"{path}: {found}, allowed are 0 to {count - 1}")
    image_of_caption, form = numbers.astype(np.int64), "caption"
    if len(numbers) == count != len(images):
        image_of_caption, form = image_of_caption[images], "image"
    caption_index = _rows_from_images(image_of_caption, images, path)
    mismatched = pairs.mismatched(caption_index)
    rate = float(mismatched.mean()) if rate is None else rate
    return Noise(caption_index, mismatched, rate, f"index form '{form}'", 0)


def _whole_numbers(path: str | Path) -> np.ndarray:
    try:
        numbers = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except Exception as error:  # a foreign file: numpy, zipfile and the system complain in their own ways
        raise InputError(f"{path}: not a .npy array ({error})") from None
    if not isinstance(numbers, np.ndarray) or numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        kind = getattr(numbers, "dtype", type(numbers))
        raise InputError(f"{path}: expected whole numbers of shape (N,), got {kind}")
    return numbers


def _rows_from_images(image_of_caption: np.ndarray, images: np.ndarray, path: str | Path) -> np.ndarray:
    """Turn "caption j goes to image u" into "row i gets caption j": stayers first, then the rest in order."""
    got, rows = np.bincount(image_of_caption, minlength=images.max() + 1), np.bincount(images)
    if (got != rows).any():
        image = int(np.argmax(got != rows))
        raise InputError(f"{path}: image number {image} gets {got[image]} captions but has {rows[image]} rows")
    caption_index = np.arange(len(images))
    moved = np.flatnonzero(image_of_caption != images)
    by_row, by_caption = (np.argsort(numbers[moved], kind="stable") for numbers in (images, image_of_caption))
    caption_index[moved[by_row]] = moved[by_caption]
    return caption_index
