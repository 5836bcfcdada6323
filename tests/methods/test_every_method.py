"""What every registered method promises: no wait in a step, the same bits after an interruption, a whole record."""

import json

import numpy as np
import pytest
import torch
from small_runs import SMALL, assert_goes_on
from waits import Waits

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import inject_noise, open_data
from rrsitr_lib.methods import METHODS, Batch, Method, Objective
from rrsitr_lib.methods.base import column_of
from rrsitr_lib.methods.partition import CLEAN
from rrsitr_lib.show.explorers.tabs import EXPLORERS, open_explorer
from rrsitr_lib.training import run as run_module
from rrsitr_lib.training.batches import RowBatches
from rrsitr_lib.training.build import build_model
from rrsitr_lib.training.checkpoint import restore_training, training_tensors
from rrsitr_lib.training.epoch_buffer import EpochBuffer
from rrsitr_lib.training.evaluate import Networks
from rrsitr_lib.training.ledger import COLUMNS
from rrsitr_lib.training.midway import Midway
from rrsitr_lib.training.run import train
from rrsitr_lib.training.run_folder import open_run
from rrsitr_lib.training.trainer import Trainer

VARIANTS = {
    "rrsitr by quantiles": {"method": "rrsitr", "partition": "quantile", "gamma_schedule": "quantile"},
    "rrsitr by mixture, random weights": {"method": "rrsitr", "partition": "gmm2", "weight_order": "random"},
    "rrsitr after a warm-up": {"method": "rrsitr", "warmup_fraction": 0.5},
    "rrsitr by three clusters, with paper padding": {"method": "rrsitr", "pad_tokens": "paper", "partition": "gmm3"},
    "ncr without noisy pairs": {"method": "ncr", "noisy_from": 1.0},
    "crcl with labels from the start": {"method": "crcl", "frozen_epochs": 0},
    "decl without a warm-up": {"method": "decl", "warmup_epochs": 0},
    "ebaker from the second epoch on": {"method": "ebaker", "all_pairs_epochs": 1, "dropped_share": 0.2},
}
EVERY = {**{name: {"method": name} for name in METHODS}, **VARIANTS}
every_method = pytest.mark.parametrize("given", [pytest.param(given, id=name) for name, given in EVERY.items()])


pytestmark = pytest.mark.usefixtures("few_scenes")


class Twins(Method):
    """Two networks, of which each counts the pairs that the other one has a small loss for."""

    networks = 2
    columns = {"kept": "|b1"}  # noqa: RUF012

    def begin_epoch(self, epoch, record):
        self.kept = None
        if record is not None:
            losses = record["loss"], record["loss_network_1"]
            self.kept = [torch.from_numpy(loss < np.median(loss)) for loss in reversed(losses)]

    def objective(self, batch: Batch) -> Objective:
        losses = batch.pair_loss(self.settings)
        kept = torch.ones_like(losses.total, dtype=torch.bool)
        if self.kept is not None:
            kept = self.kept[batch.network][batch.rows]
        ((image, text),) = batch.others
        assert not image.pooled.requires_grad and text.tokens.shape == batch.text.tokens.shape
        category = torch.full_like(batch.rows, CLEAN)
        return Objective.of(losses, kept * losses.total, kept.float(), category, kept=kept)


@pytest.fixture
def twins(monkeypatch):
    """A method that is registered from elsewhere, with two networks and a column of its own."""
    monkeypatch.setitem(METHODS._entries, "twins", Twins)
    return {"method": "twins"}


def waits_of(config, step_of=lambda trainer: trainer.step):
    """What one step of the second epoch waits for; the optimizer is the fused one, as on a GPU."""
    data = open_data(config)
    noise = inject_noise(config, data["train"].table)
    model, inputs = build_model(config, data)
    trainer = Trainer(config, model, inputs["train"], noise)
    for group in trainer.optimizer.param_groups:
        group["fused"] = True
    record, _ = trainer.train_epoch(0, None)
    method = trainer.method_of(1)
    method.begin_epoch(1, record)
    rows = np.random.default_rng(0).permutation(205)[:40]
    batch = RowBatches(inputs["train"], noise.caption_index)[1, rows]
    buffer = EpochBuffer(205, trainer.columns, trainer.device)
    with Waits() as waits:
        step_of(trainer)(method, buffer, torch.from_numpy(rows), *batch)
    return waits.seen


@every_method
def test_a_step_waits_for_nothing(given):
    assert waits_of(RunConfig.build(**SMALL | given)) == []


def test_a_step_of_two_networks_waits_for_nothing(twins):
    assert waits_of(RunConfig.build(**SMALL | twins)) == []


def test_a_wait_would_be_seen():
    def careless(trainer):
        return lambda *arguments: float(trainer.step(*arguments))

    assert waits_of(RunConfig.build(**SMALL), careless) == ["_local_scalar_dense"]


def assert_explorers_open(folder):
    """Every explorer of a run opens it, and the weights' another schedule too."""
    for name in EXPLORERS:
        opened = open_explorer(name, folder)
        assert opened.figure is not None and not opened.message, (name, opened.message)
    compared = open_explorer("compare", folder, other=folder)
    assert "0 pairs have another category" in compared.text.value
    weights = open_explorer("weights", folder, schedule="linear")
    assert "by RRSITR's" in weights.text.value and np.isfinite(weights.map("loss", "linear", 0.5).weight).all()


