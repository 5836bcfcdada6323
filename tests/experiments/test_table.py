"""Finished runs as a table: collected, averaged over seeds, set beside the paper's numbers."""

import math
import statistics

import pandas as pd
import pytest
from experiments.run_folders import change, write_run

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.published_results import TABLE, paper_differences, paper_results
from rrsitr_lib.experiments.run_results import RECALLS, read_run
from rrsitr_lib.experiments.table import METRICS, beside_paper, cell_text, collect, summarise

# --- collecting ---


def test_collect_reads_every_finished_run(tmp_path):
    write_run(tmp_path / "a" / "one", 41.0)
    write_run(tmp_path / "two", 42.0, auroc=None, method="contrastive", noise_rate=0.0)
    runs, left_out = collect(tmp_path)
    assert left_out == {} and runs["path"].tolist() == ["two", "a/one"] and runs["mR"].tolist() == [42.0, 41.0]
    row = runs.iloc[1]
    assert (row["data"], row["encoder"], row["method"], row["protocol"]) == ("scenes", "tiny", "rrsitr", "shuffle")
    assert (row["noise_rate"], row["realised"], row["seed"], row["best_epoch"]) == (0.4, 0.39, 3, 3)
    assert row["before"] == 30.0 and round(row["chance"], 2) == 2.65 and row["AUROC"] == 0.9
    assert math.isnan(runs.loc[0, "AUROC"]) and row["differs"] == len(paper_differences(RunConfig.build(
        encoder="tiny", epochs=8)))  # fmt: skip


@pytest.mark.parametrize(("file", "content", "reason"), [
    ("result.json", None, "not finished (no result.json)"),
    ("config.yaml", None, "not a run (no config.yaml)"),
    ("run.json", None, "damaged (no run.json)"),
    ("result.json", "{", "result.json, line 1: not JSON"),
    ("result.json", "[]", "damaged (TypeError"),
    ("result.json", "{}", "damaged (KeyError: 'method')"),
    ("run.json", "null", "damaged (TypeError"),
    ("run.json", '{"data": 3}', "damaged (AttributeError"),
    ("config.yaml", "epochs: [", "config.yaml: not readable YAML"),
    ("config.yaml", "epochs: 0", "config.yaml: epochs is 0"),
    ("config.yaml", "data: [1]", "config.yaml: data is [1]"),
    ("config.yaml", "3", "config.yaml: expected a mapping"),
    ("result.json", "\udcff", "result.json: not JSON that can be read"),
])  # fmt: skip
def test_a_damaged_run_is_named_and_the_others_stay(tmp_path, file, content, reason):
    write_run(tmp_path / "good")
    bad = write_run(tmp_path / "bad") / file
    bad.unlink() if content is None else bad.write_bytes(content.encode("utf-8", "surrogateescape"))
    runs, left_out = collect(tmp_path)
    assert runs["path"].tolist() == ["good"] and left_out["bad"].startswith(reason)
    assert str(tmp_path) not in left_out["bad"]


@pytest.mark.parametrize("fields", [
    {"seed": 4}, {"method": "contrastive"}, {"noise_rate": 0.2}, {"best_epoch": 9}, {"best_epoch": None},
    {"realised_noise_rate": 1.5}, {"partition": {"auroc": 2}}, {"partition": {}}, {"chance": {}},
    {"test": dict.fromkeys(RECALLS, 101.0)}, {"test": dict.fromkeys(RECALLS, float("nan"))},
    {"test": dict.fromkeys(RECALLS, "40")}, {"test": dict.fromkeys(RECALLS, 10**400)},
    {"chance": dict.fromkeys(RECALLS, 0)},
])  # fmt: skip
def test_a_result_that_cannot_be_is_left_out(tmp_path, fields):
    change(write_run(tmp_path / "bad") / "result.json", **fields)
    runs, left_out = collect(tmp_path)
    assert runs.empty and list(left_out) == ["bad"]


def test_data_of_another_machine_need_not_be_here(tmp_path):
    write_run(tmp_path / "own", data="/some/folder/of/harbours")
    write_run(tmp_path / "rsitmd", data="rsitmd")
    runs, left_out = collect(tmp_path)
    assert left_out == {} and sorted(runs["data"]) == ["harbours", "rsitmd"]


def test_no_folder_is_an_error_and_an_empty_one_a_table(tmp_path):
    with pytest.raises(InputError, match="no such folder of runs"):
        collect(tmp_path / "nothing")
    runs, left_out = collect(tmp_path)
    assert runs.empty and left_out == {} and summarise(runs).empty
    assert (beside_paper(summarise(runs), paper_results())["ours"] == "").all()


@pytest.mark.parametrize(("given", "name"), [
    ({}, "rrsitr"), ({"local_loss": False}, "rrsitr, without local"),
    ({"self_paced": False, "triplet": "fixed"}, "rrsitr, without self-paced weights, fixed margin"),
    ({"triplet": "off"}, "rrsitr, without robust triplet"),
    ({"local_loss": False, "self_paced": False, "triplet": "off"}, "rrsitr, without all three"),
])  # fmt: skip
def test_a_method_with_a_part_off_has_another_name(tmp_path, given, name):
    assert read_run(write_run(tmp_path / "run", **given)).method == name


