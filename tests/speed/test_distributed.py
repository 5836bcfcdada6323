"""Two processes over gloo train the run that one process trains; a killed pair goes on."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import torch
from safetensors.torch import load_file
from speed.one_step import CASES, gradients
from test_cli import rrsitr

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import read_json
from rrsitr_lib.speed import distributed
from rrsitr_lib.training import run as run_module
from rrsitr_lib.training.device import OneProcess
from rrsitr_lib.training.ledger import Ledger
from rrsitr_lib.training.run import Run

TRAIN = [
    "train", "--data", "scenes", "--encoder", "tiny", "--set", "scenes=42", "--batch-size", "50", "--noise-rate", "0.4",
    "--device", "cpu", "--epochs", "3", "--set", "gamma_schedule=quantile",  # its thresholds: the epoch before
]  # fmt: skip
pytestmark = pytest.mark.usefixtures("few_scenes")


def torchrun_command(*arguments):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if sys.platform == "linux":  # some machines cannot resolve their own name
        environment["GLOO_SOCKET_IFNAME"] = "lo"
    return {"args": [*command, *map(str, arguments)], "env": environment}


def torchrun(*arguments):
    done = subprocess.run(**torchrun_command(*arguments), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def committed(folder):
    try:
        return (folder / "metrics.csv").read_bytes().count(b"\n") - 2
    except OSError:
        return 0


@pytest.fixture(scope="module")
def pair(tmp_path_factory, few_scenes):
    """The run by two processes."""
    folder = tmp_path_factory.mktemp("pair") / "run"
    assert torchrun("-m", "rrsitr_lib", *TRAIN, "--out", folder).count("best epoch") == 1
    return folder


@pytest.fixture(scope="module")
def begun(tmp_path_factory, few_scenes):
    """Its first two epochs, by one process."""

    def cut_short(self, epoch, *arguments):
        if epoch == 2:
            raise KeyboardInterrupt
        return train_epoch(self, epoch, *arguments)

    folder, train_epoch = tmp_path_factory.mktemp("begun") / "run", Run._train_epoch
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "_train_epoch", cut_short)
        assert rrsitr(*TRAIN, "--out", folder) == 130 and committed(folder) == 2
    return folder


def test_two_processes_equal_one(begun, pair):
    one, two = (Ledger.open(folder) for folder in (begun, pair))
    for name in ("loss", "weight", "margin_text", "similarity", "hardest_image"):
        assert np.allclose(one.column(name)[0], two.column(name)[0], rtol=1e-4, atol=1e-4), name
    first, second = (pd.read_csv(folder / "metrics.csv")["objective"][1:] for folder in (begun, pair))
    assert np.allclose(first, second[:2], rtol=1e-5)


def test_the_gradient_of_two_processes_is_that_of_one(tmp_path):
    """AdamW turns differences of tiny gradients into whole steps, so the gradients are compared, not the weights."""
    torchrun(Path(__file__).with_name("one_step.py"), tmp_path / "two")
    for case in CASES:
        one, two = gradients("whole" if case == "slices" else case), load_file(tmp_path / f"two_{case}")
        scale = max(gradient.abs().max() for gradient in one.values())
        assert set(one) == set(two) and all((one[name] - two[name]).abs().max() <= 1e-5 * scale for name in one), case


def killed_after(epochs, folder):
    """Both processes of a run, killed at once as soon as so many epochs are committed; how many there are then."""
    command = torchrun_command("-m", "rrsitr_lib", *TRAIN, "--out", folder)
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(**command, **silent, start_new_session=True)
    deadline = time.monotonic() + 240
    while committed(folder) < epochs and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    for child in psutil.Process(process.pid).children(recursive=True):  # torchrun gives each a session of its own
        child.kill()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return committed(folder)


@pytest.mark.long
def test_a_killed_pair_goes_on_to_the_same_bits(pair, tmp_path):
    """The second process trains its share of the epochs that are left."""
    assert 1 <= killed_after(1, tmp_path / "run") < 3
    torchrun("-m", "rrsitr_lib", *TRAIN, "--out", tmp_path / "run")
    weights, expected = (load_file(folder / "last.safetensors") for folder in (tmp_path / "run", pair))
    assert weights.keys() == expected.keys() and all(torch.equal(weights[name], expected[name]) for name in expected)


@pytest.mark.long
def test_a_run_begun_by_one_goes_on_with_two(begun, pair, tmp_path):
    folder = shutil.copytree(begun, tmp_path / "run")
    torchrun("-m", "rrsitr_lib", *TRAIN, "--out", folder)
    one, two = (np.array(Ledger.open(path).column("loss")) for path in (folder, pair))
    assert one.shape == (3, 210)
    assert np.median(np.abs(one[2] - two[2])) < 0.01, "AdamW makes more of the last bits, losses are 10 to 40"


class Counted(OneProcess):
    """A process that counts how often it waits for the other."""

    def __init__(self, rank):
        self.rank, self.waits = rank, 0

    def wait(self):
        self.waits += 1


def test_a_finished_run_ends_at_once_in_both_processes(pair, monkeypatch):
    config, both = RunConfig.read(pair / "config.yaml"), [Counted(0), Counted(1)]
    for module in (run_module, distributed):
        monkeypatch.setattr(module, "Run", None)
    for process in both:
        monkeypatch.setattr(run_module, "join_processes", lambda config, process=process: process)
        assert run_module.train(config, pair, progress=False) == read_json(pair / "result.json")
    assert both[0].waits == both[1].waits, "else one would wait for ever"


def test_a_batch_that_does_not_divide_is_refused():
    config = RunConfig.build(encoder="tiny", scenes=42, batch_size=50, device="cpu")
    with pytest.raises(InputError, match="batch_size is 50: with 3 processes allowed are multiples of 3"):
        Run(config, None, processes=distributed.SeveralProcesses(0, 3))


def test_fewer_gpus_than_processes_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    with pytest.raises(InputError, match="4 processes on 2 GPUs: allowed is one a GPU"):
        distributed.join(RunConfig.build(encoder="tiny"))


@pytest.fixture
def alone(monkeypatch):
    """A group of this process only, joined as torchrun's are: on a CPU, whatever GPUs there are."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    given = {"RANK": 0, "WORLD_SIZE": 1, "LOCAL_RANK": 0, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": 0}
    for name, value in given.items():
        monkeypatch.setenv(name, str(value))
    yield distributed.join(RunConfig.build(encoder="tiny", device="cpu"))
    distributed.group.destroy_process_group()


