"""Images of 16 bits that use fewer of them: one depth for all images of a set, so that two of one sensor stay alike.

A sensor of 11 bits fills 0 to 2047 of 65535, which would be black. The depth is the set's: the largest value in any of
its 16-bit images, rounded up to 2^k - 1. Each image's own range would show a dark and a bright scene alike.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

DEEP_FORMATS = ("PNG", "TIFF", "JPEG2000", "PPM")
DEEP_SUFFIXES = (".png", ".tif", ".tiff", ".jp2", ".pgm", ".ppm")
FULL, SHOWN = 16, 8  # bits


class DeepImage(type(Path())):  # type: ignore[misc]
    """The file of a 16-bit grey image, and how many ``bits`` the images of its set use."""

    bits = FULL

    def __reduce__(self) -> tuple[Any, ...]:
        return _deep_image, (str(self), self.bits)


def with_depth(paths: Sequence[Path]) -> list[Path]:
    """The files of a set, in order, its 16-bit images with the depth that they have together."""
    candidates = [path for path in paths if path.suffix.lower() in DEEP_SUFFIXES]
    stats = [(path, path.stat()) for path in candidates if path.is_file()]
    largest = _largest_values(tuple((path, stat.st_size, stat.st_mtime_ns) for path, stat in stats))
    bits = used_bits(max(largest.values(), default=0))
    return [_deep_image(path, bits) if path in largest else path for path in paths]


def used_bits(largest: float) -> int:
    """Bits of the largest value, at least those that are shown.

    >>> used_bits(2047), used_bits(3)
    (11, 8)
    """
    return max(SHOWN, int(largest).bit_length())


def depth_note(paths: Sequence[Path]) -> str:
    """What was done with the 16-bit images among the files, in words; empty where there are none or they use all."""
    deep = [path for path in paths if isinstance(path, DeepImage) and path.bits < FULL]
    if not deep:
        return ""
    said = f"{len(deep)} images of 16 bits use {deep[0].bits} of them in their set"
    return f"{said}: all were divided by {2 ** (deep[0].bits - SHOWN)}, none by its own range"


def depth_of(path: Path) -> str:
    """What the name of a cache must hold beside the file: another depth makes other pixels of it."""
    return f"{path.bits} bits" if isinstance(path, DeepImage) else ""


def _deep_image(path: str | Path, bits: int) -> DeepImage:
    made = DeepImage(path)
    made.bits = bits
    return made


@lru_cache(maxsize=8)
def _largest_values(files: tuple[tuple[Path, int, int], ...]) -> dict[Path, float]:
    """The largest value of every 16-bit grey image among files of this size and time of change."""
    with ThreadPoolExecutor() as pool:
        values = pool.map(_largest_value, [path for path, *_ in files])
    return {path: value for (path, *_), value in zip(files, values, strict=True) if value is not None}


def _largest_value(path: Path) -> float | None:
    """None for an image of another mode, and for one that does not open, which its reader will say."""
    try:
        with Image.open(path, formats=DEEP_FORMATS) as image:
            return float(np.asarray(image).max()) if image.mode[0] == "I" else None
    except Exception:  # damaged bytes make Pillow's decoders raise nearly anything
        return None
