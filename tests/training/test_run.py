"""A run is determined by its configuration, and ends in the same bits however often it is interrupted."""

import json
import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import small_runs
import torch
from small_runs import assert_goes_on, assert_same_run

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.files import read_json
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.training import run as run_module
from rrsitr_lib.training.checkpoint import load_checkpoint
from rrsitr_lib.training.evaluate import evaluate
from rrsitr_lib.training.ledger import Ledger, ledger_table
from rrsitr_lib.training.run import open_run, train
from rrsitr_lib.training.trainer import Trainer

SMALL = {**small_runs.SMALL, "epochs": 4, "warmup_fraction": 0.25, "seed": 3}
FEW_SCENES = "import rrsitr_lib.scenes.dataset as s; s.VAL = s.TEST = 20"
COMMAND = [
    sys.executable, "-c", f"{FEW_SCENES}; from rrsitr_lib.cli import main; main()", "train", "--encoder", "tiny",
    "--weights", "none", "--epochs", "4", "--batch-size", "40", "--noise-rate", "0.4", "--seed", "3",
    "--set", "scenes=41", "--set", "warmup_fraction=0.25",
]  # fmt: skip


pytestmark = pytest.mark.usefixtures("few_scenes")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The same run without interruption, by the command line."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    subprocess.run([*COMMAND, "--out", str(folder)], check=True, capture_output=True)
    return folder


def test_kill_9_at_five_random_moments_resumes_to_the_same_bits(undisturbed, tmp_path):
    folder, kills = tmp_path / "run", 0
    moments = random.Random(7)
    while kills < 5:
        process = subprocess.Popen(
            [*COMMAND, "--out", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 120
        before = _epochs(folder)
        while _epochs(folder) == before and process.poll() is None and time.monotonic() < deadline:
            time.sleep(moments.uniform(0.01, 0.1))
        time.sleep(moments.uniform(0.0, 0.4))
        process.kill()
        process.wait()
        kills += 1
    subprocess.run([*COMMAND, "--out", str(folder)], check=True, capture_output=True)
    assert_same_run(folder, undisturbed)


def _epochs(folder: Path) -> int:
    try:
        return json.loads((folder / "ledger" / "header.json").read_text())["epochs"]
    except (OSError, ValueError):
        return -1


@pytest.mark.parametrize("moment", [3, 6, 8, 9, 11])
def test_an_end_at_any_rename_resumes_to_the_same_bits(moment, tmp_path, monkeypatch):
    config = RunConfig.build(**{**SMALL, "epochs": 2})
    train(config, tmp_path / "whole", progress=False)
    calls = 0

    def replace(source, target):
        nonlocal calls
        calls += 1
        if calls == moment:
            raise KeyboardInterrupt
        os.rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("rrsitr_lib.files.os.replace", replace)
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path / "cut", progress=False)
    train(config, tmp_path / "cut", progress=False)
    assert_same_run(tmp_path / "cut", tmp_path / "whole")


def test_a_full_disk_is_said_and_leaves_the_run_resumable(undisturbed, tmp_path):
    folder = tmp_path / "run"
    limit = 4_000_000  # bytes: less than a checkpoint

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    failed = subprocess.run([*COMMAND, "--out", str(folder)], capture_output=True, text=True, preexec_fn=small_files)
    last = failed.stderr.strip().splitlines()[-1]
    assert failed.returncode == 1
    assert last.startswith("error: cannot write") and "last.safetensors" in last
    assert not list(folder.rglob("*.tmp"))
    subprocess.run([*COMMAND, "--out", str(folder)], check=True, capture_output=True)
    assert_same_run(folder, undisturbed)


def test_a_loss_that_is_not_finite_names_pairs_and_keeps_the_last_good_checkpoint(tmp_path, monkeypatch):
    def explode_in_epoch_two(trainer, epoch, last, on_step):
        if epoch == 1:
            for parameter in trainer.model.parameters():
                parameter.data.fill_(torch.nan)
        return train_epoch(trainer, epoch, last, on_step)

    train_epoch = Trainer.train_epoch
    monkeypatch.setattr(Trainer, "train_epoch", explode_in_epoch_two)
    with pytest.raises(
        RunError, match=r"epoch 2: loss or gradient not finite for 40 pairs: row \d+ \(.*checkpoint of epoch 1"
    ):
        train(RunConfig.build(**SMALL), tmp_path, progress=False)
    tensors, state = load_checkpoint(tmp_path / "last.safetensors")
    assert len(state["metrics"]) == 1
    assert all(tensor.isfinite().all() for tensor in tensors.values())


def test_a_finished_run_is_not_trained_again(tmp_path, monkeypatch):
    config = RunConfig.build(**{**SMALL, "epochs": 1})
    first = train(config, tmp_path / "run", progress=False)
    monkeypatch.setattr(run_module, "Run", None)
    assert train(config, tmp_path / "run", progress=False) == first


def test_another_configuration_is_refused_and_named(tmp_path):
    train(RunConfig.build(**{**SMALL, "epochs": 1}), tmp_path / "run", progress=False)
    with pytest.raises(InputError, match=r"holds a run with seed 3 there, 4 now"):
        train(RunConfig.build(**{**SMALL, "epochs": 1, "seed": 4}), tmp_path / "run", progress=False)
    with pytest.raises(InputError, match="--no-resume"):
        train(RunConfig.build(**{**SMALL, "epochs": 1}), tmp_path / "run", progress=False, resume=False)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"not empty and not a run \(it holds thesis.txt\)"):
        train(RunConfig.build(**SMALL), tmp_path, progress=False)
    assert [path.name for path in tmp_path.iterdir() if path.name != ".lock"] == ["thesis.txt"]


