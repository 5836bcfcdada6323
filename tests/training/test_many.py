"""Runs side by side in processes of their own, which must not outlive the one that asked for them."""

import subprocess
import sys
import time

import psutil

SCRIPT = """
import sys
from pathlib import Path
from rrsitr_lib.config import RunConfig
from rrsitr_lib.training.many import train_many

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    config = RunConfig.build(data="scenes", encoder="tiny", scenes=200, epochs=1000, batch_size=50)
    for _ in train_many({"a": config}, {"a": folder / "a"}, workers=1):
        pass
"""


def test_workers_end_with_a_parent_that_was_killed(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    parent = subprocess.Popen([sys.executable, script, tmp_path], stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: (tmp_path / "a" / "config.yaml").exists(), seconds=120)
        workers = psutil.Process(parent.pid).children(recursive=True)
        assert workers
    finally:
        parent.kill()
        parent.wait()
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.1)
