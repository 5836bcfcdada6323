"""Records of finished runs: what lessons read of them, and what ships with the lessons."""

import numpy as np
import pandas as pd
import pytest
from small_runs import SMALL

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.records import COLUMNS, FILES, kept_rows, write_record
from rrsitr_lib.experiments.results import read_results
from rrsitr_lib.experiments.study_file import Study, plan
from rrsitr_lib.experiments.summary import comparison
from rrsitr_lib.show.run_reader import RunReader
from rrsitr_lib.teach.records import RECORDS, mean_metrics, write_records
from rrsitr_lib.training.ledger import Ledger
from rrsitr_lib.training.run import train

pytestmark = pytest.mark.usefixtures("few_scenes")


@pytest.fixture(scope="module")
def runs(tmp_path_factory, few_scenes):
    """Two seeds of a small run, and a variant of it."""
    folder = tmp_path_factory.mktemp("runs")
    for seed, triplet in ((3, "dynamic"), (4, "dynamic"), (4, "off")):
        config = RunConfig.build(**SMALL | {"noise_rate": 0.6, "seed": seed}, triplet=triplet)
        train(config, folder / (f"run_{seed}" if triplet == "dynamic" else "variant"), progress=False)
    return folder


def test_a_record_is_small_files_and_a_thin_ledger(runs, tmp_path):
    record = write_record(runs / "run_3", tmp_path / "record", pairs=50)
    assert {path.name for path in record.iterdir()} == {*FILES, "retrieval.npz", "checksums.json", "ledger"}
    thin, whole = Ledger.open(record), Ledger.open(runs / "run_3")
    assert (thin.pairs, thin.epochs, set(thin.columns)) == (50, whole.epochs, {*COLUMNS, "mismatched"})
    rows = kept_rows(whole.pairs, 50)
    assert (rows[0], rows[-1], len(set(rows))) == (0, whole.pairs - 1, 50)
    for name in COLUMNS:
        np.testing.assert_array_equal(thin.column(name), whole.column(name)[:, rows])
    np.testing.assert_array_equal(thin.column("mismatched"), whole.column("mismatched")[rows])
    assert RunReader.open(record).missing("loss") == ""
    assert str(tmp_path) not in (record / "run.json").read_text()


def test_records_compare_methods_as_their_runs_do(runs, tmp_path):
    write_records(runs, tmp_path, pairs=50)
    of_records, of_runs = (comparison(read_results(folder), control="rrsitr") for folder in (tmp_path, runs))
    assert len(of_runs) == 1 and of_runs["by_seed"][0] != (0.0,)
    pd.testing.assert_frame_equal(of_records, of_runs)
    assert sum(path.stat().st_size for path in tmp_path.rglob("retrieval.npz")) < 20_000


def test_a_changed_record_is_named(runs, tmp_path):
    record = write_record(runs / "run_3", tmp_path / "rrsitr_0.6_3")
    (record / "metrics.csv").write_text((record / "metrics.csv").read_text().replace("1", "2", 1))
    with pytest.raises(InputError, match=r"metrics\.csv"):
        mean_metrics(tmp_path, "rrsitr", 0.6)


def test_records_of_a_folder_have_the_mean_over_seeds(runs, tmp_path):
    (tmp_path / "another").mkdir()
    write_record(runs / "run_3", tmp_path / "ncr_0.6_3")
    written = write_records(runs, tmp_path, pairs=50)
    assert {path.name for path in tmp_path.iterdir()} == {"another", *(path.name for path in written)}
    assert [path.name for path in written] == ["rrsitr_0.6_3", "rrsitr_0.6_4", "rrsitr-without-robust-triplet_0.6_4"]
    assert [(path / "ledger").exists() for path in written] == [True, True, False]
    mean = mean_metrics(tmp_path, "rrsitr", 0.6)
    both = [pd.read_csv(path / "metrics.csv")["val_mR"] for path in written]
    np.testing.assert_allclose(mean["val_mR"], (both[0] + both[1]) / 2)
    assert mean["epoch"].tolist() == [0, 1, 2]
    with pytest.raises(InputError, match="no record of oracle at 60% noise"):
        mean_metrics(tmp_path, "oracle", 0.6)


@pytest.mark.parametrize("pairs", [-1, 206])
def test_more_pairs_than_there_are(runs, tmp_path, pairs):
    with pytest.raises(InputError, match=f"pairs is {pairs}: allowed are 1 to 205"):
        write_record(runs / "run_3", tmp_path / "record", pairs)


def test_what_ships_is_the_study_of_the_lesson_and_small():
    planned = {(trial.config.method, trial.config.fingerprint) for trial in plan(Study.read("lesson"))}
    shipped = [RunConfig.read(path) for path in RECORDS.glob("*/config.yaml")]
    assert {(config.method, config.fingerprint) for config in shipped} == planned
    assert len(read_results(RECORDS).done) == len(planned)
    assert sum(path.stat().st_size for path in RECORDS.rglob("*") if path.is_file()) < 3_000_000
