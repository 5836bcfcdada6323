"""What a pair costs, in bytes and seconds, and what that makes for many: the figures of docs/scale.md.

Usage: python benchmarks/scale.py [--pairs 5000000 100000000]
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from gpu import images_on_disk
from run import timed

from rrsitr_lib.data.noise import inject
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.data.shards.index import indices
from rrsitr_lib.data.shards.pairs import ShardImages, ShardTable
from rrsitr_lib.data.shards.write import write_shards
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.speed.image_store import image_store
from rrsitr_lib.training.batches import epoch_order
from rrsitr_lib.training.ledger import COLUMNS, Ledger

NOISE_BYTES = 8 + 1
LEDGER_BYTES = sum(np.dtype(kind).itemsize for kind in COLUMNS.values())
CAPTION = "many green trees and some buildings are near a curved river ."


def per_item(call: Callable[[], object], count: int) -> float:
    """Seconds per item, the better of two calls."""
    return min(timed(call) for _ in range(2)) / count


def decoding(count: int = 200, size: int = 224) -> float:
    """Seconds to decode a JPEG into the store."""
    with tempfile.TemporaryDirectory() as folder:
        paths, calls = images_on_disk(Path(folder), count, size), iter(range(9))
        return per_item(lambda: image_store(paths, Path(folder) / str(next(calls))), count)


def ledger_append(count: int = 1_000_000) -> float:
    """Seconds to write one epoch's row of a pair, flushed to the disk."""
    rows = {name: np.zeros(count, dtype=kind) for name, kind in COLUMNS.items()}
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.create(folder, np.zeros(count, dtype=bool), {})
        return per_item(lambda: ledger.append(rows), count)


def streaming(count: int = 200, size: int = 224) -> tuple[int, float]:
    """Bytes that a pair of a shard holds in memory, and seconds to read and decode its JPEG."""
    with tempfile.TemporaryDirectory() as folder:
        paths = images_on_disk(Path(folder), count, size)
        table = PairTable([path.name for path in paths], [CAPTION] * count, "train", "benchmark")
        shards = indices(write_shards(table, paths, Path(folder) / "shards"))
        stored = ShardTable(shards, "train", "benchmark")
        images = ShardImages(stored)
        places = (
            stored.places,
            stored.image_of_row,
            stored.first_row_of_image,
            images.places,
            epoch_order(count, 0, 0),
        )
        held = sum(array.nbytes for array in places) // count + NOISE_BYTES + LEDGER_BYTES
        return held, per_item(lambda: [images[number] for number in range(count)], count)


def total(pairs: int, size: int, seconds: float | None) -> str:
    """What so many pairs cost: GB and hours."""
    hours = "" if seconds is None else f"{pairs * seconds / 3600:,.2f} h"
    return ", ".join(filter(None, (f"{pairs * size / 1e9:,.1f} GB" if size else "", hours)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, nargs="+", default=[5_000_000, 100_000_000])
    counts = parser.parse_args().pairs
    tokenizer = build_encoder("vit-b-32", "none")
    ids = np.repeat(np.arange(200_000), 5).astype(str)
    per_pair = {
        "image in the store, 224 x 224": (224 * 224 * 3, decoding()),
        "token numbers, 77": (77 * 8, per_item(lambda: tokenizer.tokenize([CAPTION] * 5000), 5000)),
        "pair of a shard, its image decoded": streaming(),
        "noise, shuffle": (NOISE_BYTES, per_item(lambda: inject(ids, 0.4), len(ids))),
        "ledger, one epoch": (LEDGER_BYTES, ledger_append()),
        "pooled features, 2 x 512": (2 * 512 * 4, None),
        "token features, (49 + 77) x 512, float16": ((49 + 77) * 512 * 2, None),
    }
    heads = "".join(f"{f'{pairs:,} pairs':>24}" for pairs in counts)
    print(f"{'':42}{'bytes a pair':>14}{'us a pair':>12}{heads}")
    for name, (size, seconds) in per_pair.items():
        took = "" if seconds is None else f"{1e6 * seconds:.2f}"
        totals = "".join(f"{total(pairs, size, seconds):>24}" for pairs in counts)
        print(f"{name:42}{size:>14,}{took:>12}{totals}")


if __name__ == "__main__":
    main()
