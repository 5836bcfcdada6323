"""Pairs written as tar shards: an image as it is, its captions beside it."""

import json
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_atomically


def write_shards(
    table: PairTable,
    images: np.ndarray | Sequence[Path],
    out: Path,
    size: int = 1000,
    seed: int | None = 0,
    done: Callable[[], Any] = lambda: None,
) -> list[Path]:
    """``0000.tar`` and on, ``size`` images each with all their captions; ``done`` is called after every image.

    Files keep their bytes, arrays (M, H, W, 3) uint8 become PNG; one caption stands in a .txt, several in a .json.
    ``seed`` shuffles the images, whose neighbours in a shard will be neighbours in training; None keeps their order.
    Raises ``InputError`` for a folder that holds shards already, ``RunError`` when the disk is full; a shard is there
    whole or not at all.
    """
    if there := sorted(out.glob("*.tar")):
        raise InputError(f"{out}: holds shards already, such as {there[0].name}: name a new folder")
    count = len(table.images)
    order = np.arange(count) if seed is None else np.random.default_rng(seed).permutation(count)
    rows = np.split(np.argsort(table.image_of_row, kind="stable"), np.cumsum(np.bincount(table.image_of_row))[:-1])
    digits, paths = max(4, len(str((count - 1) // size))), []
    out.mkdir(parents=True, exist_ok=True)
    for number, first in enumerate(range(0, count, size)):

        def write(temporary: Path, chosen: np.ndarray = order[first : first + size], first: int = first) -> None:
            with tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as shard:
                for key, image in enumerate(chosen.tolist(), first):
                    _add(shard, f"{key:09}", images[image], table.captions[rows[image]].tolist())
                    done()

        paths.append(write_atomically(out / f"{number:0{digits}}.tar", write))
    return paths


def write_split(table: PairTable, images: np.ndarray | Sequence[Path], out: Path) -> None:
    """A table beside the shards, and its images in ``out/images`` below the name of the split."""
    for name, image in zip(table.images, images, strict=True):
        path = out / "images" / table.split / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, partial(Path.write_bytes, data=_encoded(image)[1]))
    own = np.array([f"{table.split}/{name}" for name in table.image_ids], dtype=object)
    replace(table, image_ids=own).write_csv(out / f"{table.split}.csv")


def _encoded(image: np.ndarray | Path) -> tuple[str, bytes]:
    """How the name of an image ends, and its bytes: those of its file, of an array as PNG."""
    if isinstance(image, Path):
        return image.suffix.lower(), image.read_bytes()
    Image.fromarray(image).save(png := BytesIO(), "PNG")
    return ".png", png.getvalue()


def _add(shard: tarfile.TarFile, key: str, image: np.ndarray | Path, captions: list[str]) -> None:
    suffix, content = _encoded(image)
    _member(shard, key + suffix, content)
    if len(captions) == 1:
        _member(shard, f"{key}.txt", captions[0].encode())
    else:
        _member(shard, f"{key}.json", json.dumps({"caption": captions}, ensure_ascii=False).encode())


def _member(shard: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    shard.addfile(entry, BytesIO(content))
