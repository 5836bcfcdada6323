"""Noise on disk: one small file of our own, and the ``.npy`` index forms other repositories publish."""

import json
from pathlib import Path
from typing import Literal

import numpy as np

from rrsitr_lib.data.noise import Noise, codes
from rrsitr_lib.data.noise_protocols import Groups
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import fingerprint, write_atomically


def save_noise(noise: Noise, path: str | Path) -> Path:
    """Save as ``.npz`` (indices, mask, and protocol, rate, seed, fingerprint as JSON); whole or not at all.

    Taught in: notebooks/02_noise
    """
    facts = {key: getattr(noise, key) for key in ("rate", "protocol", "seed", "fingerprint")}
    facts["mask"] = fingerprint(noise.mismatched)

    def write(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            np.savez_compressed(
                file, caption_index=noise.caption_index, mismatched=noise.mismatched, facts=json.dumps(facts)
            )

    return write_atomically(path, write)


def load_noise(path: str | Path) -> Noise:
    """Load what ``save_noise`` wrote. Raises ``InputError`` for another kind of file or a changed fingerprint.

    Taught in: notebooks/02_noise
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            caption_index, mismatched, facts = file["caption_index"], file["mismatched"], json.loads(str(file["facts"]))
        stated = {key: facts[key] for key in ("fingerprint", "mask")}
        if caption_index.ndim != 1 or caption_index.dtype.kind not in "iu" or mismatched.dtype != bool:
            raise ValueError(f"caption_index is {caption_index.dtype} of shape {caption_index.shape}")
        noise = Noise(caption_index, mismatched, float(facts["rate"]), str(facts["protocol"]), int(facts["seed"]))
        _check_indices(caption_index, mismatched.size if mismatched.ndim else -1, path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except InputError:
        raise
    except Exception as error:  # numpy, zipfile and json each complain in their own way about a foreign file
        raise InputError(f"{path}: not a noise file of this project ({type(error).__name__}: {error})") from None
    for key, found in (("fingerprint", noise.fingerprint), ("mask", fingerprint(mismatched))):
        if found != stated[key]:
            raise InputError(f"{path}: {key} {found[:12]}… does not match the {str(stated[key])[:12]}… it states")
    return noise


def save_index(noise: Noise, image_ids: np.ndarray, path: str | Path, form: Literal["caption", "image"]) -> Path:
    """Save as ``.npy`` of int64 image numbers: ``caption`` (NCR, L2RM: one a caption) or ``image`` (DECL, RCL).

    Images are numbered in order of first appearance. Raises ``InputError`` where the form cannot hold the noise: copied
    captions (``hard``), or captions that moved one by one saved as ``image``.
    Taught in: notebooks/02_noise
    """
    if form not in ("caption", "image"):
        raise InputError(f"form is {form!r}: allowed are 'caption' and 'image'")
    images = codes(image_ids, "image_ids")
    _check_indices(noise.caption_index, len(images), path)
    if len(np.unique(noise.caption_index)) != len(images):
        raise InputError(
            f"{path}: the index forms hold exchanged captions only, {noise.protocol} noise copies captions"
        )
    image_of_caption = np.empty(len(images), dtype=np.int64)
    image_of_caption[noise.caption_index] = images
    if form == "image":
        first = np.unique(images, return_index=True)[1]
        if not np.array_equal(image_of_caption[first][images], image_of_caption):
            raise InputError(
                f"{path}: captions of one image went to several images, so the form 'image' cannot hold them"
            )
        image_of_caption = image_of_caption[first]

    def write(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            np.save(file, image_of_caption)

    return write_atomically(path, write)


def load_index(
    path: str | Path, image_ids: np.ndarray, captions: np.ndarray | None = None, rate: float | None = None
) -> Noise:
    """Read either ``.npy`` form, told apart by its length: one number a caption or one an image.

    Shape: file (N,) or (M,) int64 image numbers; ``image_ids``, ``captions`` (N,); result over (N,).
    Captions that stayed with their image keep their row. ``rate`` is the nominal rate, by default the realised one.
    Raises ``InputError`` for another type, length or range, and where an image gets more captions than it has rows.
    Taught in: notebooks/02_noise
    """
    try:
        numbers = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except Exception as error:  # a foreign file: numpy, zipfile and the system complain in their own ways
        raise InputError(f"{path}: not a .npy array ({error})") from None
    images = codes(image_ids, "image_ids")
    if captions is not None and len(captions) != len(images):
        raise InputError(f"captions has {len(captions)} rows, image_ids has {len(images)}: they must be equally long")
    image_count = int(images.max()) + 1
    if not isinstance(numbers, np.ndarray) or numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise InputError(
            f"{path}: expected whole numbers of shape (N,), got {getattr(numbers, 'dtype', type(numbers))}"
        )
    if len(numbers) not in (len(images), image_count):
        raise InputError(
            f"{path}: {len(numbers)} numbers for a table of {len(images)} captions and {image_count} images"
        )
    if len(numbers) and not 0 <= numbers.min() <= numbers.max() < image_count:
        raise InputError(
            f"{path}: image numbers from {numbers.min()} to {numbers.max()}, allowed are 0 to {image_count - 1}"
        )
    image_of_caption = numbers.astype(np.int64)
    if len(numbers) == image_count != len(images):
        image_of_caption = image_of_caption[images]
    caption_index = _rows_from_images(image_of_caption, images, path)
    texts = None if captions is None else codes(captions, "captions")
    mismatched = Groups(images, texts).mismatched(caption_index)
    return Noise(
        caption_index, mismatched, float(mismatched.mean()) if rate is None else rate, f"file:{Path(path).name}", 0
    )


def _rows_from_images(image_of_caption: np.ndarray, images: np.ndarray, path: str | Path) -> np.ndarray:
    """Turn "caption j goes to image u" into "row i gets caption j": stayers first, then the rest in order."""
    got, rows = np.bincount(image_of_caption, minlength=images.max() + 1), np.bincount(images)
    if (got != rows).any():
        image = int(np.argmax(got != rows))
        raise InputError(f"{path}: image number {image} gets {got[image]} captions but has {rows[image]} rows")
    caption_index = np.arange(len(images))
    moved = np.flatnonzero(image_of_caption != images)
    caption_index[moved[np.argsort(images[moved], kind="stable")]] = moved[
        np.argsort(image_of_caption[moved], kind="stable")
    ]
    return caption_index


def _check_indices(caption_index: np.ndarray, rows: int, path: str | Path) -> None:
    if caption_index.shape != (rows,):
        raise InputError(f"{path}: {len(caption_index)} caption indices for a table of {rows} rows")
    if rows and not 0 <= caption_index.min() <= caption_index.max() < rows:
        raise InputError(
            f"{path}: caption indices from {caption_index.min()} to {caption_index.max()}, allowed are 0 to {rows - 1}"
        )
