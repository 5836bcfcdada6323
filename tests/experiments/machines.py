"""A scheduler and workers as a cluster has them: processes that can be killed, in networks that can be cut."""

import os
import resource
import signal
import socket
import subprocess
import sys

import psutil
from experiments.small_studies import assert_executed, assert_same

from rrsitr_lib.experiments.study_file import plan
from rrsitr_lib.experiments.study_folder import OUTCOME, RUN
from rrsitr_lib.experiments.trials import open_study
from rrsitr_lib.files import read_json

RRSITR = [sys.executable, "-m", "rrsitr_lib", "study"]
EVERY_TRY = 540  # seconds


def free_port(host="127.0.0.1"):
    with socket.socket() as listening:
        listening.bind((host, 0))
        return listening.getsockname()[1]


class Machines:
    """A scheduler and workers as a cluster has them, each a process with children, that can be killed."""

    def __init__(self, folder, host="127.0.0.1", **settings):
        self.folder, self.host, self.port, self.settings = folder, host, free_port(host), settings
        self.address = f"tcp://{host}:{self.port}"
        self.workers = []
        self.start_scheduler()

    def start(self, *command, before=None, within=()):
        log = open(self.folder / "machines.log", "a")
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **self.settings}
        return subprocess.Popen([*within, sys.executable, "-m", *command], stdout=log, stderr=log, env=environment,
                                preexec_fn=before, start_new_session=True)  # fmt: skip

    def start_scheduler(self):
        self.scheduler = self.start(
            "distributed.cli.dask_scheduler", "--host", self.host, "--port", str(self.port), "--no-dashboard"
        )

    def start_worker(self, small_disk=False, host="127.0.0.1", within=()):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))  # less than a checkpoint

        scratch = self.folder / f"worker_{len(self.workers)}"
        self.workers.append(self.start(
            "distributed.cli.dask_worker", self.address, "--nthreads", "1", "--memory-limit", "0", "--no-dashboard",
            "--local-directory", str(scratch), "--host", host, "--death-timeout", "60",
            before=limit if small_disk else None, within=within,
        ))  # fmt: skip

    def end(self):
        for process in [*self.workers, self.scheduler]:
            tree = [process, *psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []
            for one in tree:
                try:
                    one.kill()
                except psutil.NoSuchProcess:
                    pass
            process.wait()


def study_command(study, root, *more):
    study.save(root / study.name)
    return [*RRSITR, "run", str(root / study.name), *more]


def epochs(root, study):
    return sum(state.epochs for state in open_study(study, root).states.values())


def assert_study(root, study, expected):
    """Every trial is there exactly once, with its notebook, and equals the undisturbed one."""
    for trial in plan(study):
        folders = [path.parent for path in root.glob(f"*/{trial.name}/{OUTCOME}")]
        assert len(folders) == 1
        assert read_json(folders[0] / OUTCOME)["state"] == "done"
        assert_executed(folders[0])
        assert_same(folders[0] / RUN, expected / trial.name)
