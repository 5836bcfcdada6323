"""Many runs on real processes: every one ends once and equals undisturbed training, whatever dies on the way."""

import logging
import random
import socket
import ssl
import subprocess
import sys
import time

import nbformat
import psutil
import pytest
from distributed import Client
from distributed.security import Security
from experiments.machines import EVERY_TRY, RRSITR, Machines, assert_study, epochs, free_port, study_command
from experiments.small_studies import FIX, assert_same, small_study, undisturbed

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import RunError
from rrsitr_lib.experiments import dispatch, engine
from rrsitr_lib.experiments.engine import run_study, run_trials
from rrsitr_lib.experiments.executors import ExecutorSettings, local_workers, opened
from rrsitr_lib.experiments.study_file import plan
from rrsitr_lib.experiments.study_folder import NOTEBOOK
from rrsitr_lib.experiments.trials import counts, open_study

METHODS = ("contrastive", "rrsitr", "ncr")
pytestmark = pytest.mark.usefixtures("few_scenes")
PAIR = small_study("pair", {"method": METHODS[:2]})


@pytest.fixture(scope="module")
def expected(tmp_path_factory, few_scenes):
    return undisturbed(small_study("all", {"method": METHODS}), tmp_path_factory.mktemp("plain"))


@pytest.fixture
def machines(tmp_path):
    found = Machines(tmp_path)
    yield found
    found.end()


@pytest.mark.long
def test_scheduler_and_three_workers_survive_kills_a_full_disk_and_a_second_study_run(machines, tmp_path, expected):
    """Two ``study run`` at once on one folder; workers are killed at random, the scheduler once; one disk is full."""
    study, root, dice = small_study("all", {"method": METHODS}), tmp_path / "runs", random.Random(3)
    for number in range(3):
        machines.start_worker(small_disk=number == 0)
    command = study_command(study, root, "--scheduler", machines.address)
    log = open(tmp_path / "drivers.log", "a")
    drivers = [subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True) for _ in range(2)]
    kills, restarted, seen, until = 0, False, 0, time.monotonic() + EVERY_TRY
    while any(driver.poll() is None for driver in drivers) and time.monotonic() < until:
        time.sleep(0.3)
        reached = epochs(root, study)
        if reached > seen and kills < 3:  # an epoch is kept: now something dies
            seen = reached
            kills += kill_a_worker(machines, dice)
        if reached >= 3 and not restarted:
            machines.scheduler.kill()
            machines.scheduler.wait()
            time.sleep(1)
            machines.start_scheduler()
            restarted = True
        for number, worker in enumerate(machines.workers[1:3], 1):
            if worker.poll() is not None:  # a nanny ends with its scheduler; a cluster starts another
                machines.start_worker()
                machines.workers[number] = machines.workers.pop()
    said = (tmp_path / "drivers.log").read_text()
    assert [driver.wait(5) for driver in drivers] == [0, 0], said
    assert kills and restarted
    assert_study(root, study, expected)


def kill_a_worker(machines, dice):
    """The process in which a run is executed, not its nanny; or the nanny with all that it keeps."""
    alive = [worker for worker in machines.workers[1:3] if worker.poll() is None]
    children = psutil.Process(dice.choice(alive).pid).children() if alive else []
    for child in children:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            pass
    return 1 if children else 0


def kill_with_all_below(process):
    tree = psutil.Process(process.pid).children(recursive=True)
    assert tree
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(tree, timeout=60)
    assert not alive, [one.cmdline() for one in alive]


@pytest.mark.long
def test_killed_study_goes_on_and_leaves_no_process(tmp_path, expected):
    command = study_command(PAIR, tmp_path, "--workers", "2")
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    until = time.monotonic() + EVERY_TRY
    while not epochs(tmp_path, PAIR) and time.monotonic() < until:
        assert driver.poll() is None, driver.stdout.read()
        time.sleep(0.05)
    kill_with_all_below(driver)
    assert 0 < counts(open_study(PAIR, tmp_path).states)["begun"]
    again = subprocess.run(command, capture_output=True, text=True, timeout=EVERY_TRY)
    assert again.returncode == 0, again.stderr
    assert "2 done, 0 failed" in again.stdout
    assert_study(tmp_path, PAIR, expected)


@pytest.mark.long
def test_a_failing_and_a_hanging_run_do_not_stop_the_others_and_retry_runs_them_again(tmp_path):
    grids = [small_study(**fields).runs[0] for fields in ({"epochs": 100_000}, {"batch_size": 300}, {})]
    study = small_study("mixed", limit_minutes=0.6).model_copy(update={"runs": grids})
    states = run_study(study, tmp_path, ExecutorSettings(workers=2), progress=False)
    slow, bad, good = (trial.name for trial in plan(study))
    assert [states[name].state for name in (slow, bad, good)] == ["failed", "failed", "done"]
    assert states[slow].outcome["reason"] == "ran longer than 0.6 minutes"
    assert "batch_size is 300" in states[bad].outcome["reason"]
    notebook = nbformat.read(states[bad].folder / NOTEBOOK, as_version=4)
    errors = [output for one in notebook.cells for output in one.get("outputs", ()) if output.output_type == "error"]
    assert any("batch_size is 300" in error.evalue for error in errors), "the notebook keeps the traceback"
    assert (reached := states[slow].epochs) > 0
    said = subprocess.run([*RRSITR, "status", str(tmp_path / "mixed")], capture_output=True, text=True).stdout
    assert "2 failed" in said and "batch_size is 300" in said and "ran longer than 0.6 minutes" in said
    shorter = study.model_copy(update={"limit_minutes": 0.05})
    again = run_study(shorter, tmp_path, ExecutorSettings(workers=2), retry=True, progress=False)
    assert again[slow].outcome["reason"] == "ran longer than 0.05 minutes"
    reason = again[bad].outcome["reason"]  # a fast machine gets as far as its mistake
    assert reason == "ran longer than 0.05 minutes" or "batch_size is 300" in reason
    assert again[slow].epochs == reached and again[good] == states[good], "what was trained is kept"
    nowhere = ExecutorSettings(address="tcp://127.0.0.1:1")
    untouched = run_study(study, tmp_path, nowhere, progress=False)
    assert untouched == again, "failed trials are left alone, and without work no cluster is asked for"


