"""A run that is cut off within an epoch goes on at its last checkpoint, and ends as one that was not."""

import shutil

import pytest
import torch
from small_runs import SMALL, assert_same_run, interrupted

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.training.midway import FILE, Clock, Midway, newest
from rrsitr_lib.training.run import train
from rrsitr_lib.training.trainer import Trainer

CONFIG = RunConfig.build(**SMALL)
OFTEN = CONFIG.model_copy(update={"checkpoint_minutes": 1e-9})
pytestmark = pytest.mark.usefixtures("few_scenes")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, few_scenes):
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(CONFIG, folder, progress=False)
    return folder


def cut_off(config, folder, step):
    """Training ends as by Ctrl-C in the step of that number, over all epochs."""

    def stop(trainer, *arguments):
        if trainer.steps_done == step:
            raise KeyboardInterrupt
        return one_step(trainer, *arguments)

    one_step = Trainer.step
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "step", stop)
        train(config, folder, progress=False)


@pytest.fixture
def steps(monkeypatch):
    """Numbers of the steps that are made."""
    made, one_step = [], Trainer.step
    monkeypatch.setattr(Trainer, "step", lambda one, *rest: (made.append(one.steps_done), one_step(one, *rest))[1])
    return made


@pytest.mark.parametrize(("step", "epochs"), [(2, 0), (8, 1)], ids=["first epoch", "second"])
def test_only_the_steps_after_the_checkpoint_are_made_again(whole, tmp_path, steps, step, epochs):
    cut_off(OFTEN, tmp_path / "run", step)
    assert newest(tmp_path / "run").begun.steps == step - 5 * epochs
    steps.clear()
    train(OFTEN, tmp_path / "run", progress=False)
    assert steps == [*range(step, 10)]
    assert_same_run(tmp_path / "run", whole)
    assert not (tmp_path / "run" / FILE).exists()


def test_before_the_first_checkpoint_of_an_epoch_its_beginning_is_gone_on_from(whole, tmp_path, steps):
    cut_off(CONFIG, tmp_path / "run", 8)
    assert not (tmp_path / "run" / FILE).exists()
    steps.clear()
    train(CONFIG, tmp_path / "run", progress=False)
    assert steps == [*range(5, 10)]
    assert_same_run(tmp_path / "run", whole)


def test_what_a_kill_left_of_an_epoch_that_is_committed_is_not_gone_on_from(whole, tmp_path):
    cut_off(OFTEN, tmp_path / "run", 2)
    old = shutil.copy(tmp_path / "run" / FILE, tmp_path / "old")
    interrupted(CONFIG, tmp_path / "run", 1)
    shutil.copy(old, tmp_path / "run" / FILE)
    assert newest(tmp_path / "run").begun is None
    train(CONFIG, tmp_path / "run", progress=False)
    assert_same_run(tmp_path / "run", whole)


def test_a_damaged_checkpoint_is_named(tmp_path):
    cut_off(OFTEN, tmp_path / "run", 2)
    content = bytearray((tmp_path / "run" / FILE).read_bytes())
    content[-1] ^= 1
    (tmp_path / "run" / FILE).write_bytes(content)
    with pytest.raises(InputError, match=FILE):
        train(OFTEN, tmp_path / "run", progress=False)


def test_the_clock_strikes_every_so_many_minutes(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("rrsitr_lib.training.midway.time.monotonic", lambda: now[0])
    clock = Clock(minutes=2)
    struck = []
    for seconds in (60, 60, 60, 59, 2):
        now[0] += seconds
        struck.append(clock.strikes())
    assert struck == [False, True, False, False, True]


def test_steps_whose_loss_is_not_finite_are_not_kept(tmp_path, monkeypatch):
    """On a GPU nobody asks before the epoch ends."""

    def diverge(trainer, epoch, last, on_step, begun):
        on_step(Midway(2, torch.tensor([1.0, torch.nan, 0.0, 0.0, 0.0]), {}))
        raise RunError("not finite")

    monkeypatch.setattr(Trainer, "train_epoch", diverge)
    with pytest.raises(RunError, match="not finite"):
        train(OFTEN, tmp_path / "run", progress=False)
    assert not (tmp_path / "run" / FILE).exists() and newest(tmp_path / "run") is None
