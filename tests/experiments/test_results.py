"""Tables, figures and text of a study: by loops, with the paper beside, and nothing invented for what is missing."""

import csv
import io
import json
import re
import shutil

import numpy as np
import pytest
from experiments.run_folders import write_run
from papermill.exceptions import PapermillExecutionError

from rrsitr_lib.experiments.plan import plan
from rrsitr_lib.experiments.report_tables import FORMATS, lines, write_tables
from rrsitr_lib.experiments.results import comparison, missing, open_study, study_table, variance
from rrsitr_lib.experiments.study_figures import ablation_bars, over_noise, two_variances
from rrsitr_lib.experiments.study_file import Grid, Study
from rrsitr_lib.experiments.table import collect
from rrsitr_lib.experiments.trials import RUN, write_outcome
from rrsitr_lib.notebook_run import NOTEBOOKS, run
from rrsitr_lib.training.retrieval_results import RetrievalResults

BASE = {"encoder": "vit-b-32", "data": "rsitmd", "images": "data/rsitmd"}
IMAGES = 60


def test_set(generator, share):
    """RetrievalResults in which a share of the questions is answered at the first place, the others nowhere."""

    def places(questions):
        return np.where(generator.random(questions) < share, 1, 50)

    none = np.zeros((0, 1))
    return RetrievalResults(np.arange(IMAGES).repeat(5), none, none, none, places(5 * IMAGES), none, none, none,
                            places(IMAGES), np.array(0.1), np.array([]))  # fmt: skip


test_set.__test__ = False