# --- runs without a notebook ---

SCRIPT = """
import sys
from pathlib import Path
from rrsitr_lib.config import RunConfig
from rrsitr_lib.experiments.engine import run_trials

if __name__ == "__main__":
    config = RunConfig.build(data="scenes", encoder="tiny", scenes=200, epochs=1000, batch_size=50)
    run_trials({"a": config}, {"a": Path(sys.argv[1])})
"""


def test_runs_side_by_side_equal_plain_training_and_finished_ones_are_only_read(
    tmp_path, expected, monkeypatch, caplog
):
    """A root handler, as open_clip's import sets one in a notebook, hears nothing of Dask."""
    log = logging.getLogger("distributed")
    monkeypatch.setattr(log, "propagate", True)
    level = log.level
    caplog.set_level(logging.INFO)
    configs = {trial.config.method: trial.config for trial in plan(PAIR)}
    folders = {name: tmp_path / name for name in configs}
    bad = RunConfig.build(**FIX | {"batch_size": 300})
    with pytest.raises(RunError, match="1 of 3 runs failed: bad: batch_size is 300"):
        run_trials({"bad": bad, **configs}, {"bad": tmp_path / "bad", **folders}, workers=2, progress=False)
    assert [one.message for one in caplog.records if one.name.startswith("distributed")] == []
    assert log.level in (level, logging.INFO)
    for trial in plan(PAIR):
        assert_same(folders[trial.config.method], expected / trial.name)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    monkeypatch.setattr(engine, "opened", lambda *_: pytest.fail("nothing is left to train"))
    results = run_trials(configs, folders)
    assert list(results) == ["contrastive", "rrsitr"] and results["rrsitr"]["method"] == "rrsitr"
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_trainings_end_with_a_parent_that_was_killed(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    parent = subprocess.Popen([sys.executable, tmp_path / "script.py", tmp_path / "a"], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not (tmp_path / "a" / "config.yaml").exists() and time.monotonic() < until:
        time.sleep(0.1)
    kill_with_all_below(parent)


# --- where ---


def answer(port, stranger):
    """What a process without the study's keys hears at a port, with a certificate of its own and by plain HTTP."""
    said = []
    for wrap in (stranger.wrap_socket, lambda plain: plain):
        try:
            with wrap(socket.create_connection(("127.0.0.1", port), 2)) as connection:
                connection.settimeout(2)
                connection.sendall(b"GET /info/main/workers.html HTTP/1.0\r\n\r\n")
                said.append(connection.recv(99))
        except OSError as error:
            said.append(type(error).__name__.encode())
    return said


def test_strangers_on_this_machine_can_neither_run_code_nor_read():
    stranger = Security.temporary().get_connection_args("client")["ssl_context"]
    stranger.check_hostname, stranger.verify_mode = False, ssl.CERT_NONE
    with opened(ExecutorSettings(workers=1)) as cluster, Client(cluster, set_as_default=False) as client:
        assert client.submit(int, 3).result(timeout=60) == 3 and cluster.scheduler_address.startswith("tls://")
        processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        connections = [one for process in processes for one in process.net_connections("tcp")]
        ports = {one.laddr.port for one in connections if one.status == psutil.CONN_LISTEN}
        assert len(ports) >= 4, "scheduler, nanny, worker, pages"
        said = [line for port in ports for line in answer(port, stranger)]
        assert {one.laddr.ip for one in connections} == {"127.0.0.1"}
    assert all(line.endswith(b"Error") or b" 404 Not Found" in line for line in said), said


def test_no_scheduler_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(dispatch, "CONNECT", 1.0)
    settings = ExecutorSettings(address=f"tcp://127.0.0.1:{free_port()}")
    with pytest.raises(RunError, match="no scheduler of Dask at tcp://127"):
        run_study(PAIR, tmp_path, settings, progress=False)


def test_one_worker_a_gpu_that_sees_no_other():
    cards = local_workers(0, ["0", "1"])
    assert [card["env"]["CUDA_VISIBLE_DEVICES"] for card in cards] == ["0", "1"]
    assert all(card["resources"] == {"GPU": 1} and card["nthreads"] == 1 for card in cards)
    assert local_workers(1, ["0", "1"]) == cards[:1] and len(local_workers(3, [])) == 3