# --- cells ---


def test_summary_is_mean_and_sample_deviation_over_seeds(tmp_path):
    values = {3: 41.0, 13: 44.5, 25: 43.0}
    for seed, value in values.items():
        write_run(tmp_path / str(seed), value, seed=seed)
    summary = summarise(collect(tmp_path).runs)
    assert summary["metric"].tolist() == list(METRICS)
    cell = summary.query("metric == 'mR'").iloc[0]
    assert cell["mean"] == pytest.approx(sum(values.values()) / 3)
    assert cell["std"] == pytest.approx(statistics.stdev(values.values()))
    assert (cell["seeds"], cell["low"], cell["high"]) == (3, 41.0, 44.5)


def test_one_seed_has_no_deviation_and_a_copy_is_no_further_seed(tmp_path):
    write_run(tmp_path / "run", 41.0)
    write_run(tmp_path / "copy", 41.0)
    summary = summarise(collect(tmp_path).runs)
    assert (summary["seeds"] == 1).all() and summary["std"].isna().all()


def test_runs_of_other_settings_data_or_noise_are_never_averaged(tmp_path):
    write_run(tmp_path / "a", 41.0, seed=3)
    write_run(tmp_path / "b", 43.0, seed=13)
    write_run(tmp_path / "longer", 50.0, seed=25, epochs=9)
    change(write_run(tmp_path / "noise", 60.0, seed=25) / "run.json", noise="ee")
    change(write_run(tmp_path / "data", 70.0, seed=25) / "run.json", data={"train": "other"})
    runs = collect(tmp_path).runs
    assert runs["settings"].nunique() == 4
    assert sorted(summarise(runs).query("metric == 'mR'")["mean"]) == [42.0, 50.0, 60.0, 70.0]


def test_device_and_folder_of_pictures_are_no_settings(tmp_path):
    write_run(tmp_path / "a", 41.0, seed=3, device="cpu", images="here")
    write_run(tmp_path / "b", 43.0, seed=13, workers=2, images="there")
    assert collect(tmp_path).runs["settings"].nunique() == 1


# --- beside the paper ---


def test_ours_stands_beside_the_papers_cell_and_elsewhere_is_empty(tmp_path):
    for seed, value in ((3, 45.0), (13, 47.0)):
        write_run(tmp_path / f"ours{seed}", value, data="rsitmd", noise_rate=0.0, seed=seed)
    write_run(tmp_path / "image", 20.0, data="rsitmd", noise_rate=0.2, protocol="image")
    write_run(tmp_path / "plain", 40.0, data="rsitmd", noise_rate=0.0, method="contrastive")
    table = beside_paper(summarise(collect(tmp_path).runs), paper_results()).query("metric == 'mR'")
    rsitmd = table[table["data"] == "rsitmd"].set_index(["method", "noise", "protocol"])
    met = rsitmd.loc[("rrsitr", "0 %", "shuffle")]
    assert (met["ours"], met["paper"], met["source"], met["seeds"]) == ("46.00 ± 1.41", "46.10 ± 1.08", TABLE, "2")
    assert rsitmd.loc[("contrastive", "0 %", "shuffle"), "paper"] == ""
    assert rsitmd.loc[("rrsitr", "20 %", "image"), ["ours", "paper"]].tolist() == ["20.00", ""]
    assert rsitmd.loc[("RRSITR", "20 %", "shuffle"), ["ours", "paper"]].tolist() == ["", "45.58"]
    assert rsitmd.loc[("chance", "", ""), ["ours", "paper"]].tolist() == ["", "1.18"]
    assert (table.loc[table["data"] != "rsitmd", "ours"] == "").all()


def test_table_holds_texts_and_keeps_every_number_once(tmp_path):
    write_run(tmp_path / "run", auroc=None)
    summary, paper = summarise(collect(tmp_path).runs), paper_results()
    table = beside_paper(summary, paper)
    assert all(isinstance(value, str) for value in table.to_numpy().ravel())
    assert (table["paper"] != "").sum() == len(paper) and (table["ours"] != "").sum() == len(summary) == 7
    first = table[(table["data"] == "nwpu") & (table["method"] == "RRSITR")]["metric"].tolist()
    assert first == list(RECALLS), "R@10 after R@5"


def test_cell_text():
    assert [cell_text(46.1, 1.078), cell_text(1.0), cell_text(1.0, math.nan)] == ["46.10 ± 1.08", "1.00", "1.00"]


def test_tables_are_frames_that_pandas_can_filter(tmp_path):
    write_run(tmp_path / "run")
    assert isinstance(collect(tmp_path).runs.query("noise_rate > 0.2"), pd.DataFrame)
