"""Checkpoints written by a thread: of a copy, one at a time, errors raised, nothing left unwritten at the end."""

import threading

import pytest
import torch
from small_runs import SMALL, assert_same_run

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import RunError
from rrsitr_lib.training import run as run_module
from rrsitr_lib.training.checkpoint_writer import CheckpointWriter
from rrsitr_lib.training.run import train
from rrsitr_lib.training.trainer import Trainer


def test_what_is_written_is_a_copy_and_the_next_waits_for_it():
    go_on, written = threading.Event(), []
    weight = torch.ones(3, 4).T

    def write(tensors):
        assert go_on.wait(60)
        written.append(tensors["w"].clone())
        assert tensors["w"].stride() == weight.stride()

    with CheckpointWriter() as writer:
        writer.write({"w": weight}, write)
        weight.zero_()
        assert not written
        go_on.set()
        writer.write({"w": weight}, write)
    assert torch.equal(written[0], torch.ones(4, 3)) and torch.equal(written[1], torch.zeros(4, 3))


def fail(tensors):
    raise RunError("no space left")


def test_an_error_is_raised_by_the_next_write_and_at_the_end():
    with pytest.raises(RunError, match="no space"), CheckpointWriter() as writer:
        writer.write({}, fail)
    with pytest.raises(RunError, match="no space"), CheckpointWriter() as writer:
        writer.write({}, fail)
        writer.write({}, lambda tensors: pytest.fail("not after an error"))


def test_an_end_in_between_finishes_what_is_under_way_and_stays_what_it_is():
    written = []
    with pytest.raises(KeyboardInterrupt), CheckpointWriter() as writer:
        writer.write({"w": torch.ones(1)}, lambda tensors: written.append(tensors) or fail(tensors))
        raise KeyboardInterrupt
    assert written


def test_the_next_epoch_trains_while_the_last_one_is_written(tmp_path, monkeypatch, few_scenes):
    config, begun, seen = RunConfig.build(**SMALL), threading.Event(), []
    save, step = run_module.save_checkpoint, Trainer.step

    def late(path, tensors, state):
        if path.name == "last.safetensors" and len(state["metrics"]) == 2:
            seen.append(begun.wait(120))
        return save(path, tensors, state)

    def noted(trainer, *arguments):
        if trainer.steps_done >= trainer.steps:
            begun.set()
        return step(trainer, *arguments)

    train(config, tmp_path / "one", progress=False)
    monkeypatch.setattr(run_module, "save_checkpoint", late)
    monkeypatch.setattr(Trainer, "step", noted)
    train(config, tmp_path / "two", progress=False)
    assert seen == [True]
    assert_same_run(tmp_path / "two", tmp_path / "one")
