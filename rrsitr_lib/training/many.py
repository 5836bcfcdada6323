"""Several runs side by side: one process each, one thread a process, which suits small models on few cores."""

import multiprocessing
import os
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from rrsitr_lib.config import RunConfig
from rrsitr_lib.files import read_json


def train_many(
    configs: Mapping[str, RunConfig], folders: Mapping[str, Path], workers: int = 0
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Train every run, or go on with it, and yield (name, result) as they finish; finished ones come first.

    ``workers`` processes at once, 0 for one a core. The first failure is raised after the runs in progress have ended;
    what they trained is kept, and the same call goes on. Every process counts with one thread; another number of
    threads may change the last bits of a run. Taught in: notebooks/06_training_end_to_end
    """
    waiting = []
    for name in configs:
        path = folders[name] / "result.json"
        if path.exists():
            yield name, read_json(path)
        else:
            waiting.append(name)
    if not waiting:
        return
    workers = min(workers or os.cpu_count() or 1, len(waiting))
    # a forked process would inherit torch's threads in whatever state they are
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start_worker) as pool:
        jobs = {pool.submit(_train, configs[name], folders[name]): name for name in waiting}
        for job in as_completed(jobs):
            yield jobs[job], job.result()


def _start_worker() -> None:
    import torch

    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed notebook kernel takes its trainings along; the checkpoints of their last epochs stay."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _train(config: RunConfig, folder: Path) -> dict[str, Any]:
    from rrsitr_lib.training.run import train

    return train(config, folder, progress=False)
