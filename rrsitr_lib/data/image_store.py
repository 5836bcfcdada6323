"""All pictures of a set decoded once into one memory-mapped file of bytes, named by a fingerprint.

A finished store is a folder ``<fingerprint>/``; one being built is ``<fingerprint>.partial/`` with a count of finished
pictures, so that a killed build goes on. A file lock keeps two builders apart.
"""

import contextlib
import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from rrsitr_lib.data.images import SUFFIXES, THREADS, match_images, open_image
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import allocate, build_once, cache_folder, fingerprint, read_json, write_json

CHUNK = 256
Opener = Callable[[], BinaryIO | Path]


class ImageStore:
    """``pictures`` (M, H, W, 3) uint8 by memory map, ``names`` (M,); ``bad``: number -> what is wrong, it is black."""

    def __init__(self, folder: Path) -> None:
        header = read_json(folder / "store.json")
        self.names: list[str] = header["names"]
        self.bad = {int(number): reason for number, reason in header["bad"].items()}
        self.pictures = np.memmap(folder / "pictures.u1", np.uint8, "r", shape=tuple(header["shape"]))

    def __len__(self) -> int:
        return len(self.names)


def sources_of(place: str | Path | Sequence[Path], names: Sequence[str] | None = None) -> dict[str, Opener]:
    """Pictures by name: of a folder, a zip, an uncompressed tar, several shards, or a list of files.

    ``names``: only these, in this order, as ``match_images`` finds them; archives need the exact member or file name.
    Raises ``InputError`` naming what is missing.
    """
    if not isinstance(place, str | Path):
        found = {}
        for part in place:
            found |= sources_of(part) if part.suffix in (".tar", ".zip") else {part.name: _path_opener(part)}
    elif (place := Path(place)).is_dir():
        wanted = names or sorted(
            p.relative_to(place).as_posix() for p in place.rglob("*") if p.suffix.lower() in SUFFIXES
        )
        matched = match_images(place, wanted)
        found = {name: _path_opener(paths[0]) for name, paths in matched.items() if len(paths) == 1}
    elif not place.is_file():
        raise InputError(f"{place}: no such file or folder of pictures")
    else:
        found = _of_archive(place)
    if names is None:
        return found
    by_last = {name.rpartition("/")[2]: name for name in found}
    places = {name: name if name in found else by_last.get(name) for name in names}
    if lost := [name for name, key in places.items() if key is None]:
        raise InputError(f"{place}: {len(lost)} of {len(places)} pictures not found, such as {lost[:3]}")
    return {name: found[key] for name, key in places.items()}


def build_store(
    sources: dict[str, Opener],
    size: int | None = None,
    bad: str = "fatal",
    folder: Path | None = None,
    key: str = "",
) -> ImageStore:
    """Decode every picture into a store, now where it is not there yet; progress and remaining time are shown.

    ``size``: pixels of the square that is kept (shorter side resized, centred); None keeps the pictures as they are,
    which must then be equally large. ``bad``: "fatal" stops at a picture that does not open, "skip" lists it.
    ``key``: what else tells this set from another of the same names. Raises ``InputError`` naming the picture,
    ``RunError`` when the disk is full; what is finished is kept.
    """
    if bad not in ("fatal", "skip"):
        raise InputError(f"bad is {bad!r}: allowed are fatal, skip")
    if not sources:
        raise InputError("no picture to store")
    name = fingerprint("store", str(size), bad, key, *sources)
    folder = folder or cache_folder() / "stores"
    return ImageStore(build_once(folder, name, lambda partial: _build(partial, sources, size, bad), "image store"))


def _build(partial: Path, sources: dict[str, Opener], size: int | None, bad: str) -> None:
    names, done, header = list(sources), 0, {}
    with contextlib.suppress(InputError, TypeError, KeyError):  # unreadable: the work begins anew
        header = read_json(partial / "store.json")
        done = int(header["done"]) if header["names"] == names else 0
    if not done:
        shape = (len(names), *((size, size) if size else _first_size(sources, bad)), 3)
        allocate(partial / "pictures.u1", int(np.prod(shape)))
        header = {"names": names, "shape": shape, "bad": {}, "done": 0}
    pictures = np.memmap(partial / "pictures.u1", np.uint8, "r+", shape=tuple(header["shape"]))

    def decode(number: int) -> None:
        try:
            pictures[number] = _fitted(sources[names[number]], names[number], tuple(header["shape"][1:3]), size)
        except InputError as error:
            if bad == "fatal":
                raise
            pictures[number], header["bad"][str(number)] = 0, str(error)

    with (
        ThreadPoolExecutor(THREADS) as pool,
        tqdm(total=len(names), initial=done, desc="pictures", unit="picture") as bar,
    ):
        for start in range(done, len(names), CHUNK):
            for _ in pool.map(decode, range(start, min(start + CHUNK, len(names)))):
                bar.update()
            pictures.flush()
            header["done"] = min(start + CHUNK, len(names))
            write_json(partial / "store.json", header)


def _first_size(sources: dict[str, Opener], bad: str) -> tuple[int, int]:
    for name, opener in sources.items():
        try:
            picture = open_image(opener(), name)
        except InputError:
            if bad == "fatal":
                raise
            continue
        return picture.height, picture.width
    raise InputError(f"none of {len(sources)} pictures opens")


def _fitted(opener: Opener, name: str, shape: tuple[int, int], size: int | None) -> np.ndarray:
    picture = open_image(opener(), name)
    if (picture.height, picture.width) != shape:
        if size is None:
            found = f"{picture.width} x {picture.height}"
            raise InputError(f"{name}: {found} pixels, the first has {shape[1]} x {shape[0]}: name a size for all")
        picture = ImageOps.fit(picture, (size, size), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def _path_opener(path: Path) -> Opener:
    return lambda: path


def _of_archive(path: Path) -> dict[str, Opener]:
    if zipfile.is_zipfile(path):
        archive = zipfile.ZipFile(path)
        members = [info for info in archive.infolist() if info.filename.lower().endswith(SUFFIXES)]
        return {info.filename: lambda info=info: io.BytesIO(archive.read(info)) for info in members}
    try:
        with tarfile.open(path, "r:") as archive:
            members = [
                (m.name, m.offset_data, m.size) for m in archive if m.isfile() and m.name.lower().endswith(SUFFIXES)
            ]
    except tarfile.TarError as error:
        raise InputError(f"{path}: not a zip or an uncompressed tar ({error}); unpack it first") from None
    return {name: lambda start=start, size=size: _part(path, start, size) for name, start, size in members}


def _part(path: Path, start: int, size: int) -> BinaryIO:
    with open(path, "rb") as file:
        return io.BytesIO(os.pread(file.fileno(), size, start))
