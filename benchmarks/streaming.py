"""Memory and time of training on shards, by number of pairs: the table and the figure of docs/scale.md.

Usage: python benchmarks/streaming.py [--pairs 20000 60000 200000] [--folder DIR] [--figure docs/streaming.png]
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt

CAPTIONS = 5  # a drawn scene
RRSITR = [sys.executable, "-m", "rrsitr_lib"]
TRAIN = "--encoder tiny --noise-rate 0.4 --epochs 1 --set weights=none --set warmup_steps=0".split()
KIB = 1024  # and ru_maxrss is in KiB on Linux


def peak_of(command: list[str]) -> tuple[float, float]:
    """Peak memory, MiB, and seconds of a command."""
    started = time.perf_counter()
    # what is told is the largest of all children so far: so each has a parent of its own
    code = "import subprocess, sys, resource; done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); "
    code += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)"
    done = subprocess.run([sys.executable, "-c", code, *command], check=True, stdout=subprocess.PIPE, text=True)
    return int(done.stdout.split()[-1]) / KIB, time.perf_counter() - started


def measure(pairs: int, folder: Path) -> dict[str, float]:
    """Write shards of drawn scenes where they are not there yet, and train one epoch on them."""
    shards = folder / f"{pairs}"
    if not shards.exists():
        scenes = f"scenes={pairs // CAPTIONS}"
        subprocess.run([*RRSITR, "data", "shards", "scenes", "--out", str(shards), "--set", scenes], check=True)
    run = folder / f"{pairs}_run_{time.time_ns()}"
    peak, seconds = peak_of([*RRSITR, "train", "--data", f"{shards}/*.tar", "--out", str(run), *TRAIN])
    size = sum(path.stat().st_size for path in shards.glob("*.tar")) / KIB**2
    return {"pairs": pairs, "shards": len(list(shards.glob("*.tar"))), "MiB": size, "peak": peak, "seconds": seconds}


def draw(rows: list[dict[str, float]], path: Path) -> None:
    """Peak memory over pairs, from zero."""
    figure, axis = plt.subplots(figsize=(5, 3), layout="constrained")
    thousands = [row["pairs"] / 1000 for row in rows]
    axis.plot(thousands, [row["peak"] for row in rows], "o-", color="black", label="peak memory")
    axis.plot(thousands, [row["MiB"] for row in rows], "s--", color="grey", label="the shards")
    axis.set(xlabel="training pairs in shards, thousands", ylabel="MiB", ylim=(0, None), xlim=(0, None))
    axis.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, nargs="+", default=[20_000, 60_000, 200_000])
    parser.add_argument("--folder", type=Path, default=Path("runs/streaming"))
    parser.add_argument("--figure", type=Path, help="where to draw it")
    options = parser.parse_args()
    rows = []
    print(f"{'pairs':>9}{'shards':>8}{'their MiB':>11}{'peak MiB':>10}{'seconds':>9}{'ms a pair':>11}", flush=True)
    for pairs in options.pairs:
        rows.append(row := measure(pairs, options.folder))
        numbers = f"{pairs:>9,}{row['shards']:>8}{row['MiB']:>11.0f}{row['peak']:>10.0f}{row['seconds']:>9.0f}"
        print(f"{numbers}{1000 * row['seconds'] / pairs:>11.2f}", flush=True)
    if options.figure:
        draw(rows, options.figure)


if __name__ == "__main__":
    main()
