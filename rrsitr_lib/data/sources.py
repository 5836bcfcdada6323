"""Where a run's pairs and pictures come from: drawn scenes, a benchmark, or a folder of one's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.benchmarks import BENCHMARKS, read_benchmark
from rrsitr_lib.data.copies import locate_captions, locate_images
from rrsitr_lib.data.images import find_images
from rrsitr_lib.data.noise import Noise, inject
from rrsitr_lib.data.noise_files import load_index, load_noise
from rrsitr_lib.data.pairs import SPLITS, PairTable
from rrsitr_lib.data.reading import read_folder
from rrsitr_lib.data.scenes import draw_scenes
from rrsitr_lib.errors import InputError

SCENES_VAL, SCENES_TEST = 100, 200
PICTURE_SIZES = {"tiny": 64}


@dataclass(frozen=True)
class Split:
    """A table and the pictures of its images: decoded arrays (M, H, W, 3) uint8, or one path an image."""

    table: PairTable
    pictures: np.ndarray | Sequence[Path]


def picture_size(config: RunConfig) -> int:
    """Width in pixels of the pictures that the configured encoder sees."""
    return PICTURE_SIZES.get(config.encoder, 224)


def open_data(config: RunConfig, picture_size: int = 64) -> dict[str, Split]:
    """The train, val and test split that ``config.data`` names; scenes are drawn ``picture_size`` pixels wide.

    Raises ``InputError`` for an unknown name, a missing table, a missing picture. Taught in: notebooks/00_start_here
    """
    if config.data == "scenes":
        return dict(_scenes(config.scenes, config.scenes_seed, picture_size))
    if config.data in BENCHMARKS:
        folder = locate_captions(Path(config.images), BENCHMARKS[config.data].json_name)
        tables = read_benchmark(config.data, folder)
        images = locate_images(Path(config.images), tables["train"].images[0])
    else:
        tables, images = read_folder(config.data), config.images
    return {name: Split(tables[name], find_images(images, tables[name].images)) for name in SPLITS}


@lru_cache(maxsize=1)  # lessons and runs of one process ask for the same scenes; nobody writes into them
def _scenes(scenes: int, seed: int, size: int) -> dict[str, Split]:
    splits = {}
    for number, (name, count) in enumerate(zip(SPLITS, (scenes, SCENES_VAL, SCENES_TEST), strict=True)):
        drawn = draw_scenes(count, seed=len(SPLITS) * seed + number, size=size)
        drawn.images.setflags(write=False)
        table = PairTable(drawn.rows_image_ids, drawn.captions, name, f"scenes (seed {seed})")
        splits[name] = Split(table, drawn.images)
    return splits


def inject_noise(config: RunConfig, table: PairTable) -> Noise:
    """The noise of a run: drawn by its protocol, or read from ``noise_file``. Shape: over the table's N rows.

    Taught in: notebooks/00_start_here
    """
    if config.noise_file is None:
        return inject(table.image_ids, config.noise_rate, config.protocol, config.noise_seed, table.captions)
    if Path(config.noise_file).suffix == ".npy":
        return load_index(config.noise_file, table.image_ids, table.captions)
    noise = load_noise(config.noise_file)
    if len(noise) != len(table):
        raise InputError(f"{config.noise_file}: noise for {len(noise)} rows, but {table.source} has {len(table)}")
    return noise
