"""Tokens are computed once: not again, not twice at once, and not from the start after an end half-way."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from rrsitr_lib import files
from rrsitr_lib.errors import RunError
from rrsitr_lib.model.token_cache import BATCH, build_cache, cache_folder

ITEMS, SHAPE = 3 * BATCH + 5, (4, 6)

TWO_AT_ONCE = """
import os, sys, time
from pathlib import Path
import torch
from rrsitr_lib.model.token_cache import build_cache
folder, name = Path(sys.argv[1]), sys.argv[2]
def compute(items):
    (folder / f"computed {items.start} by {name}").touch()
    time.sleep(0.1)
    return torch.full((len(items), 2, 3), float(items.start)), [2] * len(items)
(folder / f"ready {name}").touch()
while len(list(folder.glob("ready *"))) < 2:
    time.sleep(0.01)
cache = build_cache("both", 100, (2, 3), compute, "test", folder / "cache")
assert cache.tokens[40, 0, 0] == 32 and len(cache) == 100
"""


class Compute:
    """Counts its batches, gives recognisable tokens of irregular lengths, and ends at batch ``end_at``."""

    def __init__(self, end_at=None):
        self.batches, self.end_at = [], end_at

    def __call__(self, items):
        if len(self.batches) == self.end_at:
            raise KeyboardInterrupt
        self.batches.append((items.start, items.stop))
        lengths = [1 + item % SHAPE[0] for item in items]
        tokens = torch.tensor(list(items), dtype=torch.float32)[:, None, None].repeat(1, max(lengths), SHAPE[1])
        present = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
        return tokens * present[..., None], lengths


def build(folder, compute, name="cache"):
    return build_cache(name, ITEMS, SHAPE, compute, "test", folder)


def assert_whole(cache):
    items = np.arange(ITEMS)
    assert len(cache) == ITEMS and cache.tokens.shape == (ITEMS, *SHAPE) and cache.tokens.dtype == np.float16
    assert isinstance(cache.tokens, np.memmap) and not cache.tokens.flags.writeable
    np.testing.assert_array_equal(cache.lengths, 1 + items % SHAPE[0])
    present = np.arange(SHAPE[0]) < cache.lengths[:, None]
    np.testing.assert_array_equal(cache.tokens, (items[:, None] * present)[..., None].repeat(SHAPE[1], axis=2))


def test_second_build_computes_nothing(tmp_path):
    first, second = Compute(), Compute()
    assert_whole(build(tmp_path, first))
    assert_whole(build(tmp_path, second))
    assert first.batches == [(0, 32), (32, 64), (64, 96), (96, 101)] and second.batches == []


def test_another_name_is_another_cache(tmp_path):
    build(tmp_path, Compute())
    other = Compute()
    build(tmp_path, other, "other")
    assert len(other.batches) == 4


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


def test_two_processes_at_once_build_one_cache(tmp_path):
    processes = [subprocess.Popen([sys.executable, "-c", TWO_AT_ONCE, tmp_path, name]) for name in ("a", "b")]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    computed = sorted(int(path.name.split()[1]) for path in tmp_path.glob("computed *"))
    assert computed == [0, 32, 64, 96]


@pytest.mark.parametrize("moment", ["allocation", "count"])
def test_full_disk_is_one_line_and_keeps_what_is_finished(tmp_path, monkeypatch, moment):
    def full(*_):
        raise OSError(28, "No space left on device")

    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, Compute(2))
    with monkeypatch.context() as patch:
        if moment == "allocation":
            patch.setattr(files.os, "posix_fallocate", full)
        else:
            patch.setattr("rrsitr_lib.files.os.replace", full)
        with pytest.raises(RunError, match=r"(cannot write .*)No space left on device") as caught:
            build(tmp_path, Compute(), "other" if moment == "allocation" else "cache")
    assert "\n" not in str(caught.value)
    rest = Compute()
    assert_whole(build(tmp_path, rest))
    assert len(rest.batches) == 2


def test_folder_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("RRSITR_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    assert_whole(build_cache("cache", ITEMS, SHAPE, Compute(), "test"))
    assert (tmp_path / "cache").is_dir()
    monkeypatch.setenv("RRSITR_CACHE", "")
    assert cache_folder().name == "rrsitr"
