"""Cached arrays are computed once: not again, not twice at once, and not from the start after an end half-way."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from rrsitr_lib.errors import RunError
from rrsitr_lib.files import cache_folder
from rrsitr_lib.speed import cached_arrays as module
from rrsitr_lib.speed.cached_arrays import cached_arrays

BATCH = 32
ITEMS, SHAPE = 3 * BATCH + 5, (4, 6)

BUILDER = """
import sys, time
from pathlib import Path
import numpy as np
from rrsitr_lib.speed.cached_arrays import cached_arrays
folder, name, delay = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
def compute(items):
    (folder / f"computed {items.start} by {name}").touch()
    time.sleep(delay)
    return {"a": np.arange(items.start, items.stop)}
(folder / f"ready {name}").touch()
while len(list(folder.glob("ready *"))) < int(sys.argv[4]):
    time.sleep(0.01)
found = cached_arrays(folder / "cache", "both", 100, compute, 32, "numbers")
assert found["a"].tolist() == list(range(100))
"""


class Compute:
    """Counts its batches, gives recognisable tokens and lengths, and ends at batch ``end_at``."""

    def __init__(self, end_at=None):
        self.batches, self.end_at = [], end_at

    def __call__(self, items):
        if len(self.batches) == self.end_at:
            raise KeyboardInterrupt
        self.batches.append((items.start, items.stop))
        lengths = np.array([1 + item % SHAPE[0] for item in items])
        tokens = np.array(items)[:, None, None] * np.ones((1, *SHAPE))
        return {"tokens": tokens.astype(np.float16), "lengths": lengths}


def build(folder, compute, name="cache"):
    return cached_arrays(folder, name, ITEMS, compute, BATCH, "tokens")


def assert_whole(arrays):
    tokens, lengths, items = arrays["tokens"], arrays["lengths"], np.arange(ITEMS)
    assert tokens.shape == (ITEMS, *SHAPE) and tokens.dtype == np.float16
    assert isinstance(tokens, np.memmap) and not tokens.flags.writeable
    np.testing.assert_array_equal(lengths, 1 + items % SHAPE[0])
    np.testing.assert_array_equal(tokens, items[:, None, None] * np.ones((1, *SHAPE)))


def test_second_build_computes_nothing(tmp_path):
    first, second = Compute(), Compute()
    assert_whole(build(tmp_path, first))
    assert_whole(build(tmp_path, second))
    assert first.batches == [(0, 32), (32, 64), (64, 96), (96, 101)] and second.batches == []


@pytest.mark.parametrize("end_at", [0, 1, 2, 3])
def test_an_ended_build_goes_on_where_it_stopped(tmp_path, end_at):
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, Compute(end_at))
    assert not (tmp_path / "cache").exists()
    rest = Compute()
    assert_whole(build(tmp_path, rest))
    assert len(rest.batches) == 4 - end_at and rest.batches[0][0] == end_at * BATCH
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "cache.lock"]


@pytest.mark.parametrize("count", ["", "{", "[3]", "null", '"many"'])
def test_an_unreadable_count_begins_anew(tmp_path, count):
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, Compute(2))
    (tmp_path / "cache.partial" / "done.json").write_text(count)
    again = Compute()
    assert_whole(build(tmp_path, again))
    assert len(again.batches) == 4


def start(folder, name, delay, together):
    return subprocess.Popen([sys.executable, "-c", BUILDER, folder, name, str(delay), str(together)])


def test_two_processes_at_once_build_one_cache(tmp_path):
    processes = [start(tmp_path, name, 0.1, 2) for name in ("a", "b")]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    computed = sorted(int(path.name.split()[1]) for path in tmp_path.glob("computed *"))
    assert computed == [0, 32, 64, 96]


def test_a_killed_builder_leaves_a_cache_that_another_goes_on_with(tmp_path):
    killed, end = start(tmp_path, "a", 0.5, 1), time.monotonic() + 60
    while not list(tmp_path.glob("cache/*.partial/done.json")):
        assert time.monotonic() < end
        time.sleep(0.05)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert start(tmp_path, "b", 0.0, 1).wait(timeout=120) == 0
    assert not (tmp_path / "computed 0 by b").exists() and not list(tmp_path.glob("cache/*.partial"))


@pytest.mark.parametrize("moment", ["allocation", "count"])
def test_full_disk_is_one_line_and_keeps_what_is_finished(tmp_path, monkeypatch, moment):
    def full(*_):
        raise OSError(28, "No space left on device")

    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, Compute(2))
    with monkeypatch.context() as patch:
        if moment == "allocation":
            patch.setattr(module.os, "posix_fallocate", full)
        else:
            patch.setattr("rrsitr_lib.files.os.replace", full)
        with pytest.raises(RunError, match=r"(cannot write .*)No space left on device") as caught:
            build(tmp_path, Compute(), "other" if moment == "allocation" else "cache")
    assert "\n" not in str(caught.value)
    rest = Compute()
    assert_whole(build(tmp_path, rest))
    assert len(rest.batches) == 2


def test_progress_is_a_line_where_the_output_is_no_terminal(tmp_path, capsys):
    build(tmp_path, Compute())
    lines = capsys.readouterr().err.splitlines()
    assert "\r" not in "".join(lines) and lines[0].startswith("tokens:   0%") and "101/101" in lines[-1]


def test_folder_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("RRSITR_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.setenv("RRSITR_CACHE", "")
    assert cache_folder().name == "rrsitr"
