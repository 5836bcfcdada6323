"""Run a study: Dask hands its cells to workers; what dies is given out again, what fails is noted and left."""

import os
import queue
import time
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rrsitr_lib.errors import RunError
from rrsitr_lib.experiments.execute_trial import Job, job_of, run_cell
from rrsitr_lib.experiments.executors import Where, opened
from rrsitr_lib.experiments.plan import Cell, plan
from rrsitr_lib.experiments.progress import Progress
from rrsitr_lib.experiments.study_file import Study
from rrsitr_lib.experiments.trials import OUTCOME, Place, locate, locate_one, write_outcome
from rrsitr_lib.files import write_atomically

TRIES = 4  # of a cell whose worker or process dies, or whose machine's disk is full
POLL, BUSY_PAUSE, RECONNECT = 2.0, 5.0, 600.0  # seconds


def run_study(
    study: Study,
    root: str | Path = "runs",
    where: Where | None = None,
    retry: bool = False,
    threads: int = 1,
    progress: bool = True,
) -> dict[str, Place]:
    """Execute every cell of a study that has not ended yet, below ``root``; returns where each cell then is.

    Failed cells are left as they are unless ``retry``. Each run is a process of ``threads`` threads. An interrupted
    study goes on with the same call; two calls at once share the work. Raises ``RunError`` where no worker can be
    reached. Taught in: notebooks/09_reproduction
    """
    from rrsitr_lib.notebook_run import NOTEBOOKS

    root, cells = Path(root), plan(study)
    study.save(root / study.name)
    write_cells(cells, root / study.name / "cells.csv")
    places = locate(root, study.name, cells)
    if retry:
        for place in places.values():
            if place.state == "failed":
                (place.folder / OUTCOME).unlink(missing_ok=True)
        places = locate(root, study.name, cells)
    todo = [cell for cell in cells if places[cell.name].state in ("begun", "waiting")]
    if todo:
        template = NOTEBOOKS / "runs" / "one_run.ipynb"
        jobs = [job_of(cell, study.name, root, study.limit_minutes, threads, template) for cell in todo]
        with opened(where or Where()) as cluster, Progress(cells, places, progress) as bar:
            Dispatch(jobs, cluster, where or Where(), bar).work()
    return locate(root, study.name, cells)


def write_cells(cells: Sequence[Cell], path: Path) -> Path:
    """The table of a study's cells: name, what sets it apart, and its variant; for people and other programs."""
    import pandas as pd

    shown = ("data", "encoder", "method", "protocol", "noise_rate", "noise_seed", "seed")
    rows = [{"cell": cell.name, "variant": cell.variant, **{name: getattr(cell.config, name) for name in shown}}
            for cell in cells]  # fmt: skip
    table = pd.DataFrame(rows)
    return write_atomically(path, lambda temporary: table.to_csv(temporary, index=False))


class Dispatch:
    """The loop over a study's jobs: hand out, hear, hand out again; survives a scheduler that is restarted."""

    def __init__(self, jobs: Sequence[Job], cluster: Any, where: Where, bar: Progress) -> None:
        self.jobs = {job.cell: job for job in jobs}
        self.cluster, self.where, self.bar = cluster, where, bar
        self.waiting = deque(self.jobs)
        self.later: list[tuple[float, str]] = []  # (when, cell) that another study is at
        self.flying: dict[str, Any] = {}
        self.heard: queue.Queue[Any] = queue.Queue()
        self.tries, self.full = Counter(), set()

    def work(self) -> None:
        """Until every job has ended, done or failed."""
        client = self._connect()
        try:
            while self.waiting or self.flying or self.later:
                if client.status != "running":
                    client = self._reconnect(client)
                self._hand_out(client)
                try:
                    cell, future = self.heard.get(timeout=POLL)
                except queue.Empty:
                    self.bar.look()
                    continue
                if self.flying.get(cell) is future:
                    del self.flying[cell]
                    self._settle(cell, future)
        finally:
            client.close()

    def _connect(self) -> Any:
        from distributed import Client

        try:
            client = Client(self.cluster, timeout=30, set_as_default=False)
        except OSError as error:
            raise RunError(f"no scheduler of Dask at {self.cluster}: {error}") from None
        self.bar.say(f"dashboard {client.dashboard_link}" if client.dashboard_link else "")
        return client

    def _reconnect(self, client: Any) -> Any:
        """Every job in flight is handed out again: what it has trained is in its folder."""
        client.close(timeout=1)
        self.waiting.extendleft(reversed(self.flying))
        self.flying.clear()
        until = time.monotonic() + RECONNECT
        while True:
            try:
                return self._connect()
            except RunError:
                if time.monotonic() > until:
                    raise
                time.sleep(POLL)

    def _hand_out(self, client: Any) -> None:
        now = time.monotonic()
        self.waiting.extend(cell for due, cell in self.later if due <= now)
        self.later = [(due, cell) for due, cell in self.later if due > now]
        healthy = self._healthy(client) if self.full and self.waiting else None
        while self.waiting:
            cell = self.waiting.popleft()
            # preferred, not required: a worker that its nanny starts anew has another address
            options = {"workers": healthy, "allow_other_workers": healthy is not None, "pure": False}
            options |= {"resources": self.where.resources or None, "retries": 0}
            key = f"{cell}-{self.tries[cell]}-{time.monotonic_ns()}"
            future = client.submit(_on_worker, tuple(self.jobs[cell]), key=key, **options)
            self.flying[cell] = future
            future.add_done_callback(lambda done, cell=cell: self.heard.put((cell, done)))

    def _healthy(self, client: Any) -> list[str] | None:
        """Workers whose disk has not refused; all, where none is left."""
        return [address for address in client.scheduler_info(-1)["workers"] if address not in self.full] or None

    def _settle(self, cell: str, future: Any) -> None:
        """Note how a job ended, or let it wait for another try."""
        if future.status != "finished":
            if future.status == "error":  # its worker died again and again
                self._again(cell, f"its worker died ({type(future.exception()).__name__})")
            else:  # cancelled or lost with the scheduler
                self.waiting.append(cell)
            return
        outcome = future.result()
        if outcome["state"] == "busy":
            self.later.append((time.monotonic() + BUSY_PAUSE, cell))
        elif outcome["state"] in ("died", "full"):
            if outcome["state"] == "full":
                self.full.add(outcome["worker"])
            self._again(cell, outcome["reason"])
        else:
            self.bar.ended(cell, outcome)

    def _again(self, cell: str, reason: str) -> None:
        self.tries[cell] += 1
        if self.tries[cell] < TRIES:
            self.waiting.append(cell)
            return
        job = self.jobs[cell]
        place = locate_one(Path(job.root), job.study, cell)  # another study may have begun it
        self.bar.ended(cell, place.outcome or write_outcome(place.folder, "failed", 0.0, reason))


def _on_worker(job: tuple[Any, ...]) -> dict[str, Any]:
    from distributed import get_worker

    # Dask has its workers give freed memory back at once; a run's own process returns it at its end, and trains faster
    os.environ.pop("MALLOC_TRIM_THRESHOLD_", None)
    return {**run_cell(Job(*job)), "worker": get_worker().address}
