"""Images of any size and mode, decoded once to RGB bytes."""

import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from rrsitr_lib.errors import InputError

MAX_PIXELS = 2**26  # 8192 x 8192, under Pillow's own alarm of 89 million
# EPS is left out on purpose: Pillow hands it to an outside program.
FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP", "JPEG2000", "PPM")
THREADS = min(4, os.cpu_count() or 1)
SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".jp2", ".ppm", ".pgm")


def open_image(path: str | Path | BinaryIO, name: str | None = None) -> Image.Image:
    """Decode one image to RGB, upright by its EXIF orientation; of several pages or frames the first.

    Transparent parts become black, which is how aerial pictures store "no data" (white would pass for a bright roof).
    16-bit grey is divided by 256, as Pillow does for 16-bit colour: stretching each image to its own range would
    make dark and bright ones alike. Float grey counts as 0 to 1. An open file needs a ``name`` for messages.
    Raises ``InputError`` naming the file.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "grey.png"
    >>> Image.new("L", (3, 2), 7).save(path)
    >>> open_image(path).mode, open_image(path).size, open_image(path).getpixel((0, 0))
    ('RGB', (3, 2), (7, 7, 7))
    """
    if isinstance(path, str | Path):
        path = Path(path)
        _check_file(path)
    name = name or str(path)
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"{image.width} x {image.height} pixels, allowed is {MAX_PIXELS} in all")
            return _to_rgb(ImageOps.exif_transpose(image))
    except Exception as error:  # damaged bytes make Pillow's decoders raise nearly anything
        reason = "not one of " + ", ".join(FORMATS) if type(error).__name__ == "UnidentifiedImageError" else error
        raise InputError(" ".join(f"{name}: cannot be decoded ({reason})".split())) from error


def _check_file(path: Path) -> None:
    if not path.is_file() or path.stat().st_size == 0:
        reason = "an empty file" if path.is_file() else "a folder" if path.is_dir() else "no such file"
        raise InputError(f"{path}: {reason}; allowed is an image")


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode[0] in "IF":
        grey = np.asarray(image, dtype=np.float64) / (65536 if image.mode[0] == "I" else 1)
        if not (grey.min() >= 0 and grey.max() <= 1):
            raise ValueError(f"mode {image.mode} beyond 0 to {'65535' if image.mode[0] == 'I' else '1'}")
        return Image.fromarray(np.minimum(grey * 256, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        layers = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layers.size, "black"), layers).convert("RGB")
    return image.convert("RGB")


def find_images(folder: str | Path, image_ids: Sequence[str] | np.ndarray) -> list[Path]:
    """The file of every image id, in order: in ``folder`` or below it (``airport/airport_1.jpg``).

    Names match exactly, else whatever the case, else whatever the extension, and only when a single file fits.
    **Shape** (M,) ids give M paths. Raises ``InputError`` with the first ids that no file or several files fit.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> Image.new("RGB", (2, 2)).save(folder / "Lake_1.PNG")
    >>> find_images(folder, ["lake_1.tif"])[0].name
    'Lake_1.PNG'
    """
    folder = Path(folder)
    found = match_images(folder, image_ids)
    if lost := [name for name in found if len(found[name]) != 1]:
        fits = f"{lost[0]!r} fits {[path.relative_to(folder).as_posix() for path in found[lost[0]][:3]] or 'no file'}"
        raise InputError(f"{folder}: {len(lost)} of {len(found)} images not found, such as {lost[:3]} ({fits})")
    if len({paths[0] for paths in found.values()}) < len(found):
        path, count = Counter(paths[0] for paths in found.values()).most_common(1)[0]
        raise InputError(f"{path}: the only file for {count} image ids; allowed is one file per id")
    return [found[name][0] for name in image_ids]


def match_images(folder: str | Path, image_ids: Sequence[str] | np.ndarray) -> dict[str, list[Path]]:
    """The files that fit each different image id, at any depth: none, one, or several where it is not clear which.

    A relative path fits its file; a name fits exactly, else whatever the case, else whatever the extension.
    Raises ``InputError`` where there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; allowed is a folder of images")
    files = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES]
    names = list(dict.fromkeys(image_ids))
    exact = set(files)
    found = {name: [path] for name in names if (path := folder / name.replace("\\", "/")) in exact}

    def folded(name: str) -> str:
        return unicodedata.normalize("NFC", name).casefold()

    def stem(name: str) -> str:
        start, dot, suffix = folded(name).rpartition(".")
        return start if dot + suffix in SUFFIXES else folded(name)

    for key in (str, folded, stem):
        if not (todo := [name for name in names if len(found.get(name, ())) != 1]):
            break
        places = defaultdict(list)
        for path in files:
            for label in {path.name, path.relative_to(folder).as_posix()}:
                places[key(label)].append(path)
        found |= {name: places.get(key(name.replace("\\", "/")), []) for name in todo}
    return {name: found[name] for name in names}
