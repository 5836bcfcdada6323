"""Where the runs of a study are executed: processes of this machine, its GPUs, a running scheduler, or a job queue."""

import contextlib
import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError, describe_error

KINDS = {"slurm": "SLURMCluster", "pbs": "PBSCluster", "sge": "SGECluster", "lsf": "LSFCluster"}


class Where(BaseModel):
    """``local``: ``workers`` processes of this machine, by default one a core, or one a GPU; ``scheduler``: the address
    of a running one; the others are dask-jobqueue's: ``workers`` jobs with its ``options``, one run at a time each.

    ``resources`` must be free on a worker for a run to start there, for instance ``{"GPU": 1}``.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal["local", "scheduler", "slurm", "pbs", "sge", "lsf"] = "local"
    workers: Annotated[int, Field(ge=0, le=10_000)] = 0
    address: str | None = None
    resources: dict[str, float] = {}
    options: dict[str, Any] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.kind == "scheduler") != (self.address is not None):
            raise ValueError(f"address is {self.address!r} and kind {self.kind!r}: an address goes with kind scheduler")
        return self

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """A YAML file of these fields. Raises ``InputError`` naming the file, field and what is allowed."""
        try:
            return cls.model_validate(RunConfig.fields_of(path))
        except ValidationError as error:
            raise InputError(f"{path}: {describe_error(error)}") from None


def gpus() -> list[str]:
    """Numbers of the GPUs that this process may use, without loading torch where there is no driver."""
    if not Path("/proc/driver/nvidia").exists() and "CUDA_VISIBLE_DEVICES" not in os.environ:
        return []
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    named = [number for number in visible.split(",") if number] if visible is not None else None
    count = torch.cuda.device_count()
    return [] if not count else (named or [str(number) for number in range(count)])[:count]


def local_workers(workers: int, cards: list[str]) -> list[dict[str, Any]]:
    """Options of each local worker: with GPUs one worker a card, which sees no other; else processes of one thread.

    >>> [worker["env"] for worker in local_workers(0, ["0", "3"])]
    [{'CUDA_VISIBLE_DEVICES': '0'}, {'CUDA_VISIBLE_DEVICES': '3'}]
    """
    if cards:
        chosen = cards[:workers] if workers else cards
        return [{"nthreads": 1, "env": {"CUDA_VISIBLE_DEVICES": card}, "resources": {"GPU": 1}} for card in chosen]
    return [{"nthreads": 1, "env": {}, "resources": {}} for _ in range(workers or os.cpu_count() or 1)]


@contextlib.contextmanager
def opened(where: Where) -> Iterator[Any]:
    """A cluster of Dask, or the address of one; what was started here is ended at the end.

    Raises ``InputError`` where a job queue refuses its options or dask-jobqueue is not installed.
    """
    if where.address is not None:
        yield where.address
    elif where.kind == "local":
        with _local(where) as cluster:
            yield cluster
    else:
        with _queue(where) as cluster:
            cluster.scale(jobs=where.workers or 1)
            yield cluster


def _local(where: Where) -> Any:
    import dask
    from distributed import Nanny, Scheduler, SpecCluster

    # a run may take all memory it needs; a worker that Dask restarts for it would only take it again
    shared = {"memory_limit": 0, "silence_logs": 50, "dashboard_address": None, "host": "127.0.0.1"}
    workers = {}
    for number, options in enumerate(local_workers(where.workers, gpus())):
        own = {**shared, **options, "resources": where.resources or options["resources"]}
        workers[number] = {"cls": Nanny, "options": own}
    dask.config.set({"distributed.scheduler.allowed-failures": 10})
    board = "127.0.0.1:0" if importlib.util.find_spec("bokeh") else None
    scheduler = {"cls": Scheduler, "options": {"host": "127.0.0.1", "dashboard": board is not None, "port": 0,
                 "dashboard_address": board}}  # fmt: skip
    return SpecCluster(workers=workers, scheduler=scheduler, silence_logs=50)


def _queue(where: Where) -> Any:
    try:
        jobqueue = importlib.import_module("dask_jobqueue")
    except ImportError:
        raise InputError("dask-jobqueue is not installed: pip install 'rrsitr-lib[study]'") from None
    given = [f"--resources {','.join(f'{name}={count:g}' for name, count in where.resources.items())}"]
    extra = where.options.get("worker_extra_args", []) + (given if where.resources else [])
    options = {"cores": 1, "processes": 1, "memory": "16GB", **where.options, "worker_extra_args": extra}
    try:
        return getattr(jobqueue, KINDS[where.kind])(**options)
    except (TypeError, ValueError) as error:
        raise InputError(f"cluster options {where.options}: {error}") from None
