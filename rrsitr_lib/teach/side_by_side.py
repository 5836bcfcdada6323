"""Independent pieces of work by two processes, which share the cores."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any, TypeVar

from rrsitr_lib.cores import cores

AT_ONCE = 2
Result = TypeVar("Result")


def side_by_side(step: Callable[..., Result], jobs: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Result]]:
    """``step(*job)`` for every job, two at a time: the number of a job and what came of it, as each ends.

    What a step raises is raised here, and jobs that wait are dropped. ``step`` is a function of a module.

    >>> dict(side_by_side(divmod, [(7, 2)]))
    {0: (3, 1)}
    """
    if len(jobs) == 1:  # a process of its own would load everything a second time
        yield 0, step(*jobs[0])
        return
    with ProcessPoolExecutor(AT_ONCE, get_context("spawn"), _take_half) as pool:
        numbers = {pool.submit(step, *job): number for number, job in enumerate(jobs)}
        try:
            for done in as_completed(numbers):
                yield numbers[done], done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _take_half() -> None:
    """Before anything counts cores: kernels and libraries that this process starts take half of them."""
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores() // AT_ONCE)))
