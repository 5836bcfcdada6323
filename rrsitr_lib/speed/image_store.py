"""All images of a set decoded once into one memory-mapped array of bytes, named by a fingerprint of their files."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from rrsitr_lib.data.images import THREADS, open_image
from rrsitr_lib.data.stretch import range_of
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import cache_folder, fingerprint
from rrsitr_lib.speed.cached_arrays import cached_arrays

CHUNK = 256


def image_store(paths: Sequence[Path], folder: Path | None = None) -> np.ndarray:
    """Decoded images (M, H, W, 3) uint8 by memory map, read now where they are not kept; a changed file is another set.

    Raises ``InputError`` naming the first image that does not open or is not as large as the first, ``RunError`` when
    the disk is full; what is finished is kept.
    """
    if not len(paths):
        raise InputError("no image to store")
    first = open_image(paths[0])
    files = [(f"{path}{range_of(path)}", path.stat()) for path in paths]
    name = fingerprint("store", *(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}" for path, stat in files))

    def decode(number: int) -> np.ndarray:
        image = open_image(paths[number])
        if image.size != first.size:
            sizes = f"{image.width} x {image.height} pixels, the first has {first.width} x {first.height}"
            raise InputError(f"{paths[number]}: {sizes}: allowed is one size for all (store=false takes any)")
        return np.asarray(image)

    def decode_all(part: range) -> dict[str, np.ndarray]:
        with ThreadPoolExecutor(THREADS) as pool:
            return {"images": np.stack(list(pool.map(decode, part)))}

    folder = folder or cache_folder() / "stores"
    return cached_arrays(folder, name, len(paths), decode_all, CHUNK, "images")["images"]
