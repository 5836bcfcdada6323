"""Images of more than 8 bits: what the images of a set use of them, 2nd to 98th percentile, is what is shown.

A sensor of 11 bits fills 0 to 2047 of 65535, which would be black, and a few clouds may fill the rest. The range is the
set's: each image's own would show a dark and a bright scene alike.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

if TYPE_CHECKING:
    from tifffile import TiffFile

DEEP_FORMATS = ("PNG", "TIFF", "JPEG2000", "PPM")
DEEP_SUFFIXES = (".png", ".tif", ".tiff", ".jp2", ".pgm", ".ppm")
MAX_PIXELS = 2**26  # 8192 x 8192, under Pillow's own alarm of 89 million
PERCENTILES = (2, 98)
LOOKED_AT = 1024  # values an image by which the range of a set is found
BITS_PER_SAMPLE, EXTRA_SAMPLES = 258, 338  # tags of TIFF
ASSOCIATED = 1  # an extra sample: transparency that was multiplied in
COMMAND = "gdal_translate -ot Byte -scale"

Limits = tuple[float, float]


class RangedImage(type(Path())):  # type: ignore[misc]
    """The file of an image, the ``limits`` that its set uses of more than 8 bits, and whether it has a spare band."""

    limits: Limits | None = None
    spare_band = False

    def __reduce__(self) -> tuple[Any, ...]:
        return _ranged, (str(self), self.limits, self.spare_band)


class _Looked(NamedTuple):
    limits: Limits
    deep: frozenset[Path]
    spare_band: frozenset[Path]


def with_range(paths: Sequence[Path]) -> list[Path]:
    """The files of a set, in order, those of more than 8 bits with the range that they have together."""
    candidates = [path for path in paths if path.suffix.lower() in DEEP_SUFFIXES]
    stats = [(path, path.stat()) for path in candidates if path.is_file()]
    seen = _look(tuple((path, stat.st_size, stat.st_mtime_ns) for path, stat in stats))
    ranged = seen.deep | seen.spare_band
    return [
        _ranged(path, seen.limits if path in seen.deep else None, path in seen.spare_band) if path in ranged else path
        for path in paths
    ]


def range_notes(paths: Sequence[Path]) -> list[str]:
    """What was done with images of more than 8 bits, and with spare bands of TIFFs, in words; nothing for others."""
    ranged = [path for path in paths if isinstance(path, RangedImage)]
    deep = [path.limits for path in ranged if path.limits]
    spare = [path for path in ranged if path.spare_band]
    notes = []
    if deep:
        low, high = deep[0]
        said = f"{low:.0f} to {high:.0f}, the 2nd to 98th percentile of their set, shown as 0 to 255"
        notes.append(f"{len(deep)} images of more than 8 bits: {said}")
    if spare:
        notes.append(
            f"{len(spare)} TIFFs with a band beyond colours that is not said to be multiplied in: it is not shown"
        )
    return notes


def range_of(path: Path) -> str:
    """What the name of a cache must hold beside the file: another range makes other pixels of it."""
    return f"{path.limits[0]:g} to {path.limits[1]:g}" if isinstance(path, RangedImage) and path.limits else ""


def deep_values(image: Image.Image, source: str | Path | BinaryIO) -> np.ndarray | None:
    """The values of an open image of more than 8 bits, None of another. **Shape** (H, W), or (H, W, 3) of a TIFF.

    Of colours of 16 bits Pillow reads the upper 8 only; ``source`` is where tifffile finds the whole values.
    """
    if image.mode[0] == "I":
        return np.asarray(image)
    if not isinstance(image, TiffImageFile) or max(image.tag_v2.get(BITS_PER_SAMPLE, (1,))) <= 8 or image.mode == "F":
        return None
    with _tiff(source) as file:
        page = file.pages.first
        values: np.ndarray = page.asarray()
        return (np.moveaxis(values, 0, -1) if page.planarconfig == 2 else values)[..., :3]


def limits_of(values: np.ndarray) -> Limits:
    """The values that become black and white; where nearly all are equal, 0 and the largest.

    >>> limits_of(np.arange(101)), limits_of(np.array([7, 7, 7]))
    ((2.0, 98.0), (0.0, 7.0))
    """
    low, high = (float(end) for end in np.percentile(values, PERCENTILES))
    return (low, high) if low < high else (min(0.0, float(values.min())), max(1.0, float(values.max())))


def stretched(values: np.ndarray, limits: Limits) -> np.ndarray:
    """Values between the limits as 0 to 255, what lies beyond as the nearer end. **Shape** as given, uint8.

    >>> stretched(np.array([0, 500, 1100, 4000]), (100, 2100)).tolist()
    [0, 51, 128, 255]
    """
    low, high = limits
    return np.clip((values.astype(np.float64) - low) / (high - low) * 255 + 0.5, 0, 255).astype(np.uint8)


def has_spare_band(image: Image.Image) -> bool:
    """Whether an open TIFF has a band beyond its colours that is not said to be multiplied in.

    GDAL calls near infra-red alpha.
    """
    further = image.tag_v2.get(EXTRA_SAMPLES) if isinstance(image, TiffImageFile) else None
    return further is not None and further != (ASSOCIATED,)


def bands_in_words(source: str | Path | BinaryIO) -> str:
    """Bands and type of a TIFF that is not shown, and what converts it; empty for any other file."""
    try:
        with _tiff(source) as file:
            page = file.pages.first
            bands, kind = page.samplesperpixel, page.dtype
    except Exception:  # damaged bytes make decoders raise nearly anything
        return ""
    if bands == 1:
        return f"a TIFF of {kind}: allowed are 8 or 16 bits; {COMMAND} IN OUT"
    command = (
        f"{COMMAND} -b 4 -b 3 -b 2 IN OUT, with the numbers of red, green and blue"
        if bands > 3
        else f"{COMMAND} IN OUT"
    )
    return f"a TIFF of {bands} bands of {kind}: allowed are 1 or 3 bands of 8 or 16 bits; {command}"


def _tiff(source: str | Path | BinaryIO) -> "TiffFile":
    from tifffile import TiffFile

    if not isinstance(source, str | Path):
        source.seek(0)  # from there on it would be read
    return TiffFile(source)


def _ranged(path: str | Path, limits: Limits | None, spare_band: bool) -> RangedImage:
    made = RangedImage(path)
    made.limits, made.spare_band = limits, spare_band
    return made


@lru_cache(maxsize=8)
def _look(files: tuple[tuple[Path, int, int], ...]) -> _Looked:
    """Of files of this size and time of change those of more than 8 bits, their range, and those with a spare band."""
    paths = [path for path, *_ in files]
    with ThreadPoolExecutor() as pool:
        looked = dict(zip(paths, pool.map(_look_at, paths), strict=True))
    samples = {path: sample for path, (sample, _) in looked.items() if sample is not None}
    limits = limits_of(np.concatenate(list(samples.values()))) if samples else (0.0, 1.0)
    return _Looked(limits, frozenset(samples), frozenset(path for path, (_, spare) in looked.items() if spare))


def _look_at(path: Path) -> tuple[np.ndarray | None, bool]:
    """Some values of an image of more than 8 bits, else None, as for one that its reader will refuse."""
    try:
        with Image.open(path, formats=DEEP_FORMATS) as image:
            values = deep_values(image, path) if image.width * image.height <= MAX_PIXELS else None
            sample = None if values is None else values.ravel()[:: max(1, values.size // LOOKED_AT)]
            return sample, has_spare_band(image)
    except Exception:  # damaged bytes make Pillow's decoders raise nearly anything
        return None, False
