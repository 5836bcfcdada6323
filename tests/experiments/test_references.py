"""What gives a table its sense: before training, chance, the linear probe; networks and cost of every cell."""

import numpy as np
import pytest
from experiments.run_folders import change, drawn_results, finished_study
from test_cli import rrsitr

from rrsitr_lib.checksums import note_checksums
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments import linear_probe
from rrsitr_lib.experiments.figures import over_noise
from rrsitr_lib.experiments.linear_probe import PROBES, write_probes
from rrsitr_lib.experiments.references import reference_cells
from rrsitr_lib.experiments.report_tables import lines
from rrsitr_lib.experiments.results import read_results
from rrsitr_lib.experiments.run_results import RECALLS
from rrsitr_lib.experiments.study_file import Grid, Study, plan
from rrsitr_lib.experiments.study_folder import RUN
from rrsitr_lib.experiments.summary import comparison, study_table
from rrsitr_lib.experiments.uncertainty import HitCounts
from rrsitr_lib.files import read_json
from rrsitr_lib.methods.contrastive import Contrastive
from rrsitr_lib.registry import METHODS


@pytest.fixture
def two_networks(monkeypatch):
    """A method of two networks, known in this test only."""
    both = type("Both", (Contrastive,), {"networks": 2, "__doc__": "Two networks."})
    monkeypatch.setitem(METHODS._entries, "both", both)


@pytest.fixture
def folder(tmp_path, two_networks):
    """Two methods, two rates, two seeds; before training by the seed, and twice that for two networks."""
    axes = {"method": ["both", "contrastive"], "noise_rate": [0.2, 0.4], "seed": [3, 13]}
    study = Study(name="s", runs=[Grid(fix={"encoder": "tiny", "epochs": 8}, axes=axes)])
    generator = np.random.default_rng(0)
    folder = finished_study(study, tmp_path, lambda _: drawn_results(generator, 0.5))
    for trial in plan(study):
        networks = METHODS[trial.config.method].networks
        before = dict.fromkeys(RECALLS, float(trial.config.seed * networks))
        seconds = 10.0 * networks * (1 + trial.config.noise_rate)
        change(folder / trial.name / RUN / "result.json", before=before, seconds=seconds)
    return folder


def test_before_training_is_a_mean_over_seeds_of_one_network_and_chance_is_known(folder):
    table = reference_cells(read_results(folder))
    before = table[table["method"] == "before training"]
    assert set(before["metric"]) == set(RECALLS) and before["noise_rate"].isna().all()
    assert set(before["mean"]) == {8.0} and set(before["seeds"]) == {2}
    assert before["std"].unique() == pytest.approx(np.std([3, 13], ddof=1))
    (run, *_) = read_results(folder).folders.values()
    chance = table[table["method"] == "chance"].set_index("metric")["mean"].to_dict()
    assert chance == pytest.approx(read_json(run / "result.json")["chance"])


