"""Two contrastive networks that never meet: each learns what it would alone."""

import numpy as np
import pytest
from small_runs import SMALL

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import inject_noise, open_data
from rrsitr_lib.training.build import build_model
from rrsitr_lib.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("few_scenes")


def record_of(method):
    """Ledger rows of two epochs, trained one after the other."""
    config, last = RunConfig.build(**SMALL, method=method), None
    data = open_data(config)
    model, inputs = build_model(config, data)
    trainer = Trainer(config, model, inputs["train"], inject_noise(config, data["train"].table))
    for epoch in range(2):
        last, _ = trainer.train_epoch(epoch, last)
    return last


def test_the_first_of_two_networks_is_the_contrastive_run():
    """Gradients are cut to their norm by network, so not even the optimizer lets them meet."""
    one, both = record_of("contrastive"), record_of("contrastive2")
    np.testing.assert_array_equal(both["loss"], one["loss"])
    assert not np.array_equal(both["loss_network_1"], one["loss"]) and both["loss_network_1"].all()
    assert (both["weight"] == 1).all()
