"""One cell, executed: a notebook by papermill, a process of its own, and a lock that keeps a second worker away."""

import contextlib
import errno
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.plan import DIGITS, Cell
from rrsitr_lib.experiments.trials import NOTEBOOK, RUN, cell_lock, locate_one, write_outcome

TYPED = ("data", "images", "encoder", "method", "noise_rate", "noise_seed", "seed")
FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FULL_WORDS = ("No space left on device", "Disk quota exceeded", "File too large")
ORPHAN_SECONDS = 60


class Job(NamedTuple):
    """What a worker is told: plain values only. ``root``: folder of studies; ``place``: working folder, from which
    relative paths of data lead; ``limit``: seconds, or None; ``threads`` of the process that trains."""

    cell: str
    fields: dict[str, Any]
    study: str
    root: str
    place: str
    limit: float | None
    threads: int
    template: str


def run_cell(job: Job) -> dict[str, Any]:
    """Execute a cell unless it has ended already; returns ``{"state", "seconds", "reason"}``.

    ``busy``: another process is at it. ``died``: its process was killed. ``full``: this machine's disk refuses. All
    three may be tried again, here or elsewhere: what was trained is kept. ``done`` and ``failed`` are noted there.
    """
    root = Path(job.root)
    try:
        with cell_lock(root, job.cell):
            place = locate_one(root, job.study, job.cell)
            if place.outcome:
                return dict(place.outcome)
            return _execute(job, place.folder)
    except Timeout:
        return {"state": "busy", "seconds": 0.0, "reason": "another process is at it"}
    except OSError as error:
        if error.errno in FULL_DISK:
            return {"state": "full", "seconds": 0.0, "reason": f"{job.cell}: {error.strerror}"}
        raise


def _execute(job: Job, folder: Path) -> dict[str, Any]:
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    from rrsitr_lib.notebook_run import run

    _wait_for_orphan(folder / RUN)
    started = time.perf_counter()
    state, reason = "done", ""
    try:
        run(job.template, folder / NOTEBOOK, _parameters(job, folder), Path(job.place), limit=job.limit)
    except PapermillExecutionError as error:
        state, reason = "failed", f"{error.ename}: {error.evalue}"
        if any(words in reason for words in FULL_WORDS):
            return {"state": "full", "seconds": 0.0, "reason": reason}
    except CellTimeoutError:
        state, reason = "failed", f"ran longer than {job.limit / 60:g} minutes"
    except DeadKernelError:
        return {"state": "died", "seconds": 0.0, "reason": "the process of the run was killed"}
    except InputError as error:  # parameters that the notebook refuses: no notebook was written
        state, reason = "failed", str(error)
    return write_outcome(folder, state, time.perf_counter() - started, reason)


def _parameters(job: Job, folder: Path) -> dict[str, Any]:
    typed = {name.upper(): "" if job.fields[name] is None else job.fields[name] for name in TYPED}
    more = {name: value for name, value in job.fields.items() if name not in TYPED}
    # a run may have been pointed at by another study's relative path: the fingerprint says whether it is the same
    return {**typed, "MORE": more, "RUN": str(folder / RUN), "THREADS": job.threads, "CELL": job.cell}


def _wait_for_orphan(run: Path) -> None:
    """A worker's death ends its notebook's process within a second or two; until then that one holds the run's lock."""
    if not (run / ".lock").exists():
        return
    with contextlib.suppress(Timeout), FileLock(run / ".lock", timeout=ORPHAN_SECONDS):
        pass


def job_of(cell: Cell, study: str, root: Path, limit_minutes: float | None, threads: int, template: Path) -> Job:
    """The job of a cell, with this process's working folder as the place from which data are found."""
    limit = None if limit_minutes is None else 60 * limit_minutes
    where = (str(root.resolve()), os.getcwd(), limit, threads, str(template))
    return Job(cell.name, cell.config.model_dump(), study, *where)


def check_cell(cell: str, config: RunConfig) -> None:
    """Raises ``InputError`` where a configuration is not the one that a cell is named after."""
    found = config.fingerprint[:DIGITS]
    if cell and found != cell:
        raise InputError(f"these parameters are cell {found}, not {cell}: allowed are those that the study planned")