def test_table_says_how_many_networks_and_what_a_step_costs_beside_plain_training(folder):
    table = study_table(read_results(folder))
    cells = table[table["metric"] == "mR"].set_index(["noise_rate", "method"])
    steps = 8 * (4000 // 100)
    for rate in (0.2, 0.4):
        assert cells.loc[(rate, "both"), ["networks", "cost"]].tolist() == [2, 2.0]
        assert cells.loc[(rate, "contrastive"), ["networks", "cost"]].tolist() == [1, 1.0]
        assert cells.loc[(rate, "both"), "seconds_a_step"] == pytest.approx(20 * (1 + rate) / steps)
    shown = lines(table).set_index(["noise", "method"])
    assert shown.loc[("40 %", "both"), ["networks", "cost", "AUROC"]].tolist() == [
        "ensemble of 2",
        "2.00",
        "0.90 ± 0.00",
    ]
    assert shown.loc[("40 %", "contrastive"), ["networks", "cost"]].tolist() == ["single", "1.00"]
    assert shown.loc[("", "before training"), ["mR", "seeds", "networks", "cost"]].tolist() == [
        "8.00 ± 7.07",
        "",
        "",
        "",
    ]
    assert shown.loc[("", "chance"), "mR"] == "2.65"


def test_without_plain_training_there_is_no_cost_to_compare(tmp_path):
    study = Study(name="s", runs=[Grid(fix={"encoder": "tiny", "epochs": 8, "noise_rate": 0.4})])
    folder = finished_study(study, tmp_path, lambda _: drawn_results(np.random.default_rng(0), 0.5))
    shown = lines(study_table(read_results(folder))).set_index("method")
    assert shown.loc["rrsitr", "cost"] == "" and shown.loc["rrsitr", "networks"] == "single"


def test_linear_probe_is_fitted_once_a_rate_where_towers_are_frozen_kept_and_shown(tmp_path, monkeypatch):
    asked = []

    def fitted(config, rates):
        asked.append((config.train, config.noise_seed, *rates))
        answered = {rate: np.arange(60) < (12 if rate else 18) for rate in rates}  # of 60 images of five captions
        hits = {rate: np.outer(one, [1, 1, 1, 5, 5, 5]).astype(float) for rate, one in answered.items()}
        queries = np.tile([1.0, 5.0], (60, 1))
        return {("scenes", "lite", "shuffle", rate): HitCounts(one, queries) for rate, one in hits.items()}

    monkeypatch.setattr(linear_probe, "linear_probes", fitted)
    rates = {"noise_rate": [0.4, 0.0], "method": ["contrastive", "rrsitr"]}
    frozen = Grid(fix={"encoder": "lite", "train": "heads", "epochs": 8}, axes=rates)
    other = Grid(fix={"encoder": "tiny", "epochs": 8, "noise_rate": 0.6})
    study = Study(name="s", runs=[frozen, other])
    folder = finished_study(study, tmp_path, lambda _: drawn_results(np.random.default_rng(0), 0.5))
    assert "linear probe" not in set(study_table(read_results(folder))["method"])
    assert rrsitr("study", "probe", folder) == 0
    assert asked == [("heads", 42, 0.0, 0.4)]
    table = study_table(read_results(folder))
    row = table[(table["method"] == "linear probe") & (table["metric"] == "mR")]
    assert row.set_index("noise_rate")["mean"].to_dict() == {0.0: 30.0, 0.4: 20.0} and set(row["encoder"]) == {"lite"}
    assert ((row["low"] < row["mean"]) & (row["mean"] < row["high"])).all()
    results = read_results(folder)
    found = comparison(results, "rrsitr").set_index(["method", "noise_rate"])
    for rate, mean in ((0.0, 30.0), (0.4, 20.0)):
        of = table.query("method == 'rrsitr' and metric == 'mR' and noise_rate == @rate")["mean"].item()
        against = found.loc[("linear probe", rate)]
        assert against["difference"] == pytest.approx(mean - of) and against["low"] < mean - of < against["high"]
        assert against["seeds"] == 1 and against["control"] == "rrsitr"
    drawn = {line.get_label(): line for line in over_noise(table).axes[0].lines}["linear probe"]
    assert drawn.get_xydata().tolist() == [[0.0, 30.0], [40.0, 20.0]]
    (folder / PROBES).write_text((folder / PROBES).read_text().replace("0.4", "0.6"))
    with pytest.raises(InputError, match=r"linear_probe\.csv: changed since .* rrsitr study probe"):
        read_results(folder)
    (folder / PROBES).write_text("data,encoder,protocol,noise_rate,metric,mean\nscenes,lite,shuffle,0.4,mR,16.0\n")
    note_checksums(folder, PROBES)
    with pytest.raises(InputError, match=r"linear_probe\.csv: not of this version \(no queries_by_image\)"):
        read_results(folder)


def test_no_probe_where_the_towers_train(folder):
    with pytest.raises(InputError, match="no run has frozen towers"):
        write_probes(folder)
    assert not (folder / PROBES).exists()
