"""The thresholds that explorers show are those with which the run was trained, epoch by epoch."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
from small_runs import SMALL as SMALL_RUN

from rrsitr_lib.config import RunConfig
from rrsitr_lib.show.explorers.partition import PartitionExplorer
from rrsitr_lib.show.explorers.weights import WeightsExplorer
from rrsitr_lib.show.run_reader import RunReader
from rrsitr_lib.show.views.pacing import paced_weight
from rrsitr_lib.training.run import train

EPOCHS = 3
SMALL = SMALL_RUN | {"epochs": EPOCHS, "weights": None, "seed": 3}
RUNS = {
    "chance without local loss": {"gamma_unit": "chance", "gamma_1": 0.3, "gamma_2": 1.0, "local_loss": False},
    "linear": {"gamma_schedule": "linear"},
    "quantile": {"gamma_schedule": "quantile", "partition": "gmm2"},
}


@pytest.fixture(scope="module", params=list(RUNS))
def run(request, tmp_path_factory, few_scenes):
    folder = tmp_path_factory.mktemp("runs") / "run"
    train(RunConfig.build(**SMALL, **RUNS[request.param]), folder, progress=False)
    return folder


@pytest.fixture
def recorded(run):
    """Rows of metrics.csv, of the epochs that were trained."""
    return pd.read_csv(run / "metrics.csv").to_dict("records")[1:]


def test_thresholds_are_those_of_metrics_csv(run, recorded):
    found = [RunReader.open(run).gammas(epoch) for epoch in range(1, EPOCHS + 1)]
    assert found == [(row["gamma_1"], row["gamma_2"]) for row in recorded]


def test_without_metrics_csv_the_configuration_gives_the_same(run, recorded, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy")
    (copy / "metrics.csv").unlink()
    found = [RunReader.open(copy).gammas(epoch) for epoch in range(1, EPOCHS + 1)]
    np.testing.assert_allclose(found, [(row["gamma_1"], row["gamma_2"]) for row in recorded], rtol=1e-6)


def test_an_epoch_that_metrics_csv_does_not_have_yet(run, recorded, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy", ignore=shutil.ignore_patterns("checksums.json", "result.json"))
    pd.DataFrame(recorded[:-1]).to_csv(copy / "metrics.csv", index=False)
    expected = (recorded[-1]["gamma_1"], recorded[-1]["gamma_2"])
    np.testing.assert_allclose(RunReader.open(copy).gammas(EPOCHS), expected, rtol=1e-6)


def test_a_bare_ledger_has_the_thresholds_of_the_paper(run, tmp_path):
    bare = shutil.copytree(run / "ledger", tmp_path / "ledger")
    assert RunReader.open(bare).gammas(1) == (5.0, 18.0)


@pytest.mark.parametrize("epoch", range(1, EPOCHS + 1))
def test_partition_compares_with_the_thresholds_of_its_epoch(run, recorded, epoch):
    explorer = PartitionExplorer(run)
    explorer.move(epoch=epoch)
    row, loss, at = recorded[epoch - 1], explorer.run.column("loss")[epoch - 1], explorer.values
    crossed = sum(abs(int((loss < at[name]).sum()) - int((loss < row[name]).sum())) for name in ("gamma_1", "gamma_2"))
    said = re.search(r"in this epoch, ([\d.]+) and ([\d.]+), (\d+) pairs crossed one", explorer.text.value).groups()
    assert said == (f"{row['gamma_1']:.2f}", f"{row['gamma_2']:.2f}", str(crossed))


def test_partition_opens_where_the_last_epoch_was_trained(run, recorded):
    explorer, last = PartitionExplorer(run), recorded[-1]
    for name in ("gamma_1", "gamma_2"):
        top = next(spec.high for spec in explorer.specs if spec.name == name)
        assert abs(explorer.values[name] - min(last[name], top)) <= 0.25


def test_schedules_end_at_the_thresholds_of_the_last_epoch(run, recorded):
    explorer, last = WeightsExplorer(run, schedule="constant"), recorded[-1]
    expected = paced_weight(explorer.loss, last["gamma_1"], last["gamma_2"])
    np.testing.assert_allclose(explorer.map("loss", "constant", 1.0).weight, expected, atol=1e-6)


@pytest.mark.parametrize("given", [{}, {"pace": "linear"}, {"method": "monotone", "lambda_1": 1.0}])
def test_the_run_s_own_schedule_gives_its_own_weights(tmp_path, few_scenes, given):
    scheduled = {"gamma_schedule": "cosine", "gamma_start": 0.6}
    train(RunConfig.build(**SMALL | scheduled | given), tmp_path / "run", progress=False)
    explorer = WeightsExplorer(tmp_path / "run")
    again = explorer.map("loss", "cosine", 0.6).weight
    np.testing.assert_allclose(again, explorer.map("loss", "as recorded", 1.0).weight, atol=2e-3)
