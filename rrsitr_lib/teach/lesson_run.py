"""The recorded run that a lesson looks at: found where another lesson has trained it, else trained."""

from pathlib import Path

from rrsitr_lib.config import RunConfig
from rrsitr_lib.training.run import train


def lesson_run(config: RunConfig, runs: str | Path = "runs") -> Path:
    """Train the run of ``config``, or go on with it, in a folder named by method and fingerprint; returns the folder.

    Lessons with equal configurations share one folder below ``runs``, so that the second trains nothing.
    Taught in: notebooks/03_partition
    """
    folder = Path(runs) / f"{config.method}_{config.fingerprint[:8]}"
    found = (folder / "result.json").exists()
    plan = "found, nothing is trained" if found else f"training {config.epochs} epochs on {config.scenes} scenes"
    print(f"{config.method}: {plan}")
    train(config, folder, progress=False)
    return folder