@every_method
def test_every_method_goes_on_to_the_same_bits(given, tmp_path):
    config = RunConfig.build(**SMALL | given)
    ledger, result = assert_goes_on(config, tmp_path)
    method = METHODS[config.method]
    own = {column_of(name, number) for number in range(method.networks) for name in ("loss", *method.columns)}
    assert set(ledger.columns) == {*COLUMNS, *own, "mismatched"} and ledger.epochs == 2
    assert np.isfinite(ledger.column("loss")).all() and np.isin(ledger.column("category"), (0, 1, 2)).all()
    weight = np.asarray(ledger.column("weight"))
    assert weight.min() >= 0 and weight.max() <= 1
    assert (result["method"], result["networks"]) == (config.method, method.networks)
    assert_explorers_open(tmp_path / "whole")
    if given.get("partition") == "quantile":
        shares = np.bincount(ledger.column("category")[1], minlength=3) / 205
        np.testing.assert_allclose(shares, [0.5, 0.2, 0.3], atol=0.01)
    if given.get("partition") == "gmm2":
        assert set(np.unique(ledger.column("category")[1])) <= {0, 2}


def test_two_networks_are_trained_recorded_and_averaged(twins, tmp_path):
    config = RunConfig.build(**SMALL | twins)
    ledger, result = assert_goes_on(config, tmp_path)
    first, second = (np.asarray(ledger.column(name)) for name in ("loss", "loss_network_1"))
    assert not np.array_equal(first, second), "two networks from two seeds"
    kept = np.asarray(ledger.column("kept"))
    assert kept[0].all() and kept[1].mean() == pytest.approx(0.5, abs=0.02)
    np.testing.assert_array_equal(kept[1], second[0] < np.median(second[0]))
    np.testing.assert_array_equal(ledger.column("kept_network_1")[1], first[0] < np.median(first[0]))
    assert result["networks"] == json.loads((tmp_path / "whole" / "run.json").read_text())["networks"] == 2
    model, inputs, _ = open_run(tmp_path / "whole")
    assert isinstance(model, Networks) and len(model) == 2
    both = run_module.evaluate(model, inputs["test"], config)
    assert both == pytest.approx(result["test"])
    assert both != run_module.evaluate(model[0], inputs["test"], config)


@every_method
def test_an_epoch_that_is_cut_off_goes_on_at_its_step_to_the_same_bits(given):
    """A method keeps nothing from step to step that a new process would not have."""
    config = RunConfig.build(**SMALL | given)
    data = open_data(config)
    noise, saved = inject_noise(config, data["train"].table), {}

    def trainer():
        model, inputs = build_model(config, data)
        return Trainer(config, model, inputs["train"], noise)

    def cut_off(midway):
        if midway.steps == 3:
            columns = {name: column.clone() for name, column in midway.columns.items()}
            saved["begun"] = Midway(3, midway.totals.clone(), columns)
            tensors = training_tensors(whole.model, whole.optimizer)
            saved["tensors"] = {name: tensor.clone() for name, tensor in tensors.items()}

    whole, parts = trainer(), trainer()
    first, _ = whole.train_epoch(0, None)
    expected, objective = whole.train_epoch(1, first, cut_off)
    restore_training(parts.model, parts.optimizer, saved["tensors"])
    record, other = parts.train_epoch(1, first, begun=saved["begun"])
    assert objective == other and len(saved["begun"].totals) == 5
    for name, column in expected.items():
        np.testing.assert_array_equal(record[name], column, name)
    pairs = zip(whole.model.parameters(), parts.model.parameters(), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)


def test_two_networks_from_one_pretrained_start_are_two():
    """They see the same batches: were they equal, each would judge itself."""
    config = RunConfig.build(**SMALL | {"method": "ncr2", "weights": None, "epochs": 1})
    data = open_data(config)
    model, inputs = build_model(config, data)
    record, _ = Trainer(config, model, inputs["train"], inject_noise(config, data["train"].table)).train_epoch(0, None)
    first, second = record["loss"], record["loss_network_1"]
    assert 0.1 < np.abs(first - second).mean() < 5
    alone, _ = build_model(config.model_copy(update={"method": "ncr"}), data)
    again, _ = build_model(config, data)
    assert all(torch.equal(one, other) for one, other in zip(alone.parameters(), again[0].parameters(), strict=True))
    recalls = [run_module.evaluate(network.eval(), inputs["val"], config)["mR"] for network in again]
    assert abs(recalls[0] - recalls[1]) < 8, "both can do what the start can"


def test_columns_that_the_warm_up_left_empty_are_not_handed_on():
    config = RunConfig.build(**SMALL | {"method": "ncr", "warmup_fraction": 0.5})
    data = open_data(config)
    noise = inject_noise(config, data["train"].table)
    model, inputs = build_model(config, data)
    trainer = Trainer(config, model, inputs["train"], noise)
    record, _ = trainer.train_epoch(0, None)
    assert not record["hinge"].any(), "contrastive records no hinge"
    record, _ = trainer.train_epoch(1, record)
    assert trainer.method.clean is None and record["hinge"].any(), "NCR warms up, and does not fit a mixture to zeros"
    trainer.train_epoch(2, record)
    assert trainer.method.clean is not None


def test_two_networks_in_slices_and_over_heads(twins, tmp_path, cache):
    for name, given in {"slices": {"gradient_slice": 15}, "heads": {"train": "heads"}}.items():
        config = RunConfig.build(**SMALL | twins | given | {"epochs": 1})
        assert train(config, tmp_path / name, progress=False)["networks"] == 2
