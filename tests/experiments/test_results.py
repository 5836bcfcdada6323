"""Tables and figures of many runs: by loops, with the paper beside, and nothing invented for what is missing."""

import csv
import html
import io
import math
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from experiments.run_folders import change, drawn_results, finish_trial, write_run
from lesson_cells import run_lesson
from matplotlib.text import Text

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.figures import over_noise
from rrsitr_lib.experiments.published_results import TABLE, paper_differences, paper_results
from rrsitr_lib.experiments.report_tables import FORMATS, lines
from rrsitr_lib.experiments.results import METRICS, read_results
from rrsitr_lib.experiments.run_results import RECALLS, method_name
from rrsitr_lib.experiments.study_figures import ablation_bars, two_variances
from rrsitr_lib.experiments.study_file import Grid, Study, plan
from rrsitr_lib.experiments.study_folder import RUN
from rrsitr_lib.experiments.summary import (
    beside_paper,
    comparison,
    main_runs,
    missing,
    study_table,
    summarise,
    variance,
)
from rrsitr_lib.experiments.trials import write_outcome

BASE = {"encoder": "vit-b-32", "data": "rsitmd", "images": "data/rsitmd"}
SHARES = {"rrsitr": 0.6, "contrastive": 0.4, "ncr": 0.5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three methods, two rates, three seeds, a variant of two methods, two more draws of the noise; the first trial is
    not done, the second failed. Queries answered at the first place: by ``SHARES``."""
    root = tmp_path_factory.mktemp("runs")
    hard = {**BASE, "noise_rate": 0.8}
    grids = [
        Grid(fix=BASE, axes={"method": [*SHARES], "noise_rate": [0.4, 0.8], "seed": [3, 13, 25]}),
        Grid(fix=hard, axes={"seed": [3, 13]}, variants={"fixed margin": {"triplet": "fixed"}}),
        Grid(fix={**hard, "method": "ncr", "seed": 3}, variants={"wide": {"margin": 0.5}}),
        Grid(fix={**BASE, "noise_rate": 0.4, "seed": 3}, axes={"noise_seed": [43, 44]}),
    ]
    study = Study(name="s", title="A study", runs=grids)
    study.save(root / "s")
    write_outcome(root / "s" / plan(study)[1].name, "failed", 1.0, "RunError: loss not finite")
    generator = np.random.default_rng(0)
    for trial in plan(study)[2:]:
        answers = drawn_results(generator, SHARES[trial.config.method])
        finish_trial(root / "s" / trial.name, trial.config, answers)
    return root / "s"


@pytest.fixture(scope="module")
def results(folder):
    return read_results(folder)


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "runs" / "s")


# --- a study ---


def test_every_planned_trial_has_a_row_and_what_is_missing_has_no_number(results):
    assert len(results.runs) == 18 + 2 + 1 + 2
    absent = results.runs[results.runs["mR"].isna()]
    assert absent["state"].tolist() == ["waiting", "failed"] and not set(absent["trial"]) & set(results.hits)
    assert missing(results) == absent["trial"].tolist() and len(results.done) + len(absent) == len(results.runs)
    assert results.left_out == {absent["trial"].iloc[1]: "RunError: loss not finite"}
    shown = lines(study_table(results)).set_index(["noise", "method"])["seeds"]
    assert shown["40 %", "rrsitr"] == "1 of 3", "what is not done shares the cell of what is"
    assert shown["80 %", "rrsitr"] == "3 of 3" and shown["80 %", "rrsitr, fixed margin"] == "2 of 2"


def test_means_deviations_and_seeds_by_a_loop(results):
    table = study_table(results)
    for row in table[table["settings"].notna()].itertuples():
        values = []
        for number, one in results.runs.iterrows():
            if (one["method"], one["noise_rate"], one["noise_seed"]) == (row.method, row.noise_rate, 42):
                value = results.runs.loc[number, row.metric]
                values += [] if np.isnan(value) else [value]
        assert (row.seeds, row.least, row.most) == (len(values), min(values), max(values))
        assert row.mean == pytest.approx(np.mean(values))
        assert np.isnan(row.std) if len(values) == 1 else row.std == pytest.approx(np.std(values, ddof=1))
        assert row.low < row.mean < row.high or row.metric in ("AUROC", "best_epoch")


def test_paper_stands_beside_with_its_source(results):
    shown = lines(study_table(results)).set_index(["noise", "method"])
    assert shown.loc[("80 %", "rrsitr"), "paper mR"] == "35.93"
    assert shown.loc[("80 %", "rrsitr, fixed margin"), ["paper mR", "source"]].tolist() == [
        "33.90", "secondary source, ablation"]  # fmt: skip
    assert shown.loc[("80 %", "contrastive"), "paper mR"] == "", "the paper has no such row"
    assert shown.loc[("80 %", "rrsitr"), "differs"] == "0"


def test_comparison_pairs_equal_seeds_and_noise_of_every_method_and_variant_with_the_control(results):
    found = comparison(results).set_index(["noise_rate", "method"])
    assert found["seeds"].to_dict() == {
        (0.4, "rrsitr"): 1, (0.4, "ncr"): 3, (0.8, "rrsitr"): 3, (0.8, "ncr"): 3,
        (0.8, "rrsitr, fixed margin"): 2, (0.8, "ncr, wide"): 1,
    }  # fmt: skip
    runs = results.runs.query("noise_rate == 0.8 and noise_seed == 42").pivot_table("mR", "seed", "method")
    for method in ("rrsitr", "rrsitr, fixed margin", "ncr"):
        row, expected = found.loc[0.8, method], (runs[method] - runs["contrastive"]).dropna().tolist()
        assert list(row["by_seed"]) == pytest.approx(expected)
        assert row["wins"] == sum(value > 0 for value in expected) and row["low"] < row["difference"] < row["high"]
    other = comparison(results, control="ncr").set_index(["noise_rate", "method"])
    assert other.loc[(0.8, "contrastive"), "difference"] == pytest.approx(-found.loc[(0.8, "ncr"), "difference"])
    assert (0.8, "ncr") not in other.index and (0.8, "ncr, wide") in other.index, "a variant of the control is none"


def test_one_form_of_the_control_is_taken_at_all_seeds(folder, copy):
    """Where its plain form is missing at a seed, a variant does not take its place there."""
    runs = read_results(folder).runs
    (plain,) = runs.query("method == 'rrsitr' and noise_rate == 0.8 and seed == 13")["trial"]
    shutil.rmtree(copy / plain)
    for place, seeds in ((folder, 3), (copy, 2)):
        found = comparison(read_results(place), "rrsitr")
        row = found[(found["noise_rate"] == 0.8) & (found["method"] == "ncr")].iloc[0]
        assert row["seeds"] == seeds


def test_a_copy_of_a_run_is_no_further_seed(folder, tmp_path):
    runs = shutil.copytree(folder, tmp_path / "runs", ignore=shutil.ignore_patterns("study.yaml", "trials.csv"))
    before = comparison(read_results(runs))
    for run in [*runs.glob("*/run")]:
        shutil.copytree(run, tmp_path / "runs" / f"copy of {run.parent.name}")
    assert comparison(read_results(runs))["seeds"].tolist() == before["seeds"].tolist()


def test_each_rate_has_its_own_draw_of_the_noise(tmp_path):
    for rate, draw in ((0.4, 42), (0.4, 7), (0.6, 9), (0.6, 8)):
        write_run(tmp_path / f"{rate} {draw}", noise_rate=rate, noise_seed=draw)
    found = main_runs(read_results(tmp_path).runs)
    assert set(zip(found["noise_rate"], found["noise_seed"], strict=True)) == {(0.4, 42), (0.6, 8)}


@pytest.mark.parametrize("variant", ["it", "s", "rr"])
def test_a_variant_may_be_named_by_a_part_of_its_method(variant):
    config = RunConfig.build(encoder="tiny", method="rrsitr", triplet="fixed")
    assert method_name(config, variant) == f"rrsitr, fixed margin, {variant}"
    assert method_name(config, "fixed margin") == "rrsitr, fixed margin"


def test_gain_stands_in_the_table_with_its_interval(results):
    table, found = study_table(results), comparison(results).set_index(["noise_rate", "method"])
    gains = table[table["gain"].notna()].set_index(["noise_rate", "method"])
    assert gains["gain"].to_dict() == found["difference"].to_dict() and set(gains["metric"]) == {"mR"}
    shown = lines(table).set_index(["noise", "method"])["gain over contrastive"]
    for method in ("rrsitr", "rrsitr, fixed margin", "ncr"):
        numbers = found.loc[(0.8, method), ["difference", "low", "high"]]
        assert shown["80 %", method] == "{:+.2f} ({:+.2f} to {:+.2f})".format(*numbers)
    assert shown["80 %", "contrastive"] == ""


def test_variances_hold_the_other_source_fixed(results, folder, copy):
    moved = variance(results)
    (by_noise,) = moved[moved["what"] == "noise seed"].itertuples()
    drawn = results.runs[results.runs["noise_seed"].isin([43, 44])]["mR"]
    assert by_noise.runs == 2 and by_noise.std == pytest.approx(drawn.std()), "seed 3 at noise seed 42 is not done"
    assert set(moved[moved["what"] == "training seed"]["runs"]) == {2, 3}
    assert two_variances(moved) is None, "no setting has both yet"
    trials = plan(Study.read(copy))
    (donor,) = (trial for trial in trials if trial.config.noise_seed == 43)
    run_folder = shutil.copytree(copy / donor.name, copy / trials[0].name) / RUN
    config = (run_folder / "config.yaml").read_text().replace("noise_seed: 43", "noise_seed: 42")
    (run_folder / "config.yaml").write_text(config)
    whole = read_results(copy)
    moved = variance(whole).query("method == 'rrsitr' and noise_rate == 0.4").set_index("what")
    assert moved.loc["noise seed", "runs"] == 3 and moved.loc["training seed", "runs"] == 2
    values = whole.runs.query("method == 'rrsitr' and noise_rate == 0.4 and seed == 3")["mR"]
    assert moved.loc["noise seed", "std"] == pytest.approx(values.std())
    assert two_variances(variance(whole)) is not None


def test_nothing_done_is_an_empty_table(tmp_path, monkeypatch):
    Study(name="s", runs=[Grid(fix={"encoder": "tiny"}, axes={"seed": [3, 13]})]).save(tmp_path / "s")
    results = read_results(tmp_path / "s")
    shown = lines(study_table(results))
    assert shown["mR"].tolist() == [""] and shown["seeds"].tolist() == ["0 of 2"]
    assert comparison(results).empty and variance(results).empty and len(missing(results)) == 2
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError, match="s: no trial of this study is done yet"):
        run_lesson("09_reproduction", {"STUDY": "s"})


def test_trials_of_another_study_are_read_too_also_by_the_lesson(copy, monkeypatch):
    """A study beside the other one, whose three trials the other one planned too: one failed, two are done."""
    grids = [
        Grid(fix=BASE, axes={"noise_rate": [0.4, 0.8], "seed": [13]}),
        Grid(fix={**BASE, "method": "contrastive"}, axes={"noise_rate": [0.4]}),
    ]
    borrower = copy.parent / "t"
    Study(name="t", runs=grids).save(borrower)
    results = read_results(borrower)
    assert results.runs["state"].tolist() == ["failed", "done", "done"]
    assert all(path.parents[1].name == "s" for path in results.folders.values())
    monkeypatch.chdir(borrower.parent)
    assert "2 of 3 trials are done, methods: rrsitr, contrastive" in run_lesson("09_reproduction", {"STUDY": "t"})


def test_a_study_may_be_named_by_a_dot(folder, results, monkeypatch):
    monkeypatch.chdir(folder)
    assert study_table(read_results(".")).equals(study_table(results))


# --- damage ---


@pytest.mark.parametrize(("file", "content", "reason"), [
    ("result.json", None, "not finished (no result.json)"),
    ("config.yaml", None, "not a run (no config.yaml)"),
    ("run.json", None, "damaged (no run.json)"),
    ("result.json", "{", "result.json: not JSON"),
    ("result.json", "[]", "result.json: expected fields by name, got list; delete it, and the same rrsitr train"),
    ("result.json", "{}", "result.json: damaged (method is {}: field required); delete it"),
    ("run.json", "null", "run.json: expected fields by name, got NoneType; put a copy of it back"),
    ("run.json", '{"data": 3}', "run.json: damaged (config is"),
    ("config.yaml", "epochs: [", "config.yaml: not readable YAML"),
    ("config.yaml", "epochs: 0", "config.yaml: epochs is 0"),
    ("config.yaml", "data: [1]", "config.yaml: data is [1]"),
    ("config.yaml", "3", "config.yaml: expected a mapping"),
    ("config.yaml", "plain_epochs: 6", "config.yaml: unknown field 'plain_epochs'"),
    ("retrieval.npz", "PK", "not retrieval results"),
])  # fmt: skip
def test_a_damaged_run_is_named_and_the_others_stay(tmp_path, file, content, reason):
    write_run(tmp_path / "good")
    bad = write_run(tmp_path / "bad") / file
    bad.unlink() if content is None else bad.write_text(content)
    results = read_results(tmp_path)
    said = results.left_out["bad"]
    assert results.runs["trial"].tolist() == ["good"] and reason in said
    assert str(tmp_path) not in said.removeprefix(f"{tmp_path}/bad/")


@pytest.mark.parametrize("fields", [
    {"seed": 4}, {"method": "contrastive"}, {"noise_rate": 0.2}, {"best_epoch": 9}, {"best_epoch": None},
    {"realised_noise_rate": 1.5}, {"partition": {"auroc": 2}}, {"partition": {}}, {"chance": {}},
    {"test": dict.fromkeys(RECALLS, 101.0)}, {"test": dict.fromkeys(RECALLS, float("nan"))},
    {"test": dict.fromkeys(RECALLS, "40")}, {"test": dict.fromkeys(RECALLS, 10**400)},
    {"chance": dict.fromkeys(RECALLS, 0)},
])  # fmt: skip
def test_a_result_that_cannot_be_is_left_out(tmp_path, fields):
    change(write_run(tmp_path / "bad") / "result.json", **fields)
    results = read_results(tmp_path)
    assert results.runs.empty and list(results.left_out) == ["bad"]


def test_a_damaged_trial_of_a_study_keeps_its_row_without_a_number(copy):
    trial = next(iter(read_results(copy).hits))
    (copy / trial / RUN / "retrieval.npz").write_bytes(b"PK")
    damaged = read_results(copy)
    assert "retrieval.npz" in damaged.left_out[trial] and trial in missing(damaged)
    assert damaged.runs.set_index("trial").loc[trial, "state"] == "damaged"


# --- any folder of runs ---


def test_every_finished_run_of_a_folder_is_read(tmp_path):
    write_run(tmp_path / "a" / "one", 41.0)
    write_run(tmp_path / "two", 42.0, auroc=None, method="contrastive", noise_rate=0.0)
    write_run(tmp_path / "own", data="/some/folder/of/harbours")
    results = read_results(tmp_path)
    runs, folders = results.runs, results.folders
    assert (
        results.hits == results.left_out == {}
        and results.study is None
        and runs["trial"].tolist() == ["a/one", "own", "two"]
    )
    assert folders["a/one"] == tmp_path / "a" / "one" and runs.loc[1, "data"] == "harbours"
    row, shown = runs.iloc[0], ["data", "encoder", "method", "protocol", "noise_rate", "realised", "seed", "best_epoch"]
    assert row[shown].tolist() == ["scenes", "tiny", "rrsitr", "shuffle", 0.4, 0.39, 3, 3]
    assert row["before"] == 30.0 and round(row["chance"], 2) == 2.65 and row["AUROC"] == 0.9 and row["pairs"] == 4000
    assert math.isnan(runs.loc[2, "AUROC"])
    assert row["differs"] == len(paper_differences(RunConfig.build(encoder="tiny", epochs=8)))


def test_a_run_by_a_noise_file_is_shown_with_the_files_rate(tmp_path):
    folder = write_run(tmp_path / "file", noise_rate=0.0, noise_file="index.npy")
    change(folder / "result.json", noise_rate=0.3, protocol="index form 'caption'")
    (row,) = read_results(tmp_path).runs.to_dict("records")
    assert (row["noise_rate"], row["protocol"], row["mR"]) == (0.3, "index form 'caption'", 40.0)


def test_no_folder_is_an_error_and_an_empty_one_a_table(tmp_path):
    with pytest.raises(InputError, match="no such folder of runs"):
        read_results(tmp_path / "nothing")
    runs = read_results(tmp_path).runs
    assert runs.empty and summarise(runs).empty and lines(summarise(runs)).empty
    assert set(lines(beside_paper(summarise(runs), how="outer"))["mR"]) == {""}


def test_a_seed_counts_once_and_only_equal_settings_data_and_noise_are_averaged(tmp_path):
    write_run(tmp_path / "a", 41.0, seed=3, device="cpu", images="here")
    write_run(tmp_path / "b", 43.0, seed=13, workers=2, images="there")
    write_run(tmp_path / "copy", 41.0, seed=3)
    write_run(tmp_path / "longer", 50.0, seed=25, epochs=9, auroc=None)
    change(write_run(tmp_path / "noise", 60.0, seed=25) / "run.json", noise="ee")
    change(write_run(tmp_path / "data", 70.0, seed=25) / "run.json", data={"train": "other"})
    table = summarise(read_results(tmp_path).runs)
    assert table["metric"].tolist() == 4 * list(METRICS)
    found = table.query("metric == 'mR'").set_index("mean")
    assert sorted(found.index) == [42.0, 50.0, 60.0, 70.0]
    assert found.loc[42.0, ["seeds", "least", "most"]].tolist() == [2, 41.0, 43.0]
    assert found.loc[42.0, "std"] == pytest.approx(2**0.5) and math.isnan(found.loc[50.0, "std"])
    assert found["low"].isna().all(), "no retrieval results, no interval"


def test_ours_stands_beside_the_papers_cell_and_elsewhere_is_empty(tmp_path):
    for seed, value in ((3, 45.0), (13, 47.0)):
        write_run(tmp_path / f"ours{seed}", value, data="rsitmd", noise_rate=0.0, seed=seed)
    write_run(tmp_path / "image", 20.0, data="rsitmd", noise_rate=0.2, protocol="image")
    write_run(tmp_path / "plain", 40.0, data="rsitmd", noise_rate=0.0, method="contrastive")
    both = beside_paper(summarise(read_results(tmp_path).runs), how="outer")
    assert both["paper"].notna().sum() == len(paper_results()), "every number once"
    shown = lines(both)
    assert all(isinstance(value, str) for value in shown.to_numpy().ravel())
    at_rsitmd = shown["data"].str.startswith("rsitmd")  # , shuffle, and , image: there are two protocols
    rsitmd = shown[at_rsitmd].set_index(["method", "noise"])[["mR", "paper mR", "source", "seeds"]]
    assert rsitmd.loc[("rrsitr", "0 %")].tolist() == ["46.00 ± 1.41", "46.10 ± 1.08", TABLE, "2 of 2"]
    assert rsitmd.loc[("contrastive", "0 %"), "paper mR"] == ""
    assert rsitmd.loc[("rrsitr", "20 %"), ["mR", "paper mR"]].tolist() == ["20.00", ""], "another protocol"
    assert rsitmd.loc[("RRSITR", "20 %")].tolist()[:2] == ["", "45.58"]
    assert rsitmd.loc[("chance", "")].tolist()[:2] == ["", "1.18"]
    assert (shown.loc[~at_rsitmd, "mR"] == "").all()


# --- text and figures ---


def test_markdown_html_latex_and_csv_hold_the_same_cells(results):
    table = study_table(results)
    shown = lines(table)
    html = FORMATS["html"](table)
    assert html.count("<td>") == shown.size and html.count("<tr") == 1 + len(shown)
    assert len(FORMATS["md"](table).splitlines()) == 2 + len(shown)
    tex = FORMATS["tex"](table)
    assert all(rule in tex for rule in (r"\toprule", r"\midrule", r"\bottomrule"))
    body = [line for line in tex.splitlines() if line.endswith(r"\\")]
    assert len(body) == 1 + len(shown) and all(line.count("&") == shown.shape[1] - 1 for line in body)
    assert not re.search(r"(?<!\\)%", tex), "a bare percent sign hides the rest of a line"
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"](table))))
    assert len(rows) == 8 * len(METRICS) + 2 * len(RECALLS), "cells, before training, chance"
    assert len(shown) == 8 + 2
    by_key = {(row["method"], row["noise_rate"], row["metric"]): row for row in rows}
    assert by_key["contrastive", "0.8000", "mR"]["paper"] == ""
    assert float(by_key["rrsitr", "0.8000", "mR"]["paper"]) == 35.93


def test_figure_over_noise_shows_every_method_and_no_single_point_of_a_variant(results):
    table = study_table(results)
    axis = over_noise(table, results.runs).axes[0]
    labels = axis.get_legend_handles_labels()[1]
    levels = {"chance, 2.65", "before training, 30.00"}
    assert {"rrsitr", "contrastive", "ncr", "rrsitr, paper"} | levels == set(labels)
    drawn = {bars.get_label(): bars.lines[0] for bars in axis.containers}
    for method in SHARES:
        wanted = table[(table["method"] == method) & (table["metric"] == "mR")].sort_values("noise_rate")["mean"]
        np.testing.assert_allclose(drawn[method].get_ydata().astype(float), wanted)


def test_figure_of_many_methods_reads_in_grey_names_every_line_and_lifts_those_of_interest(results):
    table = study_table(results)
    row = table[(table["metric"] == "mR") & (table["method"] == "contrastive")]
    names = ["contrastive", *(f"method {number}" for number in range(18))]
    axis = over_noise(pd.concat([row.assign(method=name, kind=name) for name in names])).axes[0]
    lines = {bars.get_label(): bars.lines[0] for bars in axis.containers}
    assert set(lines) == set(names)
    looks = {(line.get_linestyle(), line.get_marker()) for name, line in lines.items() if name != "contrastive"}
    colours = {line.get_color() for name, line in lines.items() if name != "contrastive"}
    assert len(looks) == 18 and len(colours) == 1 and lines["contrastive"].get_color() not in colours
    heights = {text.get_text(): text.get_position()[1] for text in axis.texts}
    assert set(heights) == set(names) and axis.get_legend() is None
    gaps = np.diff(sorted(heights.values()))
    inches = gaps / np.ptp(axis.get_ylim()) * axis.get_window_extent().height / axis.figure.dpi
    assert (inches > 0.1).all(), "equal lines, and still no name over another"


def test_figure_of_an_ablation(results):
    table = study_table(results)
    axis = ablation_bars(table, results.runs).axes[0]
    assert len(axis.patches) == 4 and "chance" in axis.get_legend_handles_labels()[1]
    assert {text.get_text() for text in axis.get_yticklabels()} == {
        f"{name} (rsitmd, 80%)" for name in ("rrsitr", "rrsitr, fixed margin", "ncr", "ncr, wide")}  # fmt: skip
    assert len(ablation_bars(table[table["kind"] == "rrsitr"], results.runs).axes[0].patches) == 2
    assert ablation_bars(table[table["method"] == table["kind"]], results.runs) is None, "no variant"


# --- words that mean something elsewhere ---


NAMES = ("half $$ price", "a$b$c", "x|y", "two\nlines", "<img src=x>", "\x1b[31mred", "\\frac $x", "#1 *a*")


@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_a_variant_is_shown_as_it_is_written(tmp_path, name):
    fix = {"encoder": "tiny", "noise_rate": 0.4, "epochs": 8}
    study = Study(name="s", runs=[Grid(fix=fix, variants={"full": {}, name: {"sigma": 0.3}})])
    for trial in plan(study):
        write_run(tmp_path / "s" / trial.name / "run", sigma=trial.config.sigma)
        write_outcome(tmp_path / "s" / trial.name, "done", 1.0)
    study.save(tmp_path / "s")
    results = read_results(tmp_path / "s")
    table = study_table(results)
    for figure in (over_noise(table, results.runs), ablation_bars(table, results.runs)):
        figure.savefig(tmp_path / "figure.png")
    shown = plan(study)[1].variant
    assert shown.isprintable() and "\n" not in shown
    assert any(shown in text.get_text() for text in ablation_bars(table, results.runs).findobj(Text))
    rows = FORMATS["md"](table).strip().splitlines()
    assert len(rows) == 6 and {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {rows[0].count("|")}
    page = FORMATS["html"](table)
    assert "<img" not in page and html.escape(shown, quote=False) in page and "tex2jax_ignore" in page
