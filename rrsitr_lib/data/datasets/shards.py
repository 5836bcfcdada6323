"""Training pairs in tar shards, as many as there are; validation and test pairs in a folder of tables."""

from pathlib import Path
from typing import Any, cast

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import DataSet, Split, with_images
from rrsitr_lib.data.pairs import SPLITS, read_folder
from rrsitr_lib.data.problems import LEFT_OUT, Problem
from rrsitr_lib.data.shards import shard_files
from rrsitr_lib.data.shards.index import indices
from rrsitr_lib.data.shards.pairs import ShardImages, ShardTable
from rrsitr_lib.errors import InputError


class Shards(DataSet):
    """``data`` is a pattern of shards; val and test tables stand beside them, or in the folder ``validation``."""

    def open(self, config: RunConfig, image_size: int) -> dict[str, Split]:
        """Raises ``InputError`` for samples that are no pairs; with ``bad="skip"`` they are left out and listed."""
        shards = indices(shard_files(config.data))
        lost = [Problem("train", None, *row.values()) for shard in shards for row in shard.lost.to_pylist()]
        if lost and config.bad != "skip":
            named = "; ".join(f"{problem.image}: {problem.problem}" for problem in lost[:3])
            raise InputError(
                f"{config.data}: {len(lost)} samples are no pairs ({named}); leave them out with --bad skip"
            )
        table = ShardTable(shards, "train", config.data)
        left_out = [problem._replace(problem=f"{LEFT_OUT}: {problem.problem}") for problem in lost]
        rest = read_folder(config.validation or Path(config.data).parent, SPLITS[1:])
        train = Split(table, cast(Any, ShardImages(table)), left_out)
        return {"train": train, **with_images(rest, str(config.images), config.bad)}
