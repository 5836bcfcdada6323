"""Images of any size and mode, decoded once to RGB bytes."""

import logging
import os
import posixpath
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from rrsitr_lib.cores import cores
from rrsitr_lib.data.stretch import (
    MAX_PIXELS,
    RangedImage,
    bands_in_words,
    deep_values,
    has_spare_band,
    limits_of,
    stretched,
    with_range,
)
from rrsitr_lib.errors import InputError

# EPS is left out on purpose: Pillow hands it to an outside program.
FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP", "JPEG2000", "PPM")
FOREIGN = re.compile(r"/|\\\\|[A-Za-z]:[/\\]")  # where a path begins that is not from the folder of the images
ORIENTATION = 0x0112  # the tag of EXIF
NEARLY_BLACK = 16  # of 255 levels
THREADS = min(4, cores())
for library in ("PIL", "tifffile"):
    logging.getLogger(library).addHandler(logging.NullHandler())  # what they log is in the message of the file
SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".jp2", ".ppm", ".pgm")


def open_image(path: str | Path | BinaryIO, name: str | None = None) -> Image.Image:
    """Decode one image to RGB, upright by its EXIF orientation; of several pages or frames the first.

    Transparent parts become black, which is how aerial pictures store "no data" (white would pass for a bright roof);
    a fourth band of a TIFF is left out. Of more than 8 bits is shown what its set uses of them (``data.stretch``), a
    file alone being a set of one; of PNG's 16-bit colours Pillow reads the upper 8 bits only, so those that would be
    black are refused. Float grey counts as 0 to 1. An open file needs a ``name`` for messages.
    Raises ``InputError`` naming the file.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "grey.png"
    >>> Image.new("L", (3, 2), 7).save(path)
    >>> open_image(path).mode, open_image(path).size, open_image(path).getpixel((0, 0))
    ('RGB', (3, 2), (7, 7, 7))
    """
    if isinstance(path, str):
        path = Path(path)
    if isinstance(path, Path):
        _check_file(path)
    name = name or str(path)
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"{image.width} x {image.height} pixels, allowed is {MAX_PIXELS} in all")
            if (values := deep_values(image, path)) is not None:
                limits = path.limits if isinstance(path, RangedImage) and path.limits else limits_of(values)
                shown = Image.fromarray(stretched(values, limits))
                shown.getexif()[ORIENTATION] = image.getexif().get(ORIENTATION, 1)
                return ImageOps.exif_transpose(shown).convert("RGB")
            halved = any(";16" in str(tile) for tile in image.tile)
            shown = _to_rgb(image, path)
            if halved and 0 < np.asarray(shown).max() < NEARLY_BLACK:
                raise ValueError("its 16-bit colours use so few bits that they are black: convert it to 8 bits")
            return shown
    except Exception as error:  # damaged bytes make Pillow's decoders raise nearly anything
        raise InputError(" ".join(f"{name}: cannot be decoded ({_reason(error, path)})".split())) from error


def as_image(source: np.ndarray | Image.Image | Path) -> Image.Image:
    """The image that a data set holds as an array (H, W, 3) uint8, as its file, or decodes itself."""
    if isinstance(source, np.ndarray):
        return Image.fromarray(source)
    return source if isinstance(source, Image.Image) else open_image(source)


def _check_file(path: Path) -> None:
    if not path.is_file() or path.stat().st_size == 0:
        reason = "an empty file" if path.is_file() else "a folder" if path.is_dir() else "no such file"
        raise InputError(f"{path}: {reason}; allowed is an image")


def _to_rgb(image: Image.Image, source: Path | BinaryIO) -> Image.Image:
    opaque = has_spare_band(image)
    upright = ImageOps.exif_transpose(image)
    if upright.mode[0] == "F":
        grey = np.asarray(upright, dtype=np.float64)
        if not (grey.min() >= 0 and grey.max() <= 1):
            raise ValueError(f"{bands_in_words(source) or image.format}; floats may be 0 to 1")
        return Image.fromarray(np.minimum(grey * 256, 255).astype(np.uint8)).convert("RGB")
    if upright.has_transparency_data and not opaque:
        layers = upright.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layers.size, "black"), layers).convert("RGB")
    return upright.convert("RGB")


