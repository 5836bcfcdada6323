"""One trial in a process of its own: done, too slow, killed, busy, on a full disk; one that fails: test_engine.py."""

import os
import threading
import time
from pathlib import Path

import psutil
import pytest
from experiments.small_studies import assert_executed, assert_same, small_study, undisturbed
from filelock import FileLock

from rrsitr_lib.experiments import execute_trial as module
from rrsitr_lib.experiments.execute_trial import check_trial, execute_trial
from rrsitr_lib.experiments.study_file import plan
from rrsitr_lib.experiments.study_folder import NOTEBOOK, OUTCOME, RUN
from rrsitr_lib.experiments.trials import locate
from rrsitr_lib.files import read_json

pytestmark = pytest.mark.usefixtures("few_scenes")
(TRIAL,) = plan(small_study())


def job(root, limit=None, **fields):
    """The folder of a trial, and what ``execute_trial`` is told to execute it."""
    (trial,) = plan(small_study(**fields))
    return root / "small" / trial.name, (trial, root / "small", Path.cwd(), limit, 1)


@pytest.fixture(scope="module")
def expected(tmp_path_factory, few_scenes):
    return undisturbed(small_study(), tmp_path_factory.mktemp("plain")) / TRIAL.name


@pytest.fixture(scope="module")
def done(tmp_path_factory, few_scenes):
    folder, own = job(tmp_path_factory.mktemp("done"))
    return folder, own, execute_trial(*own)


def test_done_trial_is_an_executed_notebook_and_a_run_equal_to_plain_training(done, expected):
    folder, _, outcome = done
    assert outcome["state"] == "done" and outcome["seconds"] > 0
    assert_executed(folder)
    assert_same(folder / RUN, expected)


def test_card_says_where_the_run_came_from(done):
    found = read_json(done[0] / RUN / "provenance.json")
    assert found["code"]["version"] and found["packages"]["torch"] and found["device"] and found["threads"] == 1
    (session,) = found["sessions"]
    assert session["seconds"] > 0 and session["began"].endswith("+00:00")
    text = (done[0] / NOTEBOOK).read_text()
    assert "code version" in text and "working tree" in text and "energy" in text


def test_done_trial_is_not_run_again(done, monkeypatch):
    monkeypatch.setattr(module, "_execute", lambda *_: pytest.fail("executed again"))
    assert execute_trial(*done[1]) == done[2]


def test_run_that_takes_too_long_is_ended_and_its_process_gone(tmp_path):
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    outcome = execute_trial(*job(tmp_path, limit=0.11, epochs=10_000)[1])  # no whole number of seconds
    assert outcome["state"] == "failed" and outcome["reason"] == "ran longer than 0.11 minutes"
    left = [process for process in psutil.Process().children(recursive=True) if process.pid not in before]
    assert not [process for process in left if process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.long
def test_killed_process_is_tried_again_from_its_checkpoint(tmp_path, expected):
    folder, own = job(tmp_path)
    outcome = {}
    thread = threading.Thread(target=lambda: outcome.update(execute_trial(*own)))
    thread.start()
    until = time.monotonic() + 120
    while not (folder / RUN / "metrics.csv").exists() and time.monotonic() < until:
        time.sleep(0.02)
    (kernel,) = [one for one in psutil.Process().children(recursive=True) if "ipykernel" in " ".join(one.cmdline())]
    kernel.kill()
    thread.join(60)
    assert outcome["state"] == "died" and not (folder / OUTCOME).exists()
    assert execute_trial(*own)["state"] == "done"
    assert_same(folder / RUN, expected)
    sessions = read_json(folder / RUN / "provenance.json")["sessions"]
    assert [session["seconds"] is None for session in sessions] == [True, False], "the killed one is told"


def test_trial_that_another_process_is_at_is_busy(tmp_path):
    (tmp_path / ".locks").mkdir()
    with FileLock(tmp_path / ".locks" / TRIAL.name):
        assert execute_trial(*job(tmp_path)[1])["state"] == "busy"


def test_full_disk_is_no_failure_of_the_run(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(module, "_execute", full)
    outcome = execute_trial(*job(tmp_path)[1])
    assert outcome["state"] == "full" and "No space left" in outcome["reason"]
    assert locate(tmp_path / "small", [TRIAL.name])[TRIAL.name].state == "waiting"


def test_wrong_parameters_are_refused_before_training():
    check_trial(TRIAL.name, TRIAL.config)
    check_trial("", TRIAL.config)
    with pytest.raises(ValueError, match=f"are trial {TRIAL.name}, not 0123"):
        check_trial("0123", TRIAL.config)
