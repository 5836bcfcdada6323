"""The pairs of shards as a table whose texts stay on the disk, and their images, each read when it is asked for."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
from PIL import Image

from rrsitr_lib.data.images import open_image
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.data.shards.index import ShardIndex
from rrsitr_lib.data.tables.row import Stored
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import fingerprint

PLACE = ("offset", "size")
PUT_BACK = "put the shard back, and the same command goes on"


class Texts(Sequence[str]):
    """A column of texts over all shards, mapped from their indices; in another order where ``order`` (N,) is given."""

    def __init__(self, parts: Sequence[pa.ChunkedArray], order: np.ndarray | None = None) -> None:
        self.parts, self.order = parts, order
        self.starts = np.cumsum([0, *map(len, parts)])

    def __len__(self) -> int:
        return int(self.starts[-1]) if self.order is None else len(self.order)

    def __getitem__(self, rows: Any) -> Any:
        """A text for a number, an object array (K,) for rows (K,), a slice or a mask."""
        if isinstance(rows, slice) or np.asarray(rows).dtype == bool:
            rows = np.arange(len(self))[rows]
        wanted = np.asarray(rows) if self.order is None else self.order[rows]
        if np.ndim(wanted) == 0:
            return self._one(int(wanted))
        return np.array([self._one(row) for row in wanted.tolist()], dtype=object)

    def _one(self, row: int) -> str:
        if not 0 <= row < self.starts[-1]:
            raise IndexError(row)
        part = int(np.searchsorted(self.starts, row, "right")) - 1
        return self.parts[part][row - int(self.starts[part])].as_py()

    def __iter__(self) -> Iterator[str]:
        if self.order is not None:
            yield from map(self._one, self.order.tolist())
            return
        for part in self.parts:
            yield from part.to_pylist()


class ShardTable(PairTable):
    """The pairs of shards, whose indices have checked every entry; a sample of several captions is as many rows."""

    shards: Sequence[ShardIndex]

    def __init__(self, shards: Sequence[ShardIndex], split: str, source: str) -> None:
        self.__dict__.update(split=split, source=source, shards=shards)
        self.__dict__.update(image_ids=self._texts("image"), captions=self._texts("caption"))
        if not len(self):
            raise InputError(f"{source}: no pair in {len(shards)} shards")

    def _texts(self, column: str, order: np.ndarray | None = None) -> Texts:
        return Texts([shard.pairs.column(column) for shard in self.shards], order)

    @cached_property
    def places(self) -> np.ndarray:
        """Shard, offset and size of the image of every row. **Shape** (3, N) int64."""
        counts = list(map(len, self.shards))
        columns = [np.concatenate([shard.pairs.column(name).to_numpy() for shard in self.shards]) for name in PLACE]
        return np.stack([np.repeat(np.arange(len(counts)), counts), *columns])

    @cached_property
    def image_of_row(self) -> np.ndarray:
        """The rows of an image are neighbours. **Shape** (N,) int64."""
        shard, offset, _ = self.places
        return np.cumsum(np.append(False, (np.diff(shard) != 0) | (np.diff(offset) != 0)))

    @cached_property
    def images(self) -> Sequence[str]:  # type: ignore[override]
        """The name of every image, shard and member. **Shape** (M,)."""
        return self._texts("image", self.first_row_of_image)

    @cached_property
    def first_row_of_image(self) -> np.ndarray:
        """**Shape** (M,) int64."""
        return np.unique(self.image_of_row, return_index=True)[1]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over the names, captions and sizes in row order."""
        parts = hashlib.sha256()
        for shard in self.shards:
            texts = [text for name in ("image", "caption") for text in shard.pairs.column(name).to_pylist()]
            parts.update(fingerprint("\0".join(texts), shard.pairs.column("size").to_numpy()).encode())
        return parts.hexdigest()

    def caption_codes(self) -> np.ndarray:
        """Equal captions, equal numbers: 63 bits of a hash, so that no text is held. **Shape** (N,) int64."""
        parts = [shard.pairs.column("caption").to_numpy() for shard in self.shards]
        hashed = np.concatenate([pd.util.hash_array(part, categorize=False) for part in parts])
        return (hashed >> np.uint64(1)).astype(np.int64)

    def with_captions(self, caption_index: np.ndarray) -> Self:
        """The same rows, row i carrying ``captions[caption_index[i]]``. **Shape** (N,) integers 0 to N - 1."""
        other = type(self)(self.shards, self.split, self.source)
        other.__dict__["captions"] = self._texts("caption", caption_index)
        return other


class ShardImages(Sequence[Image.Image]):
    """The images of a table of shards, each decoded from its place when it is asked for.

    Raises ``InputError`` for a shard that is gone or shorter than when it was indexed, and an image that does not open.
    """

    def __init__(self, table: ShardTable) -> None:
        self.names, self.paths = table.images, [shard.path for shard in table.shards]
        self.places = table.places[:, table.first_row_of_image]

    def __len__(self) -> int:
        return self.places.shape[1]

    def __getitem__(self, number: Any) -> Any:
        shard, offset, size = self.places[:, number].tolist()
        name = f"{self.paths[shard]}, {self.names[number].partition('/')[2]}"
        return open_image(BytesIO(self._read(self.paths[shard], offset, size)), name)

    @staticmethod
    def _read(path: Path, offset: int, size: int) -> bytes:
        try:
            content = Stored(path, offset, size).read()
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}: {PUT_BACK}") from None
        if len(content) < size:
            raise InputError(f"{path}: shorter than when the run began: {PUT_BACK}")
        return content
