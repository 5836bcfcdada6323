"""The files of docs/cluster: what can be tried without a cluster is tried, on small studies."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml
from distributed import Client
from experiments.machines import EVERY_TRY, assert_study, free_port
from experiments.small_studies import small_study, undisturbed

from rrsitr_lib.experiments.study_file import Study, plan
from rrsitr_lib.yaml_text import parse_yaml

FILES = Path(__file__).parents[2] / "docs" / "cluster"
STUDY = small_study("shared", {"method": ("contrastive", "rrsitr")})
pytestmark = pytest.mark.usefixtures("few_scenes")


@pytest.fixture(scope="module")
def expected(tmp_path_factory, few_scenes):
    return undisturbed(STUDY, tmp_path_factory.mktemp("plain"))


@pytest.fixture
def started(tmp_path):
    """Starts a script of docs/cluster; in the end nothing of it is left."""
    processes, programs = [], Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1", "WORKERS": "1"}

    def start(name, *arguments):
        log = open(tmp_path / f"{len(processes)}.log", "w+")
        command = ["bash", FILES / name, *map(str, arguments)]
        processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True))
        return processes[-1], log

    yield start
    for process in processes:
        alive = [process, *psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []
        for one in alive:
            one.kill()
        process.wait()


@pytest.mark.parametrize("name", ["scheduler.sh", "slurm.sh"])
def test_scripts_are_bash_that_says_what_it_lacks(name):
    assert subprocess.run(["bash", "-n", FILES / name]).returncode == 0
    done = subprocess.run(["bash", FILES / name], capture_output=True, text=True)
    assert done.returncode != 0 and re.search("scheduler, workers or study|a preset or a study file", done.stderr)


def test_slurms_lines_come_before_the_first_command():
    head, _, rest = (FILES / "slurm.sh").read_text().partition("set -eu")
    lines = [line for line in head.splitlines() if line.startswith("#SBATCH")]
    assert len(lines) >= 8 and all(re.fullmatch(r"#SBATCH --[a-z-]+(=\S+)?", line) for line in lines)
    assert "#SBATCH" not in rest


def test_the_pods_of_kubernetes_run_a_study_and_try_again_what_another_try_helps(tmp_path):
    held, job = yaml.safe_load_all((FILES / "kubernetes.yaml").read_text())
    (tmp_path / "study.yaml").write_text(held["data"]["study.yaml"])
    assert len(plan(Study.read(tmp_path / "study.yaml"))) == 6
    assert (held["kind"], job["kind"], job["apiVersion"]) == ("ConfigMap", "Job", "batch/v1")
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["command"] == ["rrsitr", "study", "run", "/study/study.yaml", "--runs", "/shared/runs"]
    assert {one["name"] for one in container["volumeMounts"]} == {one["name"] for one in pod["volumes"]}
    assert pod["restartPolicy"] == "Never", "a policy on exit codes asks for it"
    assert job["spec"]["podFailurePolicy"]["rules"][1]["onExitCodes"] == {"operator": "In", "values": [1, 2]}
    assert job["spec"]["completions"] == job["spec"]["parallelism"]
    parse_yaml(held["data"]["study.yaml"], "the study")  # as a file of ours is read


@pytest.mark.long
def test_jobs_of_slurm_share_a_study(started, tmp_path, expected):
    """Without SLURM its script is a script of bash; two at once are two jobs of an array."""
    STUDY.save(tmp_path / "file")
    given = tmp_path / "file" / "study.yaml", tmp_path / "runs"
    jobs = [started("slurm.sh", *given) for _ in range(2)]
    for process, log in jobs:
        assert process.wait(EVERY_TRY) == 0, Path(log.name).read_text()
    assert_study(tmp_path / "runs", STUDY, expected)


@pytest.mark.long
def test_scheduler_and_workers_with_keys_of_their_own_run_a_study(started, tmp_path, expected):
    STUDY.save(tmp_path / "file")
    keys, port = tmp_path / "keys", free_port()
    scheduler, _ = started("scheduler.sh", "scheduler", keys, "127.0.0.1", port)
    until = time.monotonic() + 60
    while not listens(scheduler.pid, port) and time.monotonic() < until:
        time.sleep(0.2)
    address = f"tls://127.0.0.1:{port}"
    workers = [started("scheduler.sh", "workers", keys, address) for _ in range(2)]
    study, log = started("scheduler.sh", "study", keys, address, tmp_path / "file" / "study.yaml", tmp_path / "runs")
    assert study.wait(EVERY_TRY) == 0, Path(log.name).read_text()
    assert_study(tmp_path / "runs", STUDY, expected)
    assert all(process.poll() is None for process, _ in workers)
    assert (keys.stat().st_mode & 0o777, (keys / "key.pem").stat().st_mode & 0o777) == (0o700, 0o600)
    with pytest.raises((OSError, TypeError)):  # nobody without the keys is heard
        Client(f"tcp://127.0.0.1:{port}", timeout=5, set_as_default=False)


def listens(pid, port):
    found = [one for one in psutil.Process(pid).net_connections("tcp") if one.status == psutil.CONN_LISTEN]
    return any(one.laddr.port == port for one in found)
