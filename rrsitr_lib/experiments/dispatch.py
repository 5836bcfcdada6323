"""Dask hands jobs to workers: what dies is given out again, what fails is told and left."""

import os
import queue
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rrsitr_lib.errors import RunError
from rrsitr_lib.experiments.executors import ExecutorSettings
from rrsitr_lib.experiments.progress import Progress

TRIES = 4  # of a run whose worker or process dies, or whose machine's disk is full
POLL, BUSY_PAUSE, CONNECT, RECONNECT = 2.0, 5.0, 30.0, 600.0  # seconds


@dataclass
class Dispatch:
    """The loop over jobs: hand out, hear, hand out again; survives a scheduler that is restarted.

    ``execute`` is called on a worker with what ``jobs`` holds by name; it returns a ``state`` and a ``reason``.
    """

    execute: Callable[..., dict[str, Any]]
    jobs: Mapping[str, tuple[Any, ...]]
    cluster: Any
    settings: ExecutorSettings
    bar: Progress
    later: list[tuple[float, str]] = field(default_factory=list)  # (when, name) that another study is at
    flying: dict[str, Any] = field(default_factory=dict)
    heard: queue.Queue[Any] = field(default_factory=queue.Queue)
    tries: Counter[str] = field(default_factory=Counter)
    full: set[str] = field(default_factory=set)  # addresses of workers whose disk has refused

    def __post_init__(self) -> None:
        self.waiting = deque(self.jobs)

    def outcomes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name and outcome of every job as it ends, done or failed."""
        client = self._connect()
        try:
            while self.waiting or self.flying or self.later:
                if client.status != "running":
                    client = self._reconnect(client)
                self._hand_out(client)
                try:
                    name, future = self.heard.get(timeout=POLL)
                except queue.Empty:
                    self.bar.refresh()
                    continue
                if self.flying.get(name) is future:
                    del self.flying[name]
                    if outcome := self._settle(name, future):
                        yield name, outcome
        finally:
            client.close()

    def _connect(self) -> Any:
        from distributed import Client

        try:
            client = Client(self.cluster, timeout=CONNECT, set_as_default=False)
        except OSError as error:
            raise RunError(f"no scheduler of Dask at {self.cluster}: {error}") from None
        if self.settings.address is not None and client.dashboard_link:  # somebody's own
            self.bar.say(f"dashboard {client.dashboard_link}")
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
        self.waiting.extend(name for due, name in self.later if due <= now)
        self.later = [(due, name) for due, name in self.later if due > now]
        options: dict[str, Any] = {"pure": False, "retries": 0, "resources": self.settings.resources or None}
        known = client.scheduler_info(-1)["workers"] if self.full and self.waiting else ()
        if healthy := [address for address in known if address not in self.full]:
            # preferred, not required: a worker that its nanny starts anew has another address
            options |= {"workers": healthy, "allow_other_workers": True}
        while self.waiting:
            name = self.waiting.popleft()
            key = f"{name}-{self.tries[name]}-{time.monotonic_ns()}"
            self.flying[name] = client.submit(_on_worker, self.execute, self.jobs[name], key=key, **options)
            self.flying[name].add_done_callback(lambda done, name=name: self.heard.put((name, done)))

    def _settle(self, name: str, future: Any) -> dict[str, Any] | None:
        """How a job ended; None where it waits for another try."""
        if future.status not in ("finished", "error"):  # cancelled or lost with the scheduler
            self.waiting.append(name)
            return None
        if future.status == "error":  # its worker died again and again
            outcome = {"state": "died", "reason": f"its worker died ({type(future.exception()).__name__})"}
        else:
            outcome = future.result()
        if outcome["state"] in ("done", "failed"):
            return outcome
        if outcome["state"] == "busy":
            self.later.append((time.monotonic() + BUSY_PAUSE, name))
            return None
        if outcome["state"] == "full":
            self.full.add(outcome["worker"])
        self.tries[name] += 1
        if self.tries[name] == TRIES:
            return {"state": "failed", "seconds": 0.0, "reason": outcome["reason"]}
        self.waiting.append(name)
        return None


def _on_worker(execute: Callable[..., dict[str, Any]], job: tuple[Any, ...]) -> dict[str, Any]:
    from distributed import get_worker

    # a worker that somebody else started hands freed memory back at once; what it starts trains faster without
    os.environ.pop("MALLOC_TRIM_THRESHOLD_", None)
    return {**execute(*job), "worker": get_worker().address}
