"""One trial, executed: a notebook by papermill, a process of its own, and a lock that keeps a second worker away."""

import contextlib
import errno
import time
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.notebook_run import NOTEBOOKS, run
from rrsitr_lib.experiments.several_processes import ProcessesDied
from rrsitr_lib.experiments.study_file import Trial
from rrsitr_lib.experiments.study_folder import DIGITS, NOTEBOOK, RUN
from rrsitr_lib.experiments.trials import locate, trial_lock, write_outcome

FORM = NOTEBOOKS / "runs" / "one_run.ipynb"
TYPED = ("data", "images", "encoder", "method", "noise_rate", "noise_seed", "seed")
FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FULL_WORDS = ("No space left on device", "Disk quota exceeded", "File too large")
ORPHAN_SECONDS = 60


def execute_trial(
    trial: Trial, study: Path, working_folder: Path, limit_minutes: float | None, threads: int, processes: int = 1
) -> dict[str, Any]:
    """Execute a trial unless it has ended already; returns ``{"state", "seconds", "reason"}``.

    ``study``: its folder; ``working_folder``: from which relative paths of data lead; ``threads``: of each of the
    ``processes`` that train it.
    ``busy``: another process is at it. ``died``: one of its processes was killed. ``full``: this machine's disk
    refuses. All three may be tried again, here or elsewhere: what was trained is kept. ``done`` and ``failed`` are
    noted there.
    """
    try:
        with trial_lock(study.parent, trial.name):
            state = locate(study, [trial.name])[trial.name]
            return dict(state.outcome) or _execute(
                trial, state.folder, working_folder, limit_minutes, threads, processes
            )
    except Timeout:
        return {"state": "busy", "seconds": 0.0, "reason": "another process is at it"}
    except OSError as error:
        if error.errno in FULL_DISK:
            return {"state": "full", "seconds": 0.0, "reason": f"{trial.name}: {error.strerror}"}
        raise


def _execute(
    trial: Trial, folder: Path, working_folder: Path, limit_minutes: float | None, threads: int, processes: int
) -> dict[str, Any]:
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    wait_for_orphan(folder / RUN)
    fields = trial.config.model_dump()
    typed = {name.upper(): "" if (value := fields.pop(name)) is None else value for name in TYPED}
    run_by = {"RUN": str(folder / RUN), "THREADS": threads, "PROCESSES": processes, "TRIAL": trial.name}
    parameters = {**typed, "MORE": fields, **run_by}
    started = time.perf_counter()
    state, reason = "done", ""
    try:
        run(FORM, folder / NOTEBOOK, parameters, working_folder, limit=limit_minutes and 60 * limit_minutes)
    except PapermillExecutionError as error:
        state, reason = "failed", f"{error.ename}: {error.evalue}"
        if error.ename == ProcessesDied.__name__:
            return {"state": "died", "seconds": 0.0, "reason": error.evalue}
        if any(words in reason for words in FULL_WORDS):
            return {"state": "full", "seconds": 0.0, "reason": reason}
    except CellTimeoutError:
        state, reason = "failed", f"ran longer than {limit_minutes:g} minutes"
    except DeadKernelError:
        return {"state": "died", "seconds": 0.0, "reason": "the process of the run was killed"}
    except InputError as error:  # parameters that the notebook refuses: no notebook was written
        state, reason = "failed", str(error)
    return write_outcome(folder, state, time.perf_counter() - started, reason, processes)


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
