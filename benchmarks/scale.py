"""What a pair costs, in bytes and seconds, and what that makes for many: the figures of docs/scale.md.

Usage: python benchmarks/scale.py [--pairs 5000000 100000000] [--step SECONDS --epochs 5 --price AN_HOUR]

What training costs on GPUs is worked out from what you give: ``--step``, seconds of a training step a pair on one GPU
(``benchmarks/gpu.py``: step over pairs), and ``--price`` of an hour of it, in your money. Neither has a default.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from gpu import images_on_disk
from timing import timed

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
SHARD = "pair of a shard, its image decoded"
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


def to_rent(pairs: int, epochs: int, step: float, price: float | None, held: int, decoding: float) -> str:
    """What training costs on GPUs: ``step``, ``decoding``: seconds a pair; ``held``: bytes a pair in memory."""
    hours = pairs * epochs * step / 3600
    cost = "" if price is None else f" x {price:g} = {hours * price:,.2f}"
    needs = f"{decoding / step:,.1f} cores a GPU to decode, {pairs * held / 1e9:,.1f} GB of memory a process"
    return f"{pairs:>13,} pairs x {epochs} epochs x {step:g} s = {hours:,.1f} GPU hours{cost}; {needs}"


def positive(text: str) -> float:
    """A number above zero, of the command line."""
    if not 0 < (number := float(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: allowed is a number above 0")
    return number


def measured() -> dict[str, tuple[int, float | None]]:
    """Bytes and seconds a pair, by what they are spent on."""
    tokenizer = build_encoder("vit-b-32", "none")
    ids = np.repeat(np.arange(200_000), 5).astype(str)
    return {
        "image in the store, 224 x 224": (224 * 224 * 3, decoding()),
        "token numbers, 77": (77 * 8, per_item(lambda: tokenizer.tokenize([CAPTION] * 5000), 5000)),
        SHARD: streaming(),
        "noise, shuffle": (NOISE_BYTES, per_item(lambda: inject(ids, 0.4), len(ids))),
        "ledger, one epoch": (LEDGER_BYTES, ledger_append()),
        "pooled features, 2 x 512": (2 * 512 * 4, None),
        "token features, (49 + 77) x 512, float16": ((49 + 77) * 512 * 2, None),
    }


def main() -> None:
    """Print the table, and what to rent where a step is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, nargs="+", default=[5_000_000, 100_000_000])
    parser.add_argument("--step", type=positive, help="seconds of a training step a pair, on one GPU")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--price", type=positive, help="of an hour of one GPU with its machine")
    given = parser.parse_args()
    if given.price and not given.step:
        parser.error("--price needs --step: benchmarks/gpu.py measures it")
    counts, per_pair = given.pairs, measured()
    heads = "".join(f"{f'{pairs:,} pairs':>24}" for pairs in counts)
    print(f"{'':42}{'bytes a pair':>14}{'us a pair':>12}{heads}")
    for name, (size, seconds) in per_pair.items():
        took = "" if seconds is None else f"{1e6 * seconds:.2f}"
        totals = "".join(f"{total(pairs, size, seconds):>24}" for pairs in counts)
        print(f"{name:42}{size:>14,}{took:>12}{totals}")
    if given.step:
        held, decoding = per_pair[SHARD]
        print("\nto rent, as given on the command line:")
        for pairs in counts:
            print(to_rent(pairs, given.epochs, given.step, given.price, held, decoding or 0.0))


if __name__ == "__main__":
    main()
