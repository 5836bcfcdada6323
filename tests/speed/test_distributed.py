"""Two processes over gloo train the run that one process trains; a killed pair goes on."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import psutil
import pytest
import torch
from safetensors.torch import load_file
from test_cli import rrsitr

from rrsitr_lib.errors import InputError
from rrsitr_lib.speed import distributed
from rrsitr_lib.training.ledger import Ledger
from rrsitr_lib.training.run import Run

RUN = [
    "train", "--data", "scenes", "--encoder", "tiny", "--set", "scenes=42", "--batch-size", "50", "--noise-rate", "0.4",
    "--device", "cpu",
]  # fmt: skip


MODULE = ["-m", "rrsitr_lib"]


def torchrun_command(*arguments, processes=2):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if sys.platform == "linux":  # some machines cannot resolve their own name
        environment["GLOO_SOCKET_IFNAME"] = "lo"
    return {"args": [*command, *map(str, arguments)], "env": environment}


def torchrun(*arguments, processes=2):
    return subprocess.run(
        **torchrun_command(*arguments, processes=processes), capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    assert rrsitr(*RUN, "--epochs", "2", "--out", folder / "one") == 0
    done = torchrun(*MODULE, *RUN, "--epochs", "2", "--out", folder / "two")
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("best epoch") == 1
    return folder


def test_two_processes_equal_one(runs):
    one, two = (Ledger.open(runs / name) for name in ("one", "two"))
    for name in ("loss", "weight", "margin_text", "similarity", "hardest_image"):
        assert np.allclose(one.column(name)[0], two.column(name)[0], rtol=1e-4, atol=1e-4), name
    first, second = (pd.read_csv(runs / name / "metrics.csv") for name in ("one", "two"))
    assert np.allclose(first["objective"], second["objective"], rtol=1e-5)


STEP = """
import sys
import numpy as np
import torch
from safetensors.torch import save_file
from rrsitr_lib.config import RunConfig
from rrsitr_lib.training.batches import RowBatches
from rrsitr_lib.training.device import join_processes
from rrsitr_lib.training.run import Run

processes = join_processes()
config = RunConfig.build(data="scenes", encoder="tiny", scenes=42, batch_size=60, noise_rate=0.4, device="cpu",
                         gradient_slice=int(sys.argv[2]))
run = Run(config, None, processes=processes)
run.model.train()
rows = np.random.default_rng(0).permutation(210)[:60]
batch = RowBatches(run.inputs["train"], [rows], run.noise.caption_index, 0, processes)[0]
run.trainer.backward(run.trainer.method_of(0), torch.from_numpy(rows), *batch)
processes.sum_gradients(run.model)
if processes.rank == 0:
    found = {name: parameter.grad for name, parameter in run.model.named_parameters()}
    save_file({name: grad.contiguous() for name, grad in found.items() if grad is not None}, sys.argv[1])
"""


@pytest.mark.parametrize("gradient_slice", [0, 7])
def test_the_gradient_of_two_processes_is_that_of_one(tmp_path, gradient_slice):
    """AdamW turns differences of tiny gradients into whole steps, so the gradients are compared, not the weights."""
    script = tmp_path / "step.py"
    script.write_text(STEP)
    subprocess.run([sys.executable, script, tmp_path / "one", "0"], check=True, capture_output=True)
    done = torchrun(script, tmp_path / "two", gradient_slice)
    assert done.returncode == 0, done.stderr[-3000:]
    one, two = load_file(tmp_path / "one"), load_file(tmp_path / "two")
    scale = max(gradient.abs().max() for gradient in one.values())
    assert set(one) == set(two) and all((one[name] - two[name]).abs().max() <= 1e-5 * scale for name in one)


FOUR = [*RUN, "--epochs", "4", "--set", "gamma_schedule=quantile"]  # its thresholds come from the epoch before


def killed_after(epochs, folder):
    """Both processes of a run, killed at once as soon as so many epochs are committed; how many there are then."""
    command = torchrun_command(*MODULE, *FOUR, "--out", folder)
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


def committed(folder):
    try:
        return (folder / "metrics.csv").read_bytes().count(b"\n") - 1
    except OSError:
        return 0


@pytest.fixture(scope="module")
def undisturbed_pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair") / "run"
    done = torchrun(*MODULE, *FOUR, "--out", folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def go_on_with_two(folder, undisturbed):
    """Largest difference of a weight or moment; the second process trains its share of the epochs that are left."""
    done = torchrun(*MODULE, *FOUR, "--out", folder)
    assert done.returncode == 0, done.stderr[-3000:]
    weights, expected = (load_file(path / "last.safetensors") for path in (folder, undisturbed))
    assert weights.keys() == expected.keys()
    return max(float((weights[name] - expected[name]).abs().max()) for name in expected)


def test_a_killed_pair_goes_on_to_the_same_bits(undisturbed_pair, tmp_path):
    assert 1 <= killed_after(2, tmp_path / "run") < 4
    assert go_on_with_two(tmp_path / "run", undisturbed_pair) == 0


def test_a_run_begun_by_one_goes_on_with_two(undisturbed_pair, tmp_path, monkeypatch):
    def cut_short(self, epoch, *arguments):
        if epoch == 2:
            raise KeyboardInterrupt
        return train_epoch(self, epoch, *arguments)

    train_epoch = Run._train_epoch
    monkeypatch.setattr(Run, "_train_epoch", cut_short)
    assert rrsitr(*FOUR, "--out", tmp_path / "a") == 130 and committed(tmp_path / "a") == 2
    go_on_with_two(tmp_path / "a", undisturbed_pair)
    one, two = (np.array(Ledger.open(path).column("loss")) for path in (tmp_path / "a", undisturbed_pair))
    assert one.shape == (4, 210) and np.median(np.abs(one[2:] - two[2:])) < 1e-3


def test_a_finished_run_ends_at_once_in_both_processes(runs):
    done = torchrun(*MODULE, *RUN, "--epochs", "2", "--out", runs / "two")
    assert done.returncode == 0 and done.stdout.count("best epoch") == 1, done.stderr[-3000:]


def test_a_batch_that_does_not_divide_is_refused():
    with pytest.raises(InputError, match="batch_size is 50: with 3 processes allowed are multiples of 3"):
        distributed.SeveralProcesses(0, 3).own_rows(np.arange(50))


def test_fewer_gpus_than_processes_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    with pytest.raises(InputError, match="4 processes on 2 GPUs: allowed is one a GPU"):
        distributed.join()


def test_gradients_keep_the_layout_that_convolutions_have_on_a_gpu(monkeypatch):
    """A sum of two equal processes, seen from one: every gradient doubled, and each in its parameter's strides."""
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 2), torch.nn.Flatten(), torch.nn.LazyLinear(2))
    model(torch.ones(1, 3, 5, 5))
    model = model.to(memory_format=torch.channels_last)
    model(torch.randn(2, 3, 5, 5)).square().sum().backward()
    before = [parameter.grad.clone() for parameter in model.parameters()]
    monkeypatch.setattr(distributed.group, "all_reduce", lambda total: total.mul_(2))
    distributed.SeveralProcesses(0, 2).sum_gradients(model)
    for parameter, gradient in zip(model.parameters(), before, strict=True):
        assert torch.equal(parameter.grad, 2 * gradient) and parameter.grad.stride() == gradient.stride()
    assert not model[0].weight.grad.is_contiguous()
