"""A study on real processes: every cell ends once and equals undisturbed training, whatever dies on the way."""

import os
import random
import subprocess
import time

import psutil
import pytest
from experiments.machines import EVERY_TRY, RRSITR, Machines, assert_study, epochs, free_port, study_command
from experiments.small_studies import small_study, undisturbed

from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.experiments.engine import run_study
from rrsitr_lib.experiments.executors import Where, local_workers
from rrsitr_lib.experiments.plan import plan
from rrsitr_lib.experiments.trials import NOTEBOOK, counts, locate

AXES = {"seed": [3, 13], "method": ["contrastive", "rrsitr"]}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return undisturbed(small_study("chaos", AXES), tmp_path_factory.mktemp("plain"))


@pytest.fixture
def machines(tmp_path):
    found = Machines(tmp_path)
    yield found
    found.end()


def test_scheduler_and_three_workers_survive_kills_a_full_disk_and_a_second_study_run(machines, tmp_path, expected):
    """Two ``study run`` at once on one folder; workers are killed at random, the scheduler once; one disk is full."""
    study, root, dice = small_study("chaos", AXES), tmp_path / "runs", random.Random(3)
    for number in range(3):
        machines.start_worker(small_disk=number == 0)
    command = study_command(study, root, "--scheduler", machines.address)
    log = open(tmp_path / "drivers.log", "a")
    drivers = [subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True) for _ in range(2)]
    kills, restarted, until = 0, False, time.monotonic() + EVERY_TRY
    seen = 0
    while any(driver.poll() is None for driver in drivers) and time.monotonic() < until:
        time.sleep(0.3)
        reached = epochs(root, study)
        if reached > seen and kills < 3:  # an epoch is kept: now something dies
            seen = reached
            kills += kill_a_worker(machines, dice)
        if reached >= 4 and not restarted:
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
    if not alive:
        return 0
    children = psutil.Process(dice.choice(alive).pid).children()
    for child in children:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            pass
    return 1 if children else 0


def test_killed_study_goes_on_and_leaves_no_process(tmp_path, expected):
    study, root = small_study("chaos", AXES), tmp_path / "runs"
    command = study_command(study, root, "--workers", "2")
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    until = time.monotonic() + EVERY_TRY
    while epochs(root, study) < 3 and time.monotonic() < until:
        assert driver.poll() is None, driver.stdout.read()
        time.sleep(0.1)
    tree = psutil.Process(driver.pid).children(recursive=True)
    driver.kill()
    driver.wait()
    _, alive = psutil.wait_procs(tree, timeout=60)
    assert not alive, [process.cmdline() for process in alive]
    assert 0 < counts(locate(root, study.name, plan(study)))["begun"]
    again = subprocess.run(command, capture_output=True, text=True, timeout=EVERY_TRY)
    assert again.returncode == 0, again.stderr
    assert "4 done, 0 failed" in again.stdout
    assert_study(root, study, expected)


def test_a_failing_and_a_hanging_run_do_not_stop_the_others_and_retry_runs_them_again(tmp_path):
    good = small_study("mixed", {"seed": [3]})
    bad = small_study("mixed", {"seed": [3]}, batch_size=300)
    slow = small_study("mixed", {"seed": [3]}, epochs=100_000)
    study = good.model_copy(update={"runs": [slow.runs[0], bad.runs[0], good.runs[0]], "limit_minutes": 1.5})
    places = run_study(study, tmp_path, Where(workers=2), progress=False)
    slow_cell, bad_cell, good_cell = (cell.name for cell in plan(study))
    assert [places[name].state for name in (slow_cell, bad_cell, good_cell)] == ["failed", "failed", "done"]
    assert places[slow_cell].outcome["reason"] == "ran longer than 1.5 minutes"
    assert "batch_size is 300" in places[bad_cell].outcome["reason"]
    assert "InputError" in (places[bad_cell].folder / NOTEBOOK).read_text()
    reached = places[slow_cell].epochs
    assert reached > 0
    said = subprocess.run([*RRSITR, "status", str(tmp_path / "mixed")], capture_output=True, text=True).stdout
    assert "2 failed" in said and "batch_size is 300" in said and "ran longer than 1.5 minutes" in said
    again = run_study(
        study.model_copy(update={"limit_minutes": 0.7}), tmp_path, Where(workers=2), retry=True, progress=False
    )
    assert again[slow_cell].epochs > reached, "goes on from its last checkpoint"
    untouched = run_study(study, tmp_path, Where(kind="scheduler", address="tcp://127.0.0.1:1"), progress=False)
    assert untouched == again, "failed cells are left alone, and without work no cluster is asked for"


