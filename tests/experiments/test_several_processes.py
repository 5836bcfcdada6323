"""A study whose runs are trained by two processes each: equal to one, planned as two, gone with whoever asked."""

import re
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from experiments.small_studies import FIX, assert_executed, small_study

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments import several_processes
from rrsitr_lib.experiments.costs import Cost
from rrsitr_lib.experiments.engine import run_study
from rrsitr_lib.experiments.execute_trial import execute_trial
from rrsitr_lib.experiments.executors import ExecutorSettings, local_workers
from rrsitr_lib.experiments.overview import plan_text
from rrsitr_lib.experiments.several_processes import ProcessesDied, train_by
from rrsitr_lib.experiments.study_file import Study, plan
from rrsitr_lib.experiments.study_folder import NOTEBOOK, RUN
from rrsitr_lib.experiments.trials import open_study
from rrsitr_lib.files import read_json
from rrsitr_lib.training.ledger import Ledger
from rrsitr_lib.training.run import train

pytestmark = pytest.mark.usefixtures("few_scenes")
PAIR = small_study("pair").model_copy(update={"processes": 2})
(TRIAL,) = plan(PAIR)


def below():
    """Processes of the run that this one has started, torchrun's among them."""
    alive = [one for one in psutil.Process().children(recursive=True) if one.status() != psutil.STATUS_ZOMBIE]
    return [one for one in alive if "several_processes" in " ".join(one.cmdline())]


def trained(folder, since=0):
    try:
        return (folder / "metrics.csv").read_bytes().count(b"\n") > since
    except OSError:
        return False


def assert_all_gone(until):
    while below() and time.monotonic() < until:
        time.sleep(0.1)
    assert not below()


# --- planned ---


def test_processes_are_no_part_of_a_trials_name_and_stand_in_the_studys_file(tmp_path):
    assert [trial.name for trial in plan(small_study("pair"))] == [TRIAL.name]
    assert "processes: 2" in PAIR.save(tmp_path / "pair").read_text() and Study.read(tmp_path / "pair").processes == 2
    assert "processes" not in small_study("one").save(tmp_path / "one").read_text()


@pytest.mark.parametrize(("given", "message"), [
    ("0", "processes is 0: allowed is a value greater than or equal to 1"),
    ("-1", "processes is -1: allowed is a value greater than or equal to 1"),
    ("65", "processes is 65: allowed is a value less than or equal to 64"),
    ("two", "processes is 'two': allowed is a valid integer"),
    ("1.5", r"processes is 1\.5: allowed is a valid integer"),
])  # fmt: skip
def test_wrong_numbers_of_processes_are_said(given, message, tmp_path):
    (tmp_path / "s.yaml").write_text(f"name: s\nprocesses: {given}\nruns: [{{fix: {{encoder: tiny}}}}]")
    with pytest.raises(InputError, match=rf"s\.yaml: {message}"):
        Study.read(tmp_path / "s.yaml")


def test_batches_that_do_not_divide_are_refused_when_the_study_is_planned():
    with pytest.raises(InputError, match=r"grid 1, .*batch_size is 40: with processes 3 allowed are multiples of 3"):
        plan(PAIR.model_copy(update={"processes": 3}))


def test_a_worker_sees_as_many_gpus_as_a_run_has_processes():
    workers = local_workers(0, ["0", "1", "2", "3", "4"], 2)
    assert [one["env"]["CUDA_VISIBLE_DEVICES"] for one in workers] == ["0,1", "2,3"]
    assert all(one["resources"] == {"GPU": 2} for one in workers) and len(local_workers(1, ["0", "1"], 1)) == 1
    with pytest.raises(InputError, match="processes is 4: allowed here are 1 to 2, one a GPU"):
        local_workers(0, ["0", "1"], 4)
    assert len(local_workers(0, [], 10_000)) == 1 and len(local_workers(3, [], 2)) == 3


