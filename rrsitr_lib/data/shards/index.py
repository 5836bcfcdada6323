"""What a shard holds and where: names, captions and the places of its images, in an Arrow file beside other caches.

A shard is read through once; from then on its index is mapped, not loaded, and an image is read from its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from rrsitr_lib.data.tables.cells import EMPTY, captions
from rrsitr_lib.data.tables.row import Row
from rrsitr_lib.data.tables.samples import places_in_shard
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import cache_folder, fingerprint, write_atomically
from rrsitr_lib.progress import progress_bar

RULES = "1"  # another number where other samples become pairs than before
PAIRS = pa.schema([("image", pa.string()), ("caption", pa.string()), ("offset", pa.int64()), ("size", pa.int64())])
LOST = pa.schema([("image", pa.string()), ("problem", pa.string())])


@dataclass(frozen=True)
class ShardIndex:
    """One shard. ``pairs``: a row a pair, the columns of ``PAIRS``; ``lost``: samples that are no pair, and why."""

    path: Path
    pairs: pa.Table
    lost: pa.Table

    def __len__(self) -> int:
        return self.pairs.num_rows


def indices(paths: Sequence[Path]) -> list[ShardIndex]:
    """The index of every shard, made now where it is not kept. Raises ``InputError`` naming a shard that is cut."""
    folder = cache_folder() / "shards"
    kept = [folder / _name(path) for path in paths]
    if new := [number for number, index in enumerate(kept) if not index.with_suffix(".pairs").exists()]:
        with progress_bar(len(new), "shards indexed", "shard") as bar:
            for number in new:
                _write(paths[number], kept[number])
                bar.update()
    return [
        ShardIndex(path, _mapped(index.with_suffix(".pairs")), _mapped(index.with_suffix(".lost")))
        for path, index in zip(paths, kept, strict=True)
    ]


def _name(path: Path) -> str:
    stat = path.stat()
    return fingerprint(RULES, str(path.resolve()), f"{stat.st_size} {stat.st_mtime_ns}")[:32]


def _write(shard: Path, index: Path) -> None:
    """Both files, that of the pairs last: where it is there, the index is whole."""
    rows, places = places_in_shard(shard, [])
    pairs: list[dict[str, Any]] = []
    lost: list[dict[str, Any]] = []
    for row in rows:
        image = f"{shard.stem}/{row.cells['image'] or row.where.rpartition(', ')[2]}"
        texts, problem = _captions(row)
        if problem:
            lost.append({"image": image, "problem": problem})
        else:
            offset, size = places[row.cells["image"]]
            pairs += [{"image": image, "caption": text, "offset": offset, "size": size} for text in texts]
    _save(pa.Table.from_pylist(lost, LOST), index.with_suffix(".lost"))
    _save(pa.Table.from_pylist(pairs, PAIRS), index.with_suffix(".pairs"))


def _captions(row: Row) -> tuple[list[str], str]:
    """The captions of a sample, or why it is no pair."""
    if row.problem:
        return [], row.problem
    try:
        texts = list(filter(None, captions(row.cells["caption"])))
    except InputError as error:
        return [], str(error)
    return texts, "" if texts else EMPTY


def _save(table: pa.Table, path: Path) -> None:
    def write(temporary: Path) -> None:
        with pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table.combine_chunks())

    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, write)


def _mapped(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()
