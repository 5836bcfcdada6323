"""The recorded run that a lesson looks at: found where another lesson has trained it, else trained."""

import errno
from pathlib import Path

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import RunError
from rrsitr_lib.experiments.run_results import is_finished
from rrsitr_lib.training.run import train

READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


def run_folder(config: RunConfig, runs: str | Path = "runs") -> Path:
    """The folder of a run below ``runs``, named by its method and fingerprint."""
    return Path(runs) / f"{config.method}_{config.fingerprint[:8]}"


def lesson_run(config: RunConfig, runs: str | Path = "runs") -> Path:
    """Train the run of ``config``, or go on with it; returns its folder.

    Lessons with equal configurations share one folder below ``runs``, so that the second trains nothing, and waits
    where the first is still at it. A finished run is only read, so ``runs`` may be a folder of somebody else's. Raises
    ``RunError`` where training cannot write, ``InputError`` where the folder holds another run.
    """
    folder = run_folder(config, runs)
    if is_finished(config, folder):
        print(f"{config.method}: found, nothing is trained")
        return folder
    print(f"{config.method}: training {config.epochs} epochs on {config.scenes} scenes")
    try:
        train(config, folder, progress=False, patience=-1)
    except RunError as error:
        if getattr(error.__cause__, "errno", None) in READ_ONLY:
            raise RunError(f"{error}; no such run is finished there: set RUNS to a folder of your own") from error
        raise
    return folder
