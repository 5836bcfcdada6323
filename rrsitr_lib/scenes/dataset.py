"""Drawn scenes as a data set: train, val and test are worlds of their own."""

from functools import lru_cache

import numpy as np

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import DataSet, Split, register
from rrsitr_lib.data.pairs import SPLITS, PairTable
from rrsitr_lib.scenes.world import draw_scenes

VAL, TEST = 100, 200


class Scenes(DataSet):
    """``config.scenes`` training scenes of the world ``config.scenes_seed``."""

    needs_images = False

    def open(self, config: RunConfig, image_size: int) -> dict[str, Split]:
        """Drawn at the size that the encoder sees."""
        return dict(_scenes(config.scenes, config.scenes_seed, image_size))

    def count_pairs(self, config: RunConfig) -> dict[str, int]:
        """Five captions a scene."""
        return {name: 5 * count for name, count in zip(SPLITS, (config.scenes, VAL, TEST), strict=True)}


register("scenes")(Scenes())


@lru_cache(maxsize=1)  # lessons and runs of one process ask for the same scenes; nobody writes into them
def _scenes(scenes: int, seed: int, size: int) -> dict[str, Split]:
    splits = {}
    for number, (name, count) in enumerate(zip(SPLITS, (scenes, VAL, TEST), strict=True)):
        drawn = draw_scenes(count, seed=len(SPLITS) * seed + number, size=size)
        drawn.images.setflags(write=False)
        table = PairTable(drawn.rows_image_ids, np.array(drawn.captions), name, f"scenes (seed {seed})")
        splits[name] = Split(table, drawn.images)
    return splits