def _reason(error: Exception, source: Path | BinaryIO) -> str:
    unknown = isinstance(error, UnidentifiedImageError)
    bands = bands_in_words(source) if unknown or "samples per pixel" in str(error) else ""
    return bands or ("not one of " + ", ".join(FORMATS) if unknown else str(error))


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

    A path fits its file: from the folder, from the folder above it (``images/a.jpg``), or from the root; a path of
    another machine by as many of its last parts as lead to a file. A name fits exactly, else whatever the case, else
    whatever the extension, a number else whatever zeros are before it. Nothing outside the folder fits.
    Raises ``InputError`` where there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; allowed is a folder of images")
    inside = {path.relative_to(folder).as_posix(): path for path in with_range(files_below(folder))}
    names = list(dict.fromkeys(image_ids))
    found: dict[str, list[Path]] = {}
    here = folder.resolve()
    for above in ("", f"{here.name}/", f"{folder.absolute().as_posix()}/", f"{here.as_posix()}/"):
        exact = {above + name: path for name, path in inside.items()}
        found |= {name: [exact[key]] for name in names if (key := _tidy(name)) in exact and name not in found}
    found |= {name: [inside[tail] for tail in tails if tail in inside][:1] for name, tails in _tails(names, found)}
    rules: Sequence[Callable[[str], str]] = (str, _folded, _stem, _number)
    for rule in rules:
        if not (todo := [name for name in names if len(found.get(name, ())) != 1]):
            break
        places = defaultdict(list)
        for name, path in inside.items():
            for label in {path.name, name}:
                places[rule(label)].append(path)
        found |= {name: _different(places.get(rule(_tidy(name)), [])) for name in todo}
    return {name: found[name] for name in names}


def one_file_each(found: Mapping[str, Sequence[Path]], folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Of ``match_images``: the file of every name that has one of its own, and what is wrong with the other names."""
    name_of: dict[Path, str] = {}
    lost: dict[str, str] = {}
    for name, paths in found.items():
        if len(paths) != 1:
            several = ", ".join(path.relative_to(folder).as_posix() for path in paths[:3])
            lost[name] = f"several files fit: {several}" if paths else f"no such file in {folder}"
        elif name_of.setdefault(paths[0], name) != name:
            lost[name] = f"the same file as {name_of[paths[0]]!r}: one image needs one name"
    return {name: path for path, name in name_of.items()}, lost


def files_below(folder: Path, suffixes: tuple[str, ...] = SUFFIXES) -> list[Path]:
    """The files of a folder that end so, in linked folders too, by their paths; a link that leads back is left out."""
    files = []
    for here, folders, names in os.walk(folder, followlinks=True):
        place = Path(here)
        above = {parent.resolve() for parent in place.parents if parent == folder or folder in parent.parents}
        if place.resolve() in above:
            folders.clear()
            continue
        files += [place / name for name in names if name.lower().endswith(suffixes)]
    return sorted(files)


def _different(paths: Sequence[Path]) -> list[Path]:
    """Each file once, by whichever of its links comes first."""
    return list({path.resolve(): path for path in reversed(paths)}.values())[::-1] if len(paths) > 1 else list(paths)


def _tidy(name: str) -> str:
    return posixpath.normpath(name.replace("\\", "/"))


def _tails(names: Sequence[str], found: Mapping[str, object]) -> list[tuple[str, list[str]]]:
    """The paths that are not found yet and begin at a root or drive, each with its last parts, longest first."""
    foreign = [name for name in names if name not in found and FOREIGN.match(name)]
    parts = {name: _tidy(name).split("/") for name in foreign}
    return [(name, ["/".join(parts[name][start:]) for start in range(1, len(parts[name]))]) for name in foreign]


def found_otherwise(found: Mapping[str, Path]) -> list[str]:
    """In words, for the files of image ids: those that were found by the end of a path, or a number without its zeros.

    >>> found_otherwise({"7": Path("set/0007.jpg"), "/data/b.jpg": Path("set/b.jpg"), "a.jpg": Path("set/a.jpg")})
    ["1 images by the end of their path: '/data/b.jpg' is b.jpg", "1 images by their number: '7' is 0007.jpg"]
    """
    foreign = [name for name, path in found.items() if FOREIGN.match(name) and Path(name).resolve() != path.resolve()]
    numbers = [name for name, path in found.items() if _stem(name).isdigit() and _stem(name) != _stem(path.name)]
    kinds = (("the end of their path", foreign), ("their number", numbers))
    return [f"{len(names)} images by {how}: {names[0]!r} is {found[names[0]].name}" for how, names in kinds if names]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _stem(name: str) -> str:
    start, dot, suffix = _folded(name).rpartition(".")
    return start if dot + suffix in SUFFIXES else _folded(name)


def _number(name: str) -> str:
    """The number that names a file, without zeros before it; of any other name its stem."""
    folder, slash, last = _stem(name).rpartition("/")
    return last.lstrip("0") or "0" if last.isdigit() else folder + slash + last
