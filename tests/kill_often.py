"""kill -9 at random moments over training, a study, an audit and a cache: nothing is lost, and all ends in equal bits.

python tests/kill_often.py --moments 50
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from small_runs import assert_same_run

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import open_data

STUDY = """name: killed
runs:
- fix: {data: scenes, encoder: tiny, scenes: 60, epochs: 4, batch_size: 50, warmup_steps: 2, noise_rate: 0.4}
  axes: {seed: [3, 13]}
"""
CACHE = """import sys, time; from pathlib import Path; import numpy as np
from rrsitr_lib.speed.cached_arrays import cached_arrays
def compute(items):
    time.sleep(0.2)
    return {"squares": np.array(items) ** 2}
cached_arrays(Path(sys.argv[1]), "squares", 1000, compute, 50, "squares")
"""
RRSITR = [sys.executable, "-m", "rrsitr_lib"]
TRAIN = "--data scenes --encoder tiny --epochs 6 --batch-size 50 --set scenes=60 --set warmup_steps=2 --noise-rate 0.4"


def jobs(folder: Path) -> dict[str, tuple[Callable[[Path], list[str]], Callable[[Path, Path], None]]]:
    """By name: the command that works in a folder, and what must be equal in two of them."""
    table, study = _pairs(folder), folder / "study.yaml"
    study.write_text(STUDY)
    audit = [*RRSITR, "audit", str(table), "--encoder", "tiny", "--epochs", "2"]
    return {
        "train": (lambda out: [*RRSITR, "train", *TRAIN.split(), "--out", str(out / "run")], _same_runs),
        "study": (lambda out: [*RRSITR, "study", "run", str(study), "--runs", str(out), "--workers", "2"], _same_runs),
        "audit": (lambda out: [*audit, "--out", str(out)], _same_tables),
        "cache": (lambda out: [sys.executable, "-c", CACHE, str(out / "cache")], _same_arrays),
    }


def _pairs(folder: Path) -> Path:
    """A table of drawn scenes with their pictures."""
    from PIL import Image

    split = open_data(RunConfig.build(encoder="tiny", scenes=60))["train"]
    (folder / "images").mkdir()
    for name, image in zip(split.table.images, split.images, strict=True):
        Image.fromarray(image).save(folder / "images" / name, format="PNG")
    return split.table.write_csv(folder / "pairs.csv")


def _same_runs(one: Path, other: Path) -> None:
    runs = sorted(path.parent.relative_to(one) for path in one.rglob("best.safetensors"))
    assert runs == sorted(path.parent.relative_to(other) for path in other.rglob("best.safetensors")) and runs
    for run in runs:
        assert_same_run(one / run, other / run)


def _same_tables(one: Path, other: Path) -> None:
    for name in ("suspects.csv", "cleaned.csv", "weights.csv", "problems.csv"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def _same_arrays(one: Path, other: Path) -> None:
    arrays = [np.load(folder / "cache" / "squares" / "squares.npy") for folder in (one, other)]
    np.testing.assert_array_equal(*arrays)


def killed(command: list[str], seconds: float, environment: dict[str, str]) -> bool:
    """Whether the command, and all that it started, was killed before its end."""
    process = subprocess.Popen(
        command, start_new_session=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        code = process.wait(timeout=seconds)
        assert code == 0, f"{' '.join(command)} ended with {code}"
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True


def main() -> None:
    """Kill each job at its share of the moments, beginning anew where it ended before, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=50, help="kills in all")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    moments, folder, total = random.Random(arguments.seed), Path(tempfile.mkdtemp()), 0
    for name, (command, same) in jobs(folder).items():
        whole, out, started, kills, ends = folder / f"{name}_whole", folder / name, time.monotonic(), 0, 0
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "RRSITR_CACHE": str(folder / f"{name}_cache")}
        assert not killed(command(whole), 3600, environment)
        length = time.monotonic() - started
        while kills < arguments.moments // 4 or not ends:
            if killed(command(out), moments.uniform(0.3, 0.9) * length, environment):
                kills += 1
            else:
                same(out, whole)
                ends += 1
                if kills < arguments.moments // 4:
                    shutil.rmtree(out)
                    shutil.rmtree(folder / f"{name}_cache", ignore_errors=True)
        total += kills
        print(f"{name}: killed {kills} times, ended {ends} times, equal each time", flush=True)
    shutil.rmtree(folder)
    print(f"{total} kills, nothing lost")


if __name__ == "__main__":
    main()
