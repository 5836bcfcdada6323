"""The recorded run that a lesson looks at: found where another lesson has trained it, else trained."""

from pathlib import Path

from rrsitr_lib.config import RunConfig
from rrsitr_lib.training.run import train


def run_folder(config: RunConfig, runs: str | Path = "runs") -> Path:
    """The folder of a run below ``runs``, named by its method and fingerprint.

    Taught in: notebooks/06_training_end_to_end
    """
    return Path(runs) / f"{config.method}_{config.fingerprint[:8]}"


def lesson_run(config: RunConfig, runs: str | Path = "runs") -> Path:
    """Train the run of ``config``, or go on with it; returns its folder.

    Lessons with equal configurations share one folder below ``runs``, so that the second trains nothing.
    Taught in: notebooks/03_partition
    """
    folder = run_folder(config, runs)
    found = (folder / "result.json").exists()
    plan = "found, nothing is trained" if found else f"training {config.epochs} epochs on {config.scenes} scenes"
    print(f"{config.method}: {plan}")
    train(config, folder, progress=False)
    return folder
