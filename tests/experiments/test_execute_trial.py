"""One cell in a process of its own: done, failed with its notebook, too slow, killed, busy, on a full disk."""

import os
import threading
import time

import nbformat
import psutil
import pytest
from experiments.small_studies import TEMPLATE, assert_executed, assert_same, small_study, undisturbed
from filelock import FileLock

from rrsitr_lib.experiments import execute_trial
from rrsitr_lib.experiments.execute_trial import check_cell, job_of, run_cell
from rrsitr_lib.experiments.plan import plan
from rrsitr_lib.experiments.trials import NOTEBOOK, OUTCOME, RUN, locate
from rrsitr_lib.files import read_json


def job(root, limit=None, **fields):
    study = small_study("s", {"seed": [3]}, **fields)
    (cell,) = plan(study)
    return cell, job_of(cell, "s", root, limit, 1, TEMPLATE)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    root = tmp_path_factory.mktemp("done")
    cell, own = job(root)
    return root, cell, own, run_cell(own)


def test_done_cell_is_an_executed_notebook_and_a_run_equal_to_plain_training(done, tmp_path):
    root, cell, _, outcome = done
    assert outcome["state"] == "done" and outcome["seconds"] > 0
    folder = root / "s" / cell.name
    assert_executed(folder)
    assert_same(folder / RUN, undisturbed(small_study("s", {"seed": [3]}), tmp_path) / cell.name)


def test_card_says_where_the_run_came_from(done):
    root, cell, _, _ = done
    found = read_json(root / "s" / cell.name / RUN / "provenance.json")
    assert found["code"]["version"] and found["packages"]["torch"] and found["device"] and found["threads"] == 1
    (session,) = found["sessions"]
    assert session["seconds"] > 0 and session["began"].endswith("+00:00")
    text = (root / "s" / cell.name / NOTEBOOK).read_text()
    assert "code version" in text and "working tree" in text and "energy" in text


def test_done_cell_is_not_run_again(done, monkeypatch):
    monkeypatch.setattr(execute_trial, "_execute", lambda *_: pytest.fail("executed again"))
    assert run_cell(done[2]) == done[3]


def test_failed_run_keeps_its_notebook_with_the_traceback(tmp_path):
    cell, own = job(tmp_path, batch_size=500)
    outcome = run_cell(own)
    assert outcome["state"] == "failed" and "InputError: batch_size is 500" in outcome["reason"]
    assert "\n" not in outcome["reason"] and read_json(tmp_path / "s" / cell.name / OUTCOME) == outcome
    notebook = nbformat.read(tmp_path / "s" / cell.name / NOTEBOOK, as_version=4)
    errors = [output for one in notebook.cells for output in one.get("outputs", ()) if output.output_type == "error"]
    assert any("batch_size is 500" in error.evalue for error in errors)


def test_run_that_takes_too_long_is_ended_and_its_process_gone(tmp_path):
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    _, own = job(tmp_path, limit=0.2, epochs=10_000)
    outcome = run_cell(own)
    assert outcome["state"] == "failed" and outcome["reason"] == "ran longer than 0.2 minutes"
    left = [process for process in psutil.Process().children(recursive=True) if process.pid not in before]
    assert not [process for process in left if process.status() != psutil.STATUS_ZOMBIE]


def test_killed_process_is_tried_again_from_its_checkpoint(tmp_path):
    cell, own = job(tmp_path / "root", epochs=6)
    metrics = tmp_path / "root" / "s" / cell.name / RUN / "metrics.csv"
    outcome = {}
    thread = threading.Thread(target=lambda: outcome.update(run_cell(own)))
    thread.start()
    until = time.monotonic() + 120
    while not metrics.exists() and time.monotonic() < until:
        time.sleep(0.05)
    kernels = [child for child in psutil.Process().children(recursive=True) if "ipykernel" in " ".join(child.cmdline())]
    assert len(kernels) == 1
    kernels[0].kill()
    thread.join(60)
    assert outcome["state"] == "died" and not (metrics.parents[1] / OUTCOME).exists()
    assert run_cell(own)["state"] == "done"
    assert_same(metrics.parent, undisturbed(small_study("s", {"seed": [3]}, epochs=6), tmp_path / "plain") / cell.name)
    sessions = read_json(metrics.parent / "provenance.json")["sessions"]
    assert [session["seconds"] is None for session in sessions] == [True, False], "the killed one is told"


def test_cell_that_another_process_is_at_is_busy(tmp_path):
    cell, own = job(tmp_path)
    (tmp_path / ".locks").mkdir()
    with FileLock(tmp_path / ".locks" / cell.name):
        assert run_cell(own)["state"] == "busy"


def test_full_disk_is_no_failure_of_the_run(tmp_path, monkeypatch):
    cell, own = job(tmp_path)

    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(execute_trial, "_execute", full)
    outcome = run_cell(own)
    assert outcome["state"] == "full" and "No space left" in outcome["reason"]
    assert locate(tmp_path, "s", [cell])[cell.name].state == "waiting"


def test_wrong_parameters_are_refused_before_training():
    (cell,) = plan(small_study("s", {"seed": [3]}))
    check_cell(cell.name, cell.config)
    check_cell("", cell.config)
    with pytest.raises(ValueError, match=f"are cell {cell.name}, not 0123"):
        check_cell("0123", cell.config)
