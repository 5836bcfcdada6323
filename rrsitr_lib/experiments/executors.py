"""Where the runs of a study are executed: processes of this machine, its GPUs, or a running scheduler."""

import contextlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rrsitr_lib.cores import cores
from rrsitr_lib.errors import InputError

NO_BOARD = "127.0.0.1:0"
CLOSED: dict[str, Any] = {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}  # no pages


@dataclass(frozen=True)
class ExecutorSettings:
    """``workers`` runs at once on this machine, by default one a core, or one a GPU; or the ``address`` of a scheduler.

    ``resources`` must be free on a worker for a run to start there, for instance ``{"GPU": 1}``. What is started here
    talks by TLS with keys of its own, so that nobody else on the machine or in the network can hand it code, and has no
    dashboard, which everybody could read.
    """

    workers: int = 0
    address: str | None = None
    resources: dict[str, float] = field(default_factory=dict)


def gpus() -> list[str]:
    """Numbers of the GPUs that this process may use, without loading torch where there is no driver."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None and not Path("/proc/driver/nvidia").exists():
        return []
    import torch

    count = torch.cuda.device_count()
    named = [number for number in (visible or "").split(",") if number]
    return (named or [str(number) for number in range(count)])[:count]


def local_workers(workers: int, cards: list[str], processes: int = 1) -> list[dict[str, Any]]:
    """Options of each local worker: with GPUs one worker for every card, or for as many as a run has ``processes``,
    which sees no other; else one for as many cores.

    Raises ``InputError`` for more processes than cards.

    >>> [worker["env"] for worker in local_workers(0, ["0", "3"])]
    [{'CUDA_VISIBLE_DEVICES': '0'}, {'CUDA_VISIBLE_DEVICES': '3'}]
    """
    if cards and processes > len(cards):
        raise InputError(f"processes is {processes}: allowed here are 1 to {len(cards)}, one a GPU")
    if cards:
        groups = [cards[first : first + processes] for first in range(0, len(cards) - processes + 1, processes)]
        seen = [{"CUDA_VISIBLE_DEVICES": ",".join(group)} for group in groups[: workers or None]]
        return [{"nthreads": 1, "env": only, "resources": {"GPU": processes}} for only in seen]
    count = workers or max(1, cores() // processes)
    return [{"nthreads": 1, "env": {}, "resources": {}} for _ in range(count)]


@contextlib.contextmanager
def opened(settings: ExecutorSettings, processes: int = 1) -> Iterator[Any]:
    """A cluster of Dask, or the address of one; what was started here is ended at the end. ``processes``: of each run.

    Raises ``InputError`` for more processes than GPUs.
    """
    if settings.address is not None:
        yield settings.address
        return
    import dask

    # in this order: what is imported under changed settings goes with them
    with _silence(), dask.config.set(CLOSED), _local(settings, processes) as cluster:
        yield cluster


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Dask leaves its log to a handler of the root where there is one, as after open_clip's import, at any level."""
    import distributed  # its own import sets the level

    log = logging.getLogger(distributed.__name__)
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def _local(settings: ExecutorSettings, processes: int) -> Any:
    import dask
    from distributed import Nanny, Scheduler, SpecCluster
    from distributed.security import Security

    dask.config.set({
        "distributed.scheduler.allowed-failures": 10,
        "distributed.worker.daemon": False,  # or a run may not start the processes that decode its images
        # by Dask's default freed memory is given back at once, and training takes half as long again
        "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
    })  # fmt: skip
    security = Security.temporary()
    here = {"host": "127.0.0.1", "protocol": "tls", "security": security}
    # a run may take all memory it needs; a worker that Dask restarts for it would only take it again
    shared = {**here, "memory_limit": 0, "silence_logs": 50, "dashboard_address": None}
    workers = {}
    for number, own in enumerate(local_workers(settings.workers, gpus(), processes)):
        options = {**shared, **own, "resources": settings.resources or own["resources"]}
        workers[number] = {"cls": Nanny, "options": options}
    scheduler = {"cls": Scheduler, "options": {**here, "port": 0, "dashboard": False, "dashboard_address": NO_BOARD}}
    return SpecCluster(workers=workers, scheduler=scheduler, security=security, silence_logs=50)
