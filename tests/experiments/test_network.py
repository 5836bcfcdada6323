"""Workers in networks of their own, one of which is cut and mended while it trains. Linux, by root only."""

import contextlib
import os
import shutil
import subprocess
import time

import pytest
from experiments.machines import EVERY_TRY, Machines, assert_study, epochs, study_command
from experiments.small_studies import small_study, undisturbed

BRIDGE, SCHEDULER = "rrsitr0", "10.213.7.1"
PLACES = {"rrsitr1": "10.213.7.2", "rrsitr2": "10.213.7.3"}  # network namespace: address


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def build_networks():
    ip("link", "add", BRIDGE, "type", "bridge")
    ip("addr", "add", f"{SCHEDULER}/24", "dev", BRIDGE)
    ip("link", "set", BRIDGE, "up")
    for name, address in PLACES.items():
        ip("netns", "add", name)
        ip("link", "add", f"{name}h", "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", f"{name}h", "master", BRIDGE, "up")
        ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        ip("-n", name, "link", "set", "lo", "up")


def remove_networks():
    for command in [*(("netns", "del", name) for name in PLACES), ("link", "del", BRIDGE)]:
        with contextlib.suppress(subprocess.CalledProcessError):
            ip(*command)


@pytest.fixture
def networks():
    if not shutil.which("ip") or os.geteuid() != 0:
        pytest.skip("network namespaces need root and iproute2's ip")
    remove_networks()
    try:
        build_networks()
    except subprocess.CalledProcessError as error:
        remove_networks()
        pytest.skip(f"no network namespaces here: {error.stderr.strip()}")
    yield
    remove_networks()


@pytest.mark.long
def test_workers_in_two_networks_of_which_one_is_cut_while_it_trains(networks, tmp_path, few_scenes):
    """The scheduler gives the cut worker's trial to the other one, which waits for its lock; none is trained twice."""
    study, root = small_study("cut", {"method": ["contrastive", "rrsitr"]}), tmp_path / "runs"
    expected = undisturbed(study, tmp_path / "plain")
    machines = Machines(tmp_path, SCHEDULER, DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL="5s")
    try:
        for name, address in PLACES.items():
            machines.start_worker(host=address, within=("ip", "netns", "exec", name))
        command = study_command(study, root, "--scheduler", machines.address)
        with open(tmp_path / "driver.log", "w") as log:
            driver = subprocess.Popen(command, stdout=log, stderr=log)
        until = time.monotonic() + EVERY_TRY
        while epochs(root, study) < 1 and driver.poll() is None and time.monotonic() < until:
            time.sleep(0.2)
        first = next(iter(PLACES))
        ip("link", "set", f"{first}h", "down")
        time.sleep(12)  # the scheduler counts the worker as lost after five seconds
        ip("link", "set", f"{first}h", "up")
        assert driver.wait(until - time.monotonic()) == 0, (tmp_path / "driver.log").read_text()
        assert_study(root, study, expected)
        assert "10.213.7.2" in (tmp_path / "machines.log").read_text()
    finally:
        machines.end()
