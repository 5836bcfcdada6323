"""What a study costs beside the training itself, and how long ten thousand planned trials take to plan and to look at.

The overhead of a run is its time as a trial (papermill, a process of its own, Dask, provenance, figures) less that of
``rrsitr train`` of the same configuration. Both are new processes that import everything, with one thread; the command
also ends in order, which unloads torch for seconds, while a trial's process is ended at once: so the difference may be
negative. Usage:

    python benchmarks/study.py                  # --rounds 5, --trials 10000
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rrsitr_lib.experiments.engine import run_study
from rrsitr_lib.experiments.executors import ExecutorSettings
from rrsitr_lib.experiments.study_file import Grid, Study, plan
from rrsitr_lib.experiments.trials import write_outcome

FIX = {"encoder": "tiny", "scenes": 60, "epochs": 2}


def alone(seed: int, folder: Path) -> float:
    """Seconds of ``rrsitr train`` in a new process, one thread."""
    code = "import torch; torch.set_num_threads(1); from rrsitr_lib.cli import main; main()"
    options = ["--encoder", "tiny", "--epochs", "2", "--set", "scenes=60", "--seed", str(seed), "--out", str(folder)]
    started = time.perf_counter()
    command, one_thread = [sys.executable, "-c", code, "train", *options], {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, capture_output=True, env=one_thread)
    return time.perf_counter() - started


def as_trials(seeds: list[int], root: Path) -> tuple[list[float], float]:
    """Seconds of every trial, one after another on one worker, and of the whole study with the cluster's start."""
    study = Study(name="overhead", runs=[Grid(fix=FIX, axes={"seed": seeds})])
    started = time.perf_counter()
    states = run_study(study, root, ExecutorSettings(workers=1), progress=False)
    whole = time.perf_counter() - started
    return [state.outcome["seconds"] for state in states.values()], whole


def many(trials: int, root: Path) -> dict[str, float]:
    """Seconds of ``rrsitr study plan`` and ``status`` as commands, half of the trials done."""
    study = Study(name="many", runs=[Grid(fix=FIX, axes={"seed": list(range(trials))})])
    file = root / "many.yaml"
    study.save(root / "many")
    (root / "many" / "study.yaml").rename(file)
    study.save(root / "many")
    for trial in plan(study)[::2]:
        write_outcome(root / "many" / trial.name, "done", 60.0)
    found = {}
    for name, options in (("plan", ["plan", str(file)]), ("status", ["status", "many"])):
        times = []
        for _ in range(3):
            started = time.perf_counter()
            command = [sys.executable, "-m", "rrsitr_lib", "study", *options, "--runs", str(root)]
            subprocess.run(command, check=True, capture_output=True)
            times.append(time.perf_counter() - started)
        found[name] = statistics.median(times)
    return found


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=10_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, seeds = Path(folder), list(range(arguments.rounds))
        plain = [alone(seed, root / f"alone_{seed}") for seed in seeds]
        trials, whole = as_trials(seeds, root / "runs")
        print(f"rrsitr train alone   median {statistics.median(plain):6.1f} s   {min(plain):.1f} to {max(plain):.1f}")
        least, middle, most = min(trials), statistics.median(trials), max(trials)
        print(f"the same as a trial  median {middle:6.1f} s   {least:.1f} to {most:.1f}")
        print(f"overhead a run       {middle - statistics.median(plain):6.1f} s")
        print(f"start and end of the cluster, once a study {whole - sum(trials):6.1f} s")
        for name, seconds in many(arguments.trials, root / "plans").items():
            print(f"rrsitr study {name:7} {arguments.trials:,} trials: {seconds:5.2f} s")


if __name__ == "__main__":
    main()
