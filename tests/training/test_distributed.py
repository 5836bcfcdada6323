"""Two processes over gloo train the run that one process trains; a killed pair goes on."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file
from test_cli import rrsitr

from rrsitr_lib.errors import InputError
from rrsitr_lib.training import distributed
from rrsitr_lib.training.ledger import Ledger

RUN = [
    "train", "--data", "scenes", "--encoder", "tiny", "--set", "scenes=42", "--batch-size", "50", "--noise-rate", "0.4",
    "--device", "cpu",
]  # fmt: skip


MODULE = ["-m", "rrsitr_lib"]


def torchrun(*arguments, processes=2):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if sys.platform == "linux":  # some machines cannot resolve their own name
        environment["GLOO_SOCKET_IFNAME"] = "lo"
    return subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
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
from rrsitr_lib.training import distributed
from rrsitr_lib.training.loop import Epoch
from rrsitr_lib.training.pace import pace_of_epoch
from rrsitr_lib.training.run import Run

distributed.start()
config = RunConfig.build(data="scenes", encoder="tiny", scenes=42, batch_size=60, noise_rate=0.4, device="cpu",
                         gradient_slice=int(sys.argv[2]))
run = Run(config, None)
runner = Epoch(config, run.model.train(), run.inputs["train"], run.noise)
rows = np.random.default_rng(0).permutation(210)[:60]
_, images, captions = runner._dataset([distributed.share(rows)], 0)[0]
runner._backward(rows, images, captions, pace_of_epoch(config, 0, None))
distributed.sum_gradients(run.model)
if distributed.rank() == 0:
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


def test_a_run_begun_by_one_goes_on_with_two(runs, tmp_path):
    assert rrsitr(*RUN, "--epochs", "2", "--out", tmp_path / "a") == 0
    for name in ("result.json",):
        (tmp_path / "a" / name).unlink()
    last = tmp_path / "a" / "last.safetensors"
    assert last.exists()
    done = torchrun(*MODULE, *RUN, "--epochs", "2", "--out", tmp_path / "a")
    assert done.returncode == 0 and (tmp_path / "a" / "result.json").exists(), done.stderr[-3000:]


def test_a_finished_run_ends_at_once_in_both_processes(runs):
    done = torchrun(*MODULE, *RUN, "--epochs", "2", "--out", runs / "two")
    assert done.returncode == 0 and done.stdout.count("best epoch") == 1, done.stderr[-3000:]


def test_a_batch_that_does_not_divide_is_refused(monkeypatch):
    monkeypatch.setattr(distributed, "size", lambda: 3)
    with pytest.raises(InputError, match="batch_size is 50: with 3 processes allowed are multiples of 3"):
        distributed.share(np.arange(50))


def test_without_torchrun_nothing_changes():
    assert distributed.size() == 1 and distributed.rank() == 0
    assert (distributed.share(np.arange(5)) == np.arange(5)).all()
    with distributed.alone():
        assert distributed.size() == 1
