"""A run is determined by its configuration, and ends in the same bits however often it is interrupted."""

import multiprocessing
import os
import random
import resource
import shutil
import time

import numpy as np
import pytest
import small_runs
import torch
from filelock import FileLock
from small_runs import assert_goes_on, assert_same_run
from test_cli import rrsitr

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.experiments.ledger_table import ledger_table
from rrsitr_lib.files import read_json, sealed, write_json
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.training import run as run_module
from rrsitr_lib.training.checkpoint import load_checkpoint
from rrsitr_lib.training.embedding_history import EmbeddingHistory
from rrsitr_lib.training.evaluate import evaluate
from rrsitr_lib.training.ledger import Ledger
from rrsitr_lib.training.run import train
from rrsitr_lib.training.run_folder import open_run
from rrsitr_lib.training.trainer import Trainer

SMALL = {**small_runs.SMALL, "epochs": 4, "warmup_fraction": 0.25, "seed": 3}
SHORT = {**SMALL, "epochs": 2}
CONFIG = RunConfig.build(**SMALL)
pytestmark = pytest.mark.usefixtures("few_scenes")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, few_scenes):
    """The same run without interruption."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    train(CONFIG, folder, progress=False)
    return folder


def test_kill_9_at_five_random_moments_resumes_to_the_same_bits(undisturbed, tmp_path):
    processes, moments = multiprocessing.get_context("forkserver"), random.Random(7)
    processes.set_forkserver_preload(["rrsitr_lib.training.run"])
    for _ in range(5):
        before, deadline = _epochs(tmp_path), time.monotonic() + 120
        process = processes.Process(target=train, args=(CONFIG, tmp_path), kwargs={"progress": False})
        process.start()
        while _epochs(tmp_path) == before and process.is_alive() and time.monotonic() < deadline:
            time.sleep(moments.uniform(0.01, 0.1))
        time.sleep(moments.uniform(0.0, 0.4))
        process.kill()
        process.join()
    train(CONFIG, tmp_path, progress=False)
    assert_same_run(tmp_path, undisturbed)


def _epochs(folder):
    try:
        return read_json(folder / "ledger" / "header.json")["epochs"]
    except (OSError, InputError):
        return -1


@pytest.fixture(scope="module")
def short(tmp_path_factory, few_scenes):
    """A run of two epochs."""
    folder = tmp_path_factory.mktemp("short") / "run"
    train(RunConfig.build(**SHORT), folder, progress=False)
    return folder


@pytest.mark.parametrize("moment", [3, 6, 8, 9, 11])
def test_an_end_at_any_rename_resumes_to_the_same_bits(short, moment, tmp_path, monkeypatch):
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
            train(RunConfig.build(**SHORT), tmp_path, progress=False)
    train(RunConfig.build(**SHORT), tmp_path, progress=False)
    assert_same_run(tmp_path, short)


def test_a_full_disk_is_said_and_leaves_the_run_resumable(short, tmp_path, capsys):
    path, (soft, hard) = tmp_path / "short.yaml", resource.getrlimit(resource.RLIMIT_FSIZE)
    path.write_text(RunConfig.build(**SHORT).to_yaml())
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, hard))  # bytes: less than a checkpoint
    try:
        assert rrsitr("train", "--config", path, "--out", tmp_path / "run") == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("error: cannot write") and "last.safetensors" in last
    assert not list(tmp_path.rglob("*.tmp"))
    assert rrsitr("train", "--config", path, "--out", tmp_path / "run") == 0
    assert_same_run(tmp_path / "run", short)


def test_a_loss_that_is_not_finite_names_pairs_and_keeps_the_last_good_checkpoint(tmp_path, monkeypatch):
    def explode_in_epoch_two(trainer, epoch, last, *others):
        if epoch == 1:
            for parameter in trainer.model.parameters():
                parameter.data.fill_(torch.nan)
        return train_epoch(trainer, epoch, last, *others)

    train_epoch = Trainer.train_epoch
    monkeypatch.setattr(Trainer, "train_epoch", explode_in_epoch_two)
    with pytest.raises(
        RunError, match=r"epoch 2: loss or gradient not finite for 40 pairs: row \d+ \(.*checkpoint of epoch 1"
    ):
        train(CONFIG, tmp_path, progress=False)
    tensors, state = load_checkpoint(tmp_path / "last.safetensors")
    assert [row["epoch"] for row in state["metrics"]] == [0, 1]
    assert all(tensor.isfinite().all() for tensor in tensors.values())


def test_a_finished_run_is_not_trained_again(undisturbed, monkeypatch):
    monkeypatch.setattr(run_module, "Run", None)
    assert train(CONFIG, undisturbed, progress=False) == read_json(undisturbed / "result.json")


def test_another_configuration_is_refused_and_named(undisturbed):
    with pytest.raises(InputError, match=r"holds a run with seed 3 there, 4 now"):
        train(RunConfig.build(**{**SMALL, "seed": 4}), undisturbed, progress=False)
    with pytest.raises(InputError, match="--no-resume"):
        train(CONFIG, undisturbed, progress=False, resume=False)


def test_a_run_of_an_earlier_version_is_not_taken_for_one_of_this(undisturbed, tmp_path):
    copy = shutil.copytree(undisturbed, tmp_path / "run")
    facts = {name: value for name, value in read_json(copy / "run.json").items() if name != "identity"}
    write_json(copy / "run.json", sealed(facts))
    with pytest.raises(InputError, match="holds a run of an earlier version"):
        train(CONFIG, copy, progress=False)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"not empty and not a run \(it holds thesis.txt\)"):
        train(CONFIG, tmp_path, progress=False)
    assert [path.name for path in tmp_path.iterdir() if path.name != ".lock"] == ["thesis.txt"]


def test_two_processes_do_not_train_one_run(tmp_path):
    with FileLock(tmp_path / ".lock"), pytest.raises(RunError, match="another process is training this run"):
        train(CONFIG, tmp_path, progress=False)


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
    assert config.seed == 3 and len(inputs["test"].table) == 150
    assert evaluate(model, inputs["test"], config) == read_json(undisturbed / "result.json")["test"]
    history = EmbeddingHistory.open(undisturbed, epochs=4)
    assert history.image.shape[:2] == (5, 41) and not np.array_equal(history.image[0], history.image[1])


def test_a_batch_larger_than_the_table_is_refused(tmp_path):
    with pytest.raises(InputError, match="batch_size is 300, but train has 205 rows"):
        train(RunConfig.build(**{**SMALL, "batch_size": 300}), tmp_path, progress=False)


def test_dropout_draws_the_same_numbers_after_an_interruption(tmp_path, monkeypatch):
    def with_dropout(*arguments):
        encoder = build_encoder(*arguments)
        for block in encoder.model.transformer.resblocks:
            block.mlp.append(torch.nn.Dropout(0.5))
        return encoder

    monkeypatch.setattr("rrsitr_lib.training.build.build_encoder", with_dropout)
    assert_goes_on(RunConfig.build(**SHORT), tmp_path)


def test_random_weights_are_drawn_anew_each_epoch_and_torch_s_own_generator_is_left_alone(tmp_path):
    torch.manual_seed(11)
    expected = torch.rand(1)
    torch.manual_seed(11)
    ambiguous = {"weight_order": "random", "warmup_fraction": 0.0, "gamma_1": 0.0, "gamma_2": 1e3}
    train(RunConfig.build(**SHORT | ambiguous), tmp_path, progress=False)
    assert torch.rand(1) == expected
    weights = Ledger.open(tmp_path).column("weight")
    assert np.ptp(weights[0]) > 0.5 and not np.array_equal(weights[0], weights[1])
