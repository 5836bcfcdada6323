"""One trial, executed: a notebook by papermill, a process of its own, and a lock that keeps a second worker away."""

import contextlib
import errno
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.notebook_run import NOTEBOOKS, run
from rrsitr_lib.experiments.study_file import Study, Trial
from rrsitr_lib.experiments.study_folder import DIGITS, NOTEBOOK, RUN
from rrsitr_lib.experiments.trials import locate, trial_lock, write_outcome

FORM = NOTEBOOKS / "runs" / "one_run.ipynb"
TYPED = ("data", "images", "encoder", "method", "noise_rate", "noise_seed", "seed")
FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FULL_WORDS = ("No space left on device", "Disk quota exceeded", "File too large")
ORPHAN_SECONDS = 60


class Job(NamedTuple):
    """What a worker is told: plain values only. ``root``: folder of studies; ``working_folder``: from which relative
    paths of data lead; ``limit``: seconds, or None; ``threads`` of the process that trains."""

    trial: str
    fields: dict[str, Any]
    study: str
    root: str
    working_folder: str
    limit: float | None
    threads: int


def job_of(trial: Trial, study: Study, root: Path, threads: int) -> Job:
    """The job of a trial, to be executed in this process's working folder."""
    limit = None if study.limit_minutes is None else 60 * study.limit_minutes
    return Job(trial.name, trial.config.model_dump(), study.name, str(root.resolve()), os.getcwd(), limit, threads)


def execute_trial(job: Job) -> dict[str, Any]:
    """Execute a trial unless it has ended already; returns ``{"state", "seconds", "reason"}``.

    ``busy``: another process is at it. ``died``: its process was killed. ``full``: this machine's disk refuses. All
    three may be tried again, here or elsewhere: what was trained is kept. ``done`` and ``failed`` are noted there.
    """
    root = Path(job.root)
    try:
        with trial_lock(root, job.trial):
            state = locate(root, job.study, [job.trial])[job.trial]
            return dict(state.outcome) or _execute(job, state.folder)
    except Timeout:
        return {"state": "busy", "seconds": 0.0, "reason": "another process is at it"}
    except OSError as error:
        if error.errno in FULL_DISK:
            return {"state": "full", "seconds": 0.0, "reason": f"{job.trial}: {error.strerror}"}
        raise


def _execute(job: Job, folder: Path) -> dict[str, Any]:
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    wait_for_orphan(folder / RUN)
    typed = {name.upper(): "" if job.fields[name] is None else job.fields[name] for name in TYPED}
    more = {name: value for name, value in job.fields.items() if name not in TYPED}
    parameters = {**typed, "MORE": more, "RUN": str(folder / RUN), "THREADS": job.threads, "TRIAL": job.trial}
    started = time.perf_counter()
    state, reason = "done", ""
    try:
        run(FORM, folder / NOTEBOOK, parameters, Path(job.working_folder), limit=job.limit)
    except PapermillExecutionError as error:
        state, reason = "failed", f"{error.ename}: {error.evalue}"
        if any(words in reason for words in FULL_WORDS):
            return {"state": "full", "seconds": 0.0, "reason": reason}
    except CellTimeoutError:
        state, reason = "failed", f"ran longer than {(job.limit or 0) / 60:g} minutes"
    except DeadKernelError:
        return {"state": "died", "seconds": 0.0, "reason": "the process of the run was killed"}
    except InputError as error:  # parameters that the notebook refuses: no notebook was written
        state, reason = "failed", str(error)
    return write_outcome(folder, state, time.perf_counter() - started, reason)


def wait_for_orphan(run: Path) -> None:
    """A worker's death ends the process that trains within a second or two; until then it holds the run's lock."""
    if (run / ".lock").exists():
        with contextlib.suppress(Timeout), FileLock(run / ".lock", timeout=ORPHAN_SECONDS):
            pass


def check_trial(trial: str, config: RunConfig) -> None:
    """Raises ``InputError`` where a configuration is not the one that a trial is named after.

    A notebook executed from another folder may read other data by the same relative path, and so be another run.
    """
    found = config.fingerprint[:DIGITS]
    if trial and found != trial:
        raise InputError(f"these parameters are trial {found}, not {trial}: allowed are those that the study planned")
