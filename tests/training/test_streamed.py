"""Training on shards: as on the same pairs in a folder, by one process or two, cut off within an epoch or not."""

import numpy as np
import pandas as pd
import pytest
from small_runs import SMALL, assert_same_run
from speed.test_distributed import torchrun
from training.test_midway import cut_off

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import open_data
from rrsitr_lib.data.shards.write import write_shards, write_split
from rrsitr_lib.errors import InputError
from rrsitr_lib.methods import METHODS
from rrsitr_lib.show.run_reader import RunReader
from rrsitr_lib.training.ledger import Ledger
from rrsitr_lib.training.midway import newest
from rrsitr_lib.training.run import train
from rrsitr_lib.training.run_folder import open_run

OWN = {name: value for name, value in SMALL.items() if name != "scenes"}
pytestmark = pytest.mark.usefixtures("few_scenes")


@pytest.fixture(scope="module")
def places(tmp_path_factory, few_scenes):
    """The same pairs in six shards, and as a folder of tables."""
    above, data = tmp_path_factory.mktemp("pairs"), open_data(RunConfig.build(**SMALL))
    write_shards(data["train"].table, data["train"].images, above / "shards", size=7, seed=None)
    for split in data.values():
        for folder in ("shards", "folder"):
            write_split(split.table, split.images, above / folder)
    return above


def configuration(places, **given):
    return RunConfig.build(**OWN, data=str(places / "shards" / "{0000..0005}.tar"), **given)


@pytest.fixture(scope="module")
def streamed(places, tmp_path_factory):
    """A run that reads two shards at a time."""
    folder = tmp_path_factory.mktemp("streamed") / "run"
    train(configuration(places, shard_window=2), folder, progress=False)
    return folder


def test_shuffled_all_together_they_train_as_a_folder_does(places, tmp_path):
    train(configuration(places), tmp_path / "shards", progress=False)
    train(RunConfig.build(**OWN, data=str(places / "folder")), tmp_path / "folder", progress=False)
    one, other = (Ledger.open(tmp_path / name) for name in ("shards", "folder"))
    for column in one.columns:
        np.testing.assert_array_equal(one.column(column), other.column(column), column)
    metrics = [pd.read_csv(tmp_path / name / "metrics.csv").drop(columns="seconds") for name in ("shards", "folder")]
    pd.testing.assert_frame_equal(*metrics)


def test_cut_off_within_an_epoch_they_go_on_to_the_same_bits(places, streamed, tmp_path):
    config = configuration(places, shard_window=2, checkpoint_minutes=1e-9)
    cut_off(config, tmp_path / "run", 8)
    assert newest(tmp_path / "run").begun.steps == 3
    train(config, tmp_path / "run", progress=False)
    assert_same_run(tmp_path / "run", streamed)


def test_a_shard_that_is_lost_meanwhile_is_named_and_nothing_else_is_lost(places, streamed, tmp_path):
    config, lost = configuration(places, shard_window=2, checkpoint_minutes=1e-9), places / "shards" / "0003.tar"
    cut_off(config, tmp_path / "run", 2)
    lost.rename(hidden := lost.with_suffix(".gone"))
    with pytest.raises(InputError, match=r"1 of 6 shards are not there: 0003\.tar"):
        train(config, tmp_path / "run", progress=False)
    hidden.rename(lost)
    train(config, tmp_path / "run", progress=False)
    assert_same_run(tmp_path / "run", streamed)


def test_two_processes_go_on_with_an_epoch_that_one_began(places, streamed, tmp_path):
    config = configuration(places, shard_window=2, checkpoint_minutes=1e-9)
    cut_off(config, tmp_path / "run", 8)
    (path := tmp_path / "run.yaml").write_text(config.to_yaml())
    assert "best epoch" in torchrun("-m", "rrsitr_lib", "train", "--config", path, "--out", tmp_path / "run")
    one, two = (Ledger.open(folder) for folder in (streamed, tmp_path / "run"))
    np.testing.assert_array_equal(one.column("loss")[0], two.column("loss")[0])
    np.testing.assert_allclose(one.column("loss")[1], two.column("loss")[1], rtol=1e-2, atol=1e-2)


def test_thresholds_are_those_of_the_whole_set(places, tmp_path):
    given = {"method": "rrsitr", "gamma_schedule": "quantile", "shard_window": 2}
    config = configuration(places, **given)
    train(config, tmp_path / "run", progress=False)
    loss, metrics = Ledger.open(tmp_path / "run").column("loss"), pd.read_csv(tmp_path / "run" / "metrics.csv")
    below = [np.mean(loss[0] < metrics[name][2]) for name in ("gamma_1", "gamma_2")]
    settings = METHODS["rrsitr"].Settings(gamma_schedule="quantile")
    assert below == pytest.approx([settings.clean_fraction, 1 - settings.noisy_fraction], abs=2 / 205)


def test_the_run_can_be_looked_at_and_evaluated(streamed):
    _, inputs, config = open_run(streamed)
    assert config.shard_window == 2 and len(inputs["train"].table) == 205
    reader = RunReader.open(streamed)
    assert reader.image(3).shape[2] == 3 and "pair 9" in reader.card(9)
