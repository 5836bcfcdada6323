"""How long a control waits: every explorer, every control, on a made-up ledger as large as a real run's.

Usage: python benchmarks/explorers.py [--quick] [--large]
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.show.explorers.base import Explorer
from rrsitr_lib.show.explorers.pacing import PacingExplorer
from rrsitr_lib.show.explorers.protocol import ProtocolExplorer
from rrsitr_lib.show.explorers.tabs import open_explorer
from rrsitr_lib.training.ledger import COLUMNS, Ledger
from rrsitr_lib.training.run import train

MOVES = 12
FROM_LEDGER = ("partition", "flow", "weights", "margins", "gallery")
FROM_FEATURES = ("retrieval", "embedding")  # these read 200 sampled pairs and the test set, however large the ledger is
ONCE = {("embedding", "map")}  # a UMAP takes half a minute when it is first chosen, which its label says


def made_up_ledger(folder: Path, pairs: int, epochs: int) -> Path:
    """Losses that fall for true pairs and stay for mismatched ones; all other columns at random."""
    generator, mismatched = np.random.default_rng(0), np.arange(pairs) % 5 < 2
    ledger = Ledger.create(folder / "ledger", mismatched, {})
    for epoch in range(epochs):
        rows = {name: generator.random(pairs).astype(dtype) for name, dtype in COLUMNS.items()}
        rows["loss"] = generator.gamma(4, np.where(mismatched, 6, 4 / (1 + 0.2 * epoch))).astype("f4")
        rows["category"] = np.digitize(rows["loss"], [5, 18]).astype(COLUMNS["category"])
        ledger.append(rows)
    return folder


def made_up_pairs(pairs: int) -> PairTable:
    """Five captions an image, ten classes by name."""
    images = [f"class{'abcdefghij'[k // 5 % 10]}_{k // 5}.jpg" for k in range(pairs)]
    return PairTable(images, [f"caption {k} of a picture" for k in range(pairs)], "train", "made up")


def moves(explorer: Explorer, skipped: set[str]) -> Iterator[tuple[str, list[float]]]:
    """Seconds of every move, control by control, to places spread over its range, there and back."""
    for spec in explorer.specs:
        if spec.name in skipped:
            continue
        values = [spec.values[k] for k in np.unique(np.linspace(0, len(spec.values) - 1, MOVES).round().astype(int))]
        seconds = []
        for value in [*values, *reversed(values[:-1])]:
            before = time.perf_counter()
            explorer.move(**{spec.name: value})
            seconds.append(time.perf_counter() - before)
        yield spec.label, seconds[1:]  # the first may be no move at all


def report(name: str, explorer: Explorer, size: str) -> float:
    """A line a control; returns the largest median in milliseconds."""
    worst = 0.0
    for label, seconds in moves(explorer, {control for kind, control in ONCE if kind == name}):
        median, longest = 1e3 * np.median(seconds), 1e3 * max(seconds)
        worst = max(worst, median)
        print(f"{name:10} {label[:38]:38} {size:>14} {median:9.0f} ms {longest:9.0f} ms", flush=True)
    return worst


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 pairs x 5 epochs: only to see that it runs")
    parser.add_argument("--large", action="store_true", help="160,000 pairs x 50 epochs as well")
    arguments = parser.parse_args()
    measure([(2_000, 5)] if arguments.quick else [(20_000, 30), *[(160_000, 50)] * arguments.large])


def measure(sizes: Sequence[tuple[int, int]]) -> None:
    """A line a control, for ledgers of so many pairs and epochs."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; up to {2 * MOVES - 2} moves a control")
    print(f"{'explorer':10} {'control':38} {'pairs x epochs':>14} {'median':>12} {'longest':>12}")
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small"
        train(RunConfig.build(encoder="tiny", scenes=60, epochs=2, noise_rate=0.4, seed=3), small, progress=False)
        worst = max(worst, report("pacing", PacingExplorer(), "no ledger"))
        for name in FROM_FEATURES:
            worst = max(worst, report(name, open_explorer(name, small), "test split"))
        for pairs, epochs in sizes:
            run, size = made_up_ledger(Path(folder) / str(pairs), pairs, epochs), f"{pairs:,} x {epochs}"
            for name in FROM_LEDGER:
                worst = max(worst, report(name, open_explorer(name, run), size))
            worst = max(worst, report("compare", open_explorer("compare", run, other=run), size))
            worst = max(worst, report("protocol", ProtocolExplorer(made_up_pairs(pairs)), size))
    print(f"largest median: {worst:.0f} ms")


if __name__ == "__main__":
    main()
