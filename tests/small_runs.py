"""Small runs: their configuration, how one is cut short, and when two are the same to the bit."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from rrsitr_lib.training.checkpoint import load_checkpoint
from rrsitr_lib.training.ledger import Ledger
from rrsitr_lib.training.run import train
from rrsitr_lib.training.trainer import Trainer

SMALL = {"encoder": "tiny", "weights": "none", "scenes": 41, "batch_size": 40, "epochs": 2, "noise_rate": 0.4}


def interrupted(config, folder, epoch):
    """Training ends as by Ctrl-C, with ``epoch`` epochs committed."""

    def stop(trainer, number, *arguments):
        if number == epoch:
            raise KeyboardInterrupt
        return train_epoch(trainer, number, *arguments)

    train_epoch = Trainer.train_epoch
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "train_epoch", stop)
        train(config, folder, progress=False)


def assert_goes_on(config, folder):
    """A run that is cut short after its first epoch ends as one that is not; gives the ledger and the result."""
    result = train(config, folder / "whole", progress=False)
    interrupted(config, folder / "parts", 1)
    torch.rand(7)  # a process that goes on has drawn other numbers than one that never stopped
    train(config, folder / "parts", progress=False)
    assert_same_run(folder / "parts", folder / "whole")
    return Ledger.open(folder / "whole"), result


def assert_same_run(folder, other):
    """Weights, optimizer, ledger, metrics, history and result, to the bit; only times may differ."""
    for name in ("last.safetensors", "best.safetensors"):
        (tensors, state), (expected, expected_state) = load_checkpoint(folder / name), load_checkpoint(other / name)
        assert tensors.keys() == expected.keys()
        assert all(torch.equal(tensors[key], expected[key]) for key in expected)
        assert all(state.get(key) == expected_state.get(key) for key in ("epoch", "scaler"))
    ledger, expected = Ledger.open(folder), Ledger.open(other)
    assert ledger.epochs == expected.epochs
    for column in expected.columns:
        np.testing.assert_array_equal(ledger.column(column), expected.column(column))
    metrics, expected = (pd.read_csv(path / "metrics.csv").drop(columns="seconds") for path in (folder, other))
    pd.testing.assert_frame_equal(metrics, expected)
    result, expected = (json.loads((path / "result.json").read_text()) for path in (folder, other))
    assert {**result, "seconds": 0} == {**expected, "seconds": 0}
    history, expected = (
        {path.name: path.read_bytes() for path in (run / "embeddings").iterdir()} for run in (folder, other)
    )
    assert history == expected
    assert not list(folder.rglob("*.tmp"))
