"""One run by several processes of this machine: ``torchrun`` starts them, and they end with whoever asked for them.

``python -m rrsitr_lib.experiments.several_processes CONFIG RUN`` is one of them.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import Any

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.training.run_files import read_result

SAID = "the run failed: "
KILLED = re.compile(r"exitcode\s*: -(?!15\b)")  # in torchrun's report; by 15 it ends those that are left over


class ProcessesDied(RunError):
    """A process was killed, not the run's mistake: what was trained is kept, and another try goes on with it."""


def train_by(processes: int, config: RunConfig, folder: str | Path, threads: int = 1) -> dict[str, Any]:
    """Train a run by so many ``processes`` of ``threads`` threads, one a GPU where there are GPUs; returns its result.

    One is this process itself. What others said is printed where they failed. Raises ``RunError`` with the first
    mistake that one of them told, ``ProcessesDied`` where one was killed.
    """
    if processes == 1:
        from rrsitr_lib.training.run import train

        return train(config, folder, progress=False)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [*launch, "-m", __name__, json.dumps(config.flat()), str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    if sys.platform == "linux":  # some machines cannot resolve their own name
        environment.setdefault("GLOO_SOCKET_IFNAME", "lo")
    with tempfile.TemporaryFile() as log:
        # all of them hold the end of this pipe that is read: it closes with this process, however that ends
        with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log) as started:
            code = started.wait()
        log.seek(0)
        said = log.read().decode(errors="replace")
    if code:
        print(said)
        _refuse(said)
    return read_result(Path(folder))


def _refuse(said: str) -> None:
    mistake = re.search(rf"^{SAID}(.*)$", said, re.MULTILINE)
    if KILLED.search(said) or not mistake:  # what the others then say of the broken connection is no mistake of theirs
        raise ProcessesDied("a process of the run was killed")
    raise RunError(mistake[1])


def _end_with_the_one_who_asked() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


def _main(fields: str, folder: str) -> None:
    import torch

    from rrsitr_lib.training.run import train

    threading.Thread(target=_end_with_the_one_who_asked, daemon=True).start()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    try:
        train(RunConfig.build(**json.loads(fields)), folder, progress=False)
    except Exception as error:
        traceback.print_exc()
        name = "" if isinstance(error, InputError | RunError) else f"{type(error).__name__}: "
        sys.exit(f"{SAID}{name}{' '.join(str(error).split())}")


if __name__ == "__main__":
    _main(*sys.argv[1:])
