"""Early stopping: when it stops, that it stays stopped, and that a stopped epoch moves no weight."""

import numpy as np
import pytest
import torch
from drawn_batch import assert_same, built, drawn_batch
from pydantic import ValidationError
from small_runs import SMALL

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import inject_noise, open_data
from rrsitr_lib.methods.contrastive import Contrastive
from rrsitr_lib.methods.stopping import Stopping, StoppingSettings, noisy_share
from rrsitr_lib.training.build import build_model
from rrsitr_lib.training.checkpoint import training_tensors
from rrsitr_lib.training.trainer import Trainer


def losses_with(noisy):
    """100 losses, two heaps, ``noisy`` of them in the upper one."""
    spread = np.linspace(-0.5, 0.5, 100)
    return (np.where(np.arange(100) < noisy, 20.0, 5.0) + spread).astype(np.float32)


def record_of(method, noisy, counted=True):
    """What the ledger holds of an epoch of this method in which so many losses were large."""
    columns = {"loss": losses_with(noisy), "weight": np.full(100, float(counted), np.float32)}
    return columns | {"most_noisy": np.full(100, method.most_noisy, np.float32)}


def stops_at(*noisy, **settings):
    """The epoch, from 0, that is the first one that is scored only; None where all are trained."""
    method, record = built(Stopping, **settings), None
    for epoch in range(len(noisy) + 1):
        method = built(Stopping, **settings)  # as a run that goes on: nothing but the record is known
        method.begin_epoch(epoch, record)
        if method.stopped:
            return epoch
        record = record_of(method, noisy[epoch]) if epoch < len(noisy) else None
    return None


@pytest.mark.parametrize("noisy", [10, 40])
def test_the_share_is_that_of_the_upper_heap(noisy):
    assert noisy_share(losses_with(noisy), seed=3) == pytest.approx(noisy / 100, abs=1e-6)


def test_it_stops_when_the_share_falls_below_its_largest():
    assert stops_at(30, 40, 39, 37) == 4, "38 is within the tolerance of 0.02"
    assert stops_at(30, 40, 37) == 3 and stops_at(40, 30) == 2
    assert stops_at(30, 29, 29, 28, tolerance=0.015) == 4, "the largest is remembered over the epochs"
    assert stops_at(10, 20, 30, 40) is None and stops_at(40) is None


def test_the_tolerance_is_a_share_of_the_pairs():
    assert stops_at(40, 39, tolerance=0.0) == 2 and stops_at(40, 25, tolerance=0.2) is None
    assert stops_at(40, 15, tolerance=0.2) == 2


def test_it_stays_stopped_whatever_the_losses_say():
    method = built(Stopping)
    method.begin_epoch(5, record_of(method, noisy=90, counted=False))
    assert method.stopped and method.most_noisy == pytest.approx(0.9, abs=1e-6)


def test_after_a_warm_up_it_begins_anew():
    method = built(Stopping)
    record = record_of(method, noisy=40)
    del record["most_noisy"]
    method.begin_epoch(3, record)
    assert not method.stopped and method.most_noisy == pytest.approx(0.4, abs=1e-6)


def test_before_it_stops_it_is_contrastive_training_and_then_nothing_counts():
    leaves, batch = drawn_batch()
    method = built(Stopping)
    method.begin_epoch(0, None)
    found, plain = method.objective(batch), built(Contrastive).objective(batch)
    assert_same(found.total, plain.total, leaves)
    assert found.weight.tolist() == [1.0] * 24 and found.columns["most_noisy"].tolist() == [0.0] * 24
    method.stopped, method.most_noisy = True, 0.25
    found = method.objective(batch)
    assert found.total.item() == 0 and found.weight.tolist() == [0.0] * 24
    assert torch.equal(found.pair_loss, plain.pair_loss) and found.columns["most_noisy"].tolist() == [0.25] * 24


@pytest.mark.usefixtures("few_scenes")
def test_a_stopped_epoch_is_scored_and_moves_no_weight():
    config = RunConfig.build(**SMALL | {"method": "stopping"})
    data = open_data(config)
    noise = inject_noise(config, data["train"].table)
    model, inputs = build_model(config, data)
    trainer = Trainer(config, model, inputs["train"], noise)
    first, objective = trainer.train_epoch(0, None)
    before = {name: tensor.clone() for name, tensor in training_tensors(model, trainer.optimizer).items()}
    assert first["trained"].sum() == 200 and first["weight"].all() and objective > 0
    fell = {**first, "most_noisy": np.ones(205, np.float32)}
    second, objective = trainer.train_epoch(1, fell)
    assert trainer.method.stopped and not second["trained"].any() and not second["weight"].any() and objective == 0
    assert (second["loss"] > 0).all() and (second["most_noisy"] == 1).all()
    after = training_tensors(model, trainer.optimizer)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before), "weights, momentum, steps"


@pytest.mark.parametrize("tolerance", [-0.1, 1.1])
def test_a_tolerance_out_of_range_is_refused(tolerance):
    with pytest.raises(ValidationError, match="tolerance"):
        StoppingSettings(tolerance=tolerance)
