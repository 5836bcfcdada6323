"""Two pieces of work at once: each result once, an error where it is asked for, the cores shared."""

import os

import pytest

from rrsitr_lib.cores import cores
from rrsitr_lib.errors import InputError
from rrsitr_lib.teach.side_by_side import side_by_side


def told(number):
    if number == 2:
        raise InputError("two is not allowed")
    return os.getpid(), os.environ["OMP_NUM_THREADS"]


def test_two_processes_share_the_cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    found = dict(side_by_side(told, [(0,), (1,)]))
    assert sorted(found) == [0, 1] and os.getpid() not in {process for process, _ in found.values()}
    assert {threads for _, threads in found.values()} == {str(max(1, cores() // 2))}


def test_what_a_step_raises_is_raised_here():
    with pytest.raises(InputError, match="two is not allowed"):
        dict(side_by_side(told, [(2,), (2,), (0,)]))