def test_plan_shares_the_cost_among_the_processes(tmp_path):
    opened, cost = open_study(PAIR, tmp_path), {TRIAL.name: Cost(7200.0, "measured step", 40e12 * 7200)}
    said = plan_text(opened, cost, tflops=40.0)
    assert "by 2 processes each, taken to share the work evenly: 1.0 hours left here" in said
    assert re.search(r"rrsitr +1 +0 +60\.0 +1\.0$", said, re.M) and "on 2 GPUs: about 1.0 hours" in said
    alone = plan_text(opened._replace(study=small_study("pair")), cost, tflops=40.0)
    assert "one run at a time: 2.0 hours left here" in alone and "on one GPU: about 2.0 hours" in alone


# --- what is said of a failure ---


@pytest.mark.parametrize(("said", "error", "message"), [
    ("the run failed: size is 3\nthe run failed: closed by peer\n exitcode  : 1 (pid: 7)", "RunError", "size is 3"),
    ("the run failed: closed by peer\n exitcode  : 1 (pid: 7)\n exitcode  : -9 (pid: 8)", "ProcessesDied", "killed"),
    ("the run failed: the loss\n exitcode  : -15 (pid: 7)\n exitcode  : 1 (pid: 8)", "RunError", "the loss"),
    ("", "ProcessesDied", "killed"),
])  # fmt: skip
def test_a_mistake_is_told_from_a_kill(said, error, message):
    with pytest.raises(several_processes.RunError, match=message) as found:
        several_processes._refuse(said)
    assert type(found.value).__name__ == error


# --- trained ---


@pytest.fixture(scope="module")
def one(tmp_path_factory, few_scenes):
    """The run by one process."""
    folder = tmp_path_factory.mktemp("one") / "run"
    train(TRIAL.config, folder, progress=False)
    return folder


@pytest.mark.long
def test_a_study_of_two_processes_a_run_equals_one(tmp_path, one):
    states = run_study(PAIR, tmp_path, ExecutorSettings(workers=1), progress=False)
    state = states[TRIAL.name]
    assert state.state == "done" and state.outcome["processes"] == 2
    assert_executed(state.folder)
    assert read_json(state.run / "provenance.json")["processes"] == 2
    assert "2 processes of 1 threads" in (state.folder / NOTEBOOK).read_text()
    for name in ("loss", "weight", "margin_text", "similarity"):
        first, second = (Ledger.open(folder).column(name)[0] for folder in (one, state.run))
        assert np.allclose(first, second, rtol=1e-4, atol=1e-4), name
    assert not below()


@pytest.mark.long
def test_a_mistake_of_the_processes_is_told_as_that_of_one(tmp_path):
    config = TRIAL.config.model_copy(update={"batch_size": 300})
    with pytest.raises(several_processes.RunError, match=r"^batch_size is 300") as found:
        train_by(2, config, tmp_path / "run")
    assert not isinstance(found.value, ProcessesDied) and not below()


@pytest.mark.long
def test_a_run_that_takes_too_long_is_ended_with_all_its_processes(tmp_path):
    (trial,) = plan(small_study("pair", epochs=10_000))
    outcome = execute_trial(trial, tmp_path / "pair", Path.cwd(), 0.7, 1, 2)
    assert outcome["state"] == "failed" and outcome["reason"] == "ran longer than 0.7 minutes"
    assert trained(tmp_path / "pair" / trial.name / RUN), "it had begun"
    assert_all_gone(time.monotonic() + 20)


@pytest.mark.long
def test_a_killed_process_ends_the_others_and_the_trial_goes_on(tmp_path):
    (trial,) = plan(small_study("pair", epochs=6))
    own, outcome = (trial, tmp_path / "pair", Path.cwd(), None, 1, 2), {}
    thread = threading.Thread(target=lambda: outcome.update(execute_trial(*own)))
    thread.start()
    run, until = tmp_path / "pair" / trial.name / RUN, time.monotonic() + 120
    while not trained(run, since=2) and time.monotonic() < until:
        time.sleep(0.05)
    workers = [one for one in below() if "torch.distributed.run" not in one.cmdline()]
    assert len(workers) == 2
    workers[0].kill()
    thread.join(120)
    assert outcome["state"] == "died" and outcome["reason"] == "a process of the run was killed"
    assert_all_gone(time.monotonic() + 20)
    assert execute_trial(*own)["state"] == "done"
    assert Ledger.open(run).epochs == 6 and FIX["epochs"] < 6