def test_gradients_keep_the_layout_that_convolutions_have_on_a_gpu(alone):
    """A fused optimizer relies on it."""
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 2), torch.nn.Flatten(), torch.nn.LazyLinear(2))
    model(torch.ones(1, 3, 5, 5))
    model = model.to(memory_format=torch.channels_last)
    alone.share(model)(torch.randn(2, 3, 5, 5)).square().sum().backward()
    assert distributed.group.get_backend() == "gloo"
    assert all(parameter.grad.stride() == parameter.stride() for parameter in model.parameters())
    assert not model[0].weight.grad.is_contiguous()


@pytest.mark.parametrize("case", ["whole", "slices"])
def test_a_step_sends_its_gradients_once(alone, case):
    """Of nine slices the last one sends the sum of all."""
    sent = []

    def count(state, bucket):
        sent.append(bucket.index())
        done = torch.futures.Future()
        done.set_result(bucket.buffer())
        return done

    def hooked(network):
        shared = distributed.SeveralProcesses.share(alone, network)
        shared.register_comm_hook(None, count)
        return shared

    alone.share = hooked
    found, expected = gradients(case, alone), gradients("whole")
    assert len(sent) == len(set(sent)) > 0
    assert all(torch.allclose(found[name], expected[name], rtol=1e-3, atol=1e-3) for name in expected)