def test_two_processes_do_not_train_one_run(tmp_path):
    from filelock import FileLock

    (tmp_path / "run").mkdir()
    with FileLock(tmp_path / "run" / ".lock"), pytest.raises(RunError, match="another process is training this run"):
        train(RunConfig.build(**SMALL), tmp_path / "run", progress=False)


def test_every_pair_is_in_every_epoch_and_the_rest_is_scored_only(undisturbed):
    ledger = Ledger.open(undisturbed)
    assert (ledger.epochs, ledger.pairs) == (4, 205)
    assert ledger.column("trained").sum(axis=1).tolist() == [200] * 4
    assert (np.asarray(ledger.column("loss")) > 0).all()
    np.testing.assert_allclose(
        ledger.column("loss"), ledger.column("loss_global") + ledger.column("loss_local"), rtol=1e-5
    )
    weight, category, loss = (np.asarray(ledger.column(name)) for name in ("weight", "category", "loss"))
    np.testing.assert_array_equal(category, (loss >= 5).astype(int) + (loss >= 18))
    assert (weight[0] == 1).all()  # the plain epoch
    gamma = np.where(category == 0, 5, 18)
    expected = np.where(category == 2, 0, np.cos(np.pi * np.minimum(loss, gamma) / (2 * gamma)))
    np.testing.assert_allclose(weight[1:], expected[1:], atol=1e-5)
    assert ledger.config["seed"] == 3


def test_the_run_can_be_explored_and_evaluated_without_training(undisturbed):
    table = ledger_table(undisturbed)
    assert table["loss"].is_monotonic_decreasing and {"image", "caption", "mismatched"} <= set(table.columns)
    model, inputs, config = open_run(undisturbed)
    assert config.seed == 3 and len(inputs["test"].table) == 100
    assert evaluate(model, inputs["test"], config) == read_json(undisturbed / "result.json")["test"]


@pytest.mark.parametrize("partition", ["quantile", "gmm2", "gmm3"])
def test_partitions_over_all_pairs_replace_the_thresholds(partition, tmp_path):
    config = RunConfig.build(**{**SMALL, "epochs": 2, "warmup_fraction": 0.0, "partition": partition})
    train(config, tmp_path, progress=False)
    category = np.asarray(Ledger.open(tmp_path).column("category"))
    if partition == "quantile":
        np.testing.assert_allclose(np.bincount(category[1], minlength=3) / 205, [0.5, 0.2, 0.3], atol=0.01)
    if partition == "gmm2":
        assert set(np.unique(category[1])) <= {0, 2}


def test_a_batch_larger_than_the_table_is_refused(tmp_path):
    with pytest.raises(InputError, match="batch_size is 300, but train has 205 rows"):
        train(RunConfig.build(**{**SMALL, "batch_size": 300}), tmp_path / "run", progress=False)


def test_dropout_draws_the_same_numbers_after_an_interruption(tmp_path, monkeypatch):
    def with_dropout(*arguments):
        encoder = build_encoder(*arguments)
        for block in encoder.model.transformer.resblocks:
            block.mlp.append(torch.nn.Dropout(0.5))
        return encoder

    monkeypatch.setattr("rrsitr_lib.training.build.build_encoder", with_dropout)
    assert_goes_on(RunConfig.build(**{**SMALL, "epochs": 3}), tmp_path, 2)


def test_training_leaves_torch_s_own_generator_alone(tmp_path):
    torch.manual_seed(11)
    expected = torch.rand(1)
    torch.manual_seed(11)
    train(RunConfig.build(**{**SMALL, "epochs": 1}), tmp_path / "run", progress=False)
    assert torch.rand(1) == expected


def test_random_weights_are_drawn_anew_each_epoch(tmp_path):
    ambiguous = {"weight_order": "random", "warmup_fraction": 0.0, "gamma_1": 0.0, "gamma_2": 1e3, "epochs": 2}
    train(RunConfig.build(**SMALL | ambiguous), tmp_path / "run", progress=False)
    weights = Ledger.open(tmp_path / "run").column("weight")
    assert np.ptp(weights[0]) > 0.5 and not np.array_equal(weights[0], weights[1])