def test_two_studies_share_a_cell(tmp_path, monkeypatch):
    first, second = small_study("first", {"seed": [3]}), small_study("second", {"seed": [3]})
    places = run_study(first, tmp_path, Where(workers=1), progress=False)
    monkeypatch.setattr("rrsitr_lib.experiments.engine.opened", lambda *_: pytest.fail("nothing is left to train"))
    assert run_study(second, tmp_path, progress=False) == places
    assert [path.parent.name for path in tmp_path.glob("*/*/outcome.json")] == [plan(first)[0].name]


def test_job_queue_runs_the_study(tmp_path, monkeypatch, expected):
    """dask-jobqueue writes the job; a stand-in for SLURM's ``sbatch`` runs it on this machine."""
    programs = tmp_path / "bin"
    programs.mkdir()
    started = f"setsid bash {tmp_path}/job.sh >{tmp_path}/job.log 2>&1 &"
    scripts = {
        "sbatch": f'cp "${{@: -1}}" {tmp_path}/job.sh\n{started}\necho "Submitted batch job $!"',
        "scancel": 'kill -- "-$1" 2>/dev/null || kill "$1"',
    }
    for name, text in scripts.items():
        (programs / name).write_text(f"#!/bin/bash\n{text}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    study = small_study("queue", {"seed": [3], "method": ["rrsitr"]})
    options = {"walltime": "00:10:00", "interface": "lo", "queue": "gpu", "local_directory": str(tmp_path / "scratch"),
               "log_directory": str(tmp_path / "logs")}  # fmt: skip
    where = Where(kind="slurm", workers=1, options=options, resources={"GPU": 1})
    run_study(study, tmp_path / "runs", where, progress=False)
    job = (tmp_path / "job.sh").read_text()
    assert "#SBATCH -p gpu" in job and "#SBATCH -t 00:10:00" in job and "--resources GPU=1" in job
    assert_study(tmp_path / "runs", study, expected)


# --- where ---


def test_no_scheduler_is_said(tmp_path):
    where = Where(kind="scheduler", address=f"tcp://127.0.0.1:{free_port()}")
    with pytest.raises(RunError, match="no scheduler of Dask at tcp://127"):
        run_study(small_study("x", {"seed": [3]}), tmp_path, where, progress=False)


def test_one_worker_a_gpu_that_sees_no_other():
    cards = local_workers(0, ["0", "1"])
    assert [card["env"]["CUDA_VISIBLE_DEVICES"] for card in cards] == ["0", "1"]
    assert all(card["resources"] == {"GPU": 1} and card["nthreads"] == 1 for card in cards)
    assert len(local_workers(1, ["0", "1"])) == 1 and len(local_workers(3, [])) == 3


@pytest.mark.parametrize(("text", "message"), [
    ("kind: lsv", "kind is 'lsv'"),
    ("kind: scheduler", "address is None and kind 'scheduler'"),
    ("kind: slurm\nworkers: -1", "workers is -1"),
    ("jobs: 3", "jobs is 3: extra inputs are not permitted"),
])  # fmt: skip
def test_wrong_cluster_file_is_said(tmp_path, text, message):
    (tmp_path / "cluster.yaml").write_text(text)
    with pytest.raises(InputError, match=message):
        Where.read(tmp_path / "cluster.yaml")


def test_wrong_options_of_a_job_queue_are_said(tmp_path):
    where = Where(kind="slurm", options={"wall": "1h"})
    with pytest.raises(InputError, match=r"cluster options .*wall"):
        run_study(small_study("x", {"seed": [3]}), tmp_path, where, progress=False)
