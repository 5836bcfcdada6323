"""Data sets by name, one file each, or a folder of one's own: the pairs and images of a run, and its noise."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from rrsitr_lib.config import RunConfig, is_shards
from rrsitr_lib.data.images import find_images
from rrsitr_lib.data.noise import Noise, inject, load_noise
from rrsitr_lib.data.pairs import SPLITS, PairTable, read_folder
from rrsitr_lib.data.pictures import usable_images
from rrsitr_lib.data.problems import LEFT_OUT, Problem
from rrsitr_lib.data.shards.pairs import ShardTable
from rrsitr_lib.errors import InputError
from rrsitr_lib.registry import DATASETS, ENCODERS, extension

register = DATASETS.register


@dataclass(frozen=True)
class Split:
    """A table and its images: decoded arrays (M, H, W, 3) uint8, one path an image, or ``ShardImages``.

    ``left_out``: the pairs that are not in the table, because their image cannot be used; in shards they have no row.
    """

    table: PairTable
    images: np.ndarray | Sequence[Path]
    left_out: Sequence[Problem] = ()

    @cached_property
    def rows(self) -> np.ndarray:
        """Where every pair stands in the table as it was read, from 1, (N,)."""
        without = [problem.row for problem in self.left_out if problem.row]
        return np.setdiff1d(np.arange(1, len(self.table) + len(without) + 1), without)


class DataSet(ABC):
    """A source of pairs that a configuration can name. ``needs_images``: they lie in the folder ``config.images``."""

    needs_images: ClassVar[bool] = True

    @abstractmethod
    def open(self, config: RunConfig, image_size: int) -> dict[str, Split]:
        """Train, val and test. ``image_size``: pixels that the encoder sees, for images that are made anew; files are
        found by ``with_images``, which leaves out what ``config.bad`` says.

        Raises ``InputError`` for a missing table or image.
        """

    def count_pairs(self, config: RunConfig) -> dict[str, int]:
        """Pairs by split, for the expected cost of a run; a set that knows them unopened says so here."""
        opened = self.open(config, ENCODERS[config.encoder].image_size)
        return {name: len(split.table) for name, split in opened.items()}


class Folder(DataSet):
    """A folder of one's own: train, val and test tables, the images in another or in ``images`` below it."""

    def open(self, config: RunConfig, image_size: int) -> dict[str, Split]:
        """The images as they lie there, of any size."""
        return with_images(read_folder(config.data), str(config.images), config.bad)

    def count_pairs(self, config: RunConfig) -> dict[str, int]:
        """Lines of the tables, where there are any, without reading them as such."""
        tables = {name: Path(config.data) / f"{name}.csv" for name in SPLITS}
        return {
            name: max(0, path.read_bytes().count(b"\n") - 1) if path.is_file() else 0 for name, path in tables.items()
        }


def with_images(tables: Mapping[str, PairTable], folder: str | Path, bad: str) -> dict[str, Split]:
    """The tables with the file of every image; ``bad`` "skip" leaves out the pairs of those that cannot be used.

    Raises ``InputError`` for a missing image, or where none can be used.
    """
    if bad != "skip":
        return {name: Split(table, find_images(folder, table.images)) for name, table in tables.items()}
    return {name: _usable_pairs(table, folder) for name, table in tables.items()}


def _usable_pairs(table: PairTable, folder: str | Path) -> Split:
    found, lost = usable_images(folder, table.images)
    if not found:
        name = table.images[0]
        raise InputError(f"{folder}: none of the images of {table.source} can be used; {name!r}: {lost[name]}")
    left_out = [
        Problem(table.split, row, name, f"{LEFT_OUT}: {lost[name]}")
        for row, name in enumerate(table.image_ids, 1)
        if name in lost
    ]
    kept = table.take(np.flatnonzero([name in found for name in table.image_ids]))
    return Split(kept, [found[name] for name in kept.images], left_out)


def source_of(config: RunConfig) -> DataSet:
    """The data set that ``config.data`` names, its shards, or its folder."""
    if is_shards(config.data):
        from rrsitr_lib.data.datasets.shards import Shards  # it builds on this module

        return Shards()
    return DATASETS[config.data] if config.data in DATASETS else Folder()


def open_data(config: RunConfig, image_size: int | None = None) -> dict[str, Split]:
    """The train, val and test split that ``config.data`` names; drawn images as the encoder sees them, or as asked for.

    Raises ``InputError`` for an unknown name, a missing table, a missing image.
    """
    return source_of(config).open(config, image_size or ENCODERS[config.encoder].image_size)


def inject_noise(config: RunConfig, table: PairTable) -> Noise:
    """The noise of a run: drawn by its protocol, or read from ``noise_file``. Shape: over the table's N rows.

    Raises ``InputError`` for a rate beside a file: nobody would use it, and tables would show it.
    """
    if config.noise_file is None:
        columns = _columns(table, config.protocol)
        return inject(columns[0], config.noise_rate, config.protocol, config.noise_seed, columns[1])
    if config.noise_rate:
        own = f"noise_file {config.noise_file}, which has its own rate"
        raise InputError(f"noise_rate is {config.noise_rate} beside {own}: give one of the two")
    if Path(config.noise_file).suffix == ".npy":
        return extension("exchange.noise_index").load_index(config.noise_file, table.image_ids, table.captions)
    noise = load_noise(config.noise_file)
    if len(noise) != len(table):
        trained = f"but {len(table)} rows of {table.source} are trained"
        raise InputError(f"{config.noise_file}: noise for {len(noise)} rows, {trained}")
    return noise


def _columns(table: PairTable, protocol: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and captions row by row, of shards as numbers. **Shape** (N,) both."""
    if not isinstance(table, ShardTable):
        return table.image_ids, table.captions
    if protocol == "hard":
        raise InputError("protocol 'hard' compares the words of all captions: it does not work on shards")
    return table.image_of_row, table.caption_codes()


def noise_in_words(path: str | Path, noise: Noise) -> str:
    """The form of a noise file and its rates, nominal where it states one, and realised."""
    path, form = Path(path), noise.protocol + ", which states no nominal rate"
    if path.suffix != ".npy":
        form = f".npz of this project, {noise.protocol}, seed {noise.seed}, nominal rate {100 * noise.rate:.2f} %"
    return f"noise_file {path.name}: {form}; truly mismatched are {100 * noise.realised_rate:.2f} % of the pairs"