SHARES = {"rrsitr": 0.6, "contrastive": 0.4}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two methods, two rates, three seeds, an ablation row and two more draws of the noise; one cell is not done, one
    failed. Questions answered at the first place: RRSITR 60 %, plain training 40 %."""
    root = tmp_path_factory.mktemp("runs")
    grids = [
        Grid(fix=BASE, axes={"method": ["rrsitr", "contrastive"], "noise_rate": [0.4, 0.8], "seed": [3, 13, 25]}),
        Grid(fix={**BASE, "noise_rate": 0.8}, axes={"seed": [3, 13]}, variants={"fixed margin": {"triplet": "fixed"}}),
        Grid(fix={**BASE, "noise_rate": 0.4, "seed": 3}, axes={"noise_seed": [43, 44]}),
    ]
    study = Study(name="s", title="A study", runs=grids)
    study.save(root / "s")
    generator = np.random.default_rng(0)
    for number, cell in enumerate(plan(study)):
        place = root / "s" / cell.name
        if number == 0:
            continue
        if number == 1:
            write_outcome(place, "failed", 1.0, "RunError: loss not finite")
            continue
        rankings = test_set(generator, SHARES[cell.config.method])
        given = {**BASE, "method": cell.config.method, "noise_rate": cell.config.noise_rate, "seed": cell.config.seed,
                 "noise_seed": cell.config.noise_seed, "settings": cell.config.settings, "epochs": 50}  # fmt: skip
        write_run(place / RUN, **given)
        result = json.loads((place / RUN / "result.json").read_text())
        result |= {"test": rankings.recalls(), "seconds": 10.0}
        (place / RUN / "result.json").write_text(json.dumps(result))
        rankings.save(place / RUN)
        write_outcome(place, "done", 12.0)
    return root / "s"


@pytest.fixture(scope="module")
def opened(folder):
    return open_study(folder)


def test_every_planned_cell_has_a_row_and_what_is_missing_has_no_number(opened):
    assert len(opened.runs) == 12 + 2 + 2
    absent = opened.runs[~opened.runs["cell"].isin(opened.hits)]
    assert absent["state"].tolist() == ["waiting", "failed"] and absent["mR"].isna().all()
    assert missing(opened) == absent["cell"].tolist()
    assert opened.left_out == {absent["cell"].iloc[1]: "RunError: loss not finite"}


def test_means_deviations_and_seeds_by_a_loop(opened):
    table = study_table(opened)
    for row in table.itertuples():
        values = []
        for one in opened.runs.itertuples():
            if (one.method, one.noise_rate, one.noise_seed) == (row.method, row.noise_rate, 42):
                value = getattr(one, row.metric) if row.metric == "mR" else opened.runs.loc[one.Index, row.metric]
                values += [] if np.isnan(value) else [value]
        assert row.seeds == len(values)
        assert row.mean == pytest.approx(np.mean(values))
        assert np.isnan(row.std) if len(values) == 1 else row.std == pytest.approx(np.std(values, ddof=1))
        assert row.low < row.mean < row.high


def test_seeds_done_of_planned(opened):
    shown = lines(study_table(opened)).set_index(["noise", "method"])["seeds"]
    assert shown["40 %", "rrsitr"] == "1 of 3" and shown["80 %", "rrsitr"] == "3 of 3"
    assert shown["80 %", "rrsitr, fixed margin"] == "2 of 2"


def test_paper_stands_beside_with_its_source(opened):
    shown = lines(study_table(opened)).set_index(["noise", "method"])
    assert shown.loc[("80 %", "rrsitr"), "paper mR"] == "35.93"
    assert shown.loc[("80 %", "rrsitr, fixed margin"), ["paper mR", "source"]].tolist() == [
        "33.90", "secondary source, ablation"]  # fmt: skip
    assert shown.loc[("80 %", "contrastive"), "paper mR"] == "", "the paper has no such row"
    assert shown.loc[("80 %", "rrsitr"), "differs"] == "0"


def test_comparison_pairs_equal_seeds_and_noise(opened):
    found = comparison(opened).set_index("noise_rate")
    assert found["seeds"].tolist() == [1, 3], "at 40 % only one seed of RRSITR is done"
    runs = opened.runs.query("noise_rate == 0.8 and noise_seed == 42").pivot_table("mR", "seed", "method")
    expected = (runs["rrsitr"] - runs["contrastive"]).tolist()
    assert list(found.loc[0.8, "by_seed"]) == pytest.approx(expected) and found.loc[0.8, "wins"] == 3
    assert 0 < found.loc[0.8, "low"] < found.loc[0.8, "difference"] < found.loc[0.8, "high"]


def test_gain_stands_in_the_table_with_its_interval(opened):
    table, found = study_table(opened), comparison(opened).set_index("noise_rate")
    gains = table[table["gain"].notna()]
    assert gains["method"].tolist() == ["rrsitr"] * 2 and set(gains["metric"]) == {"mR"}
    assert gains.set_index("noise_rate")["gain"].to_dict() == found["difference"].to_dict()
    shown = lines(table).set_index(["noise", "method"])["gain over contrastive"]
    assert shown["80 %", "rrsitr"] == "{:+.2f} ({:+.2f} to {:+.2f})".format(
        *found.loc[0.8, ["difference", "low", "high"]]
    )
    assert shown["80 %", "contrastive"] == shown["80 %", "rrsitr, fixed margin"] == ""


def test_variances_hold_the_other_source_fixed(opened):
    moved = variance(opened)
    (by_noise,) = moved[moved["what"] == "noise seed"].itertuples()
    drawn = opened.runs[opened.runs["noise_seed"].isin([43, 44])]["mR"]
    assert by_noise.runs == 2 and by_noise.std == pytest.approx(drawn.std()), (
        "seed 3 at seed 42 of the noise is not done"
    )
    assert set(moved[moved["what"] == "training seed"]["runs"]) == {2, 3}
    assert two_variances(moved) is None, "no setting has both yet"


def test_variance_over_the_noise_beside_that_over_the_seeds(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "s")
    cells = plan(Study.read(copy))
    first = next(cell for cell in cells if cell.name not in open_study(folder).hits)
    donor = next(cell for cell in cells if cell.config.noise_seed == 43)
    shutil.copytree(copy / donor.name, copy / first.name)
    config = (copy / first.name / RUN / "config.yaml").read_text().replace("noise_seed: 43", "noise_seed: 42")
    (copy / first.name / RUN / "config.yaml").write_text(config)
    opened = open_study(copy)
    moved = variance(opened).query("method == 'rrsitr' and noise_rate == 0.4").set_index("what")
    assert moved.loc["noise seed", "runs"] == 3 and moved.loc["training seed", "runs"] == 2
    values = opened.runs.query("method == 'rrsitr' and noise_rate == 0.4 and seed == 3")["mR"]
    assert moved.loc["noise seed", "std"] == pytest.approx(values.std())
    assert two_variances(variance(opened)) is not None


def test_csv_is_read_by_others(opened):
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"](study_table(opened)))))
    assert len(rows) == 5 * 7
    by_key = {(row["method"], row["noise_rate"], row["metric"]): row for row in rows}
    assert by_key["contrastive", "0.8000", "mR"]["paper"] == ""
    assert float(by_key["rrsitr", "0.8000", "mR"]["paper"]) == 35.93


def test_markdown_html_and_latex_hold_the_same_cells(opened, tmp_path):
    table = study_table(opened)
    shown = lines(table)
    html = FORMATS["html"](table)
    assert html.count("<td>") == shown.size and html.count("<tr") == 1 + len(shown)
    markdown = FORMATS["md"](table).splitlines()
    assert len(markdown) == 2 + len(shown)
    tex = FORMATS["tex"](table)
    assert all(rule in tex for rule in (r"\toprule", r"\midrule", r"\bottomrule"))
    body = [line for line in tex.splitlines() if line.endswith(r"\\")]
    assert len(body) == 1 + len(shown) and all(line.count("&") == shown.shape[1] - 1 for line in body)
    assert not re.search(r"(?<!\\)%", tex), "a bare percent sign hides the rest of a line"
    assert [path.suffix for path in write_tables(table, tmp_path)] == [".md", ".tex", ".csv", ".html"]


def test_figures_show_the_tables(opened):
    table = study_table(opened)
    axis = over_noise(table, opened.runs).axes[0]
    labels = axis.get_legend_handles_labels()[1]
    assert "rrsitr" in labels and "rrsitr, paper" in labels and any(label.startswith("chance") for label in labels)
    line = next(line for line in axis.lines if line.get_label() == "contrastive")
    wanted = table.query("method == 'contrastive' and metric == 'mR'")["mean"]
    np.testing.assert_allclose(line.get_ydata(), wanted)
    bars = ablation_bars(table, opened.runs).axes[0]
    assert len(bars.patches) == 2 and "chance" in bars.get_legend_handles_labels()[1]


def test_study_without_variants_has_no_ablation(opened):
    table = study_table(opened).query("method == 'rrsitr'")
    assert ablation_bars(table, opened.runs) is None


def test_nothing_done_is_an_empty_table(tmp_path):
    Study(name="s", runs=[Grid(fix={"encoder": "tiny"}, axes={"seed": [3, 13]})]).save(tmp_path / "s")
    opened = open_study(tmp_path / "s")
    shown = lines(study_table(opened))
    assert shown["mR"].tolist() == [""] and shown["seeds"].tolist() == ["0 of 2"]
    assert comparison(opened).empty and variance(opened).empty and len(missing(opened)) == 2


def test_damaged_run_is_named_and_left_out(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "s")
    cell = next(iter(open_study(copy).hits))
    (copy / cell / RUN / "retrieval.npz").write_bytes(b"PK")
    assert "retrieval.npz" in open_study(copy).left_out[cell]
    (copy / cell / RUN / "result.json").unlink()
    assert "no result.json" in open_study(copy).left_out[cell]


# --- the folder, and the lesson that reads it ---


@pytest.fixture
def borrower(folder, tmp_path):
    """A study beside the other one, whose three cells the other one planned too: one failed, two are done."""
    root = shutil.copytree(folder.parent, tmp_path / "runs")
    Study(
        name="t",
        runs=[
            Grid(fix=BASE, axes={"noise_rate": [0.4, 0.8], "seed": [13]}),
            Grid(fix={**BASE, "method": "contrastive"}, axes={"noise_rate": [0.4]}),
        ],
    ).save(root / "t")
    return root / "t"


def test_cells_of_another_study_are_collected_too(borrower):
    assert open_study(borrower).runs["state"].tolist() == ["failed", "done", "done"]
    runs, left_out = collect(borrower)
    assert sorted(zip(runs["method"], runs["noise_rate"], strict=True)) == [("contrastive", 0.4), ("rrsitr", 0.8)]
    assert left_out == {} and all(path.startswith("s/") for path in runs["path"])


def test_a_study_may_be_named_by_a_dot(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert study_table(open_study(".")).equals(study_table(open_study(folder)))
    assert len(collect(".").runs) == len(open_study(".").hits)


def test_lesson_09_reads_a_study_that_is_not_whole(borrower):
    run(NOTEBOOKS / "09_reproduction.ipynb", borrower / "lesson.ipynb", {"STUDY": "t"}, borrower.parent)
    said = (borrower / "lesson.ipynb").read_text()
    assert "2 of 3 cells are done, methods: rrsitr, contrastive" in said


def test_lesson_09_says_that_nothing_is_done(tmp_path):
    Study(name="s", runs=[Grid(fix={"encoder": "tiny"})]).save(tmp_path / "s")
    with pytest.raises(PapermillExecutionError, match="s: no cell of this study is done yet"):
        run(NOTEBOOKS / "09_reproduction.ipynb", tmp_path / "lesson.ipynb", {"STUDY": "s"}, tmp_path)
