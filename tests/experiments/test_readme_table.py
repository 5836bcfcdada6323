"""The README's tables of results are what the committed files give, and say what the study's table says."""

import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from experiments.run_folders import drawn_results, finished_study
from test_cli import rrsitr

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.ranking import ranking, ranking_text
from rrsitr_lib.experiments.readme_table import read_table, readme_table
from rrsitr_lib.experiments.report_tables import FORMATS, comparison_text, lines
from rrsitr_lib.experiments.results import read_results
from rrsitr_lib.experiments.study_file import Grid, Study
from rrsitr_lib.experiments.summary import comparison, study_table
from rrsitr_lib.files import read_json
from rrsitr_lib.registry import METHODS

ROOT = Path(__file__).parents[2]
MARKED = re.compile(r"<!-- (results/\S+\.csv) -->\n(.*?)<!-- end -->", re.DOTALL)
SHARES = {"contrastive": 0.3, "rrsitr": 0.8, "ncr": 0.2}


def differing(root):
    """Tables of a README that are not what their files give; files without a table."""
    tables = dict(MARKED.findall((root / "README.md").read_text(encoding="utf-8")))
    files = {path.relative_to(root).as_posix() for path in root.glob("results/*.csv")}
    wrong = {
        name for name in tables.keys() & files if tables[name].strip() != readme_table(read_table(root / name)).strip()
    }
    return wrong | (tables.keys() ^ files)


def test_the_readmes_results_are_those_of_the_committed_files():
    assert not differing(ROOT)


@pytest.mark.parametrize("name", [path.stem for path in ROOT.glob("results/*.zip")])
def test_what_is_said_of_a_study_follows_from_its_committed_records(name, tmp_path):
    with zipfile.ZipFile(ROOT / "results" / f"{name}.zip") as archive:
        archive.extractall(tmp_path)
    results = read_results(tmp_path / name)
    said = {kind: (ROOT / "results" / kind / f"{name}.md").read_text() for kind in ("against_rrsitr", "ranking")}
    assert said == {
        "against_rrsitr": comparison_text(comparison(results, "rrsitr")),
        "ranking": ranking_text(ranking(results)),
    }
    assert (ROOT / "results" / f"{name}.csv").read_text() == FORMATS["csv"](study_table(results))


def test_differences_of_the_lessons_runs_follow_from_their_records(capsys):
    assert rrsitr("study", "compare", ROOT / "notebooks" / "records", "--against", "rrsitr") == 0
    assert capsys.readouterr().out == (ROOT / "results" / "against_rrsitr" / "lesson.md").read_text()


def test_the_seed_that_rows_of_one_seed_have():
    result = read_json(ROOT / "notebooks" / "records" / "rrsitr_0.6_3" / "result.json")
    assert round(result["test"]["mR"], 1) == 28.7, "one seed, 3, with which RRSITR has 28.7"


def test_what_the_readme_says_of_all_of_rsicd():
    plain, rrsitr = (pd.read_csv(ROOT / "results" / "rsicd_80" / f"{name}.csv") for name in ("contrastive", "rrsitr"))
    assert len(plain) == len(rrsitr) == 13, "twelve epochs and the start"
    assert plain["auroc"].idxmax() <= 5 and plain["auroc"].max() - plain["auroc"].iloc[-1] > 0.015, "its AUROC falls"
    assert np.ptp(plain["val_mR"].iloc[6:]) < 0.5 < rrsitr["val_mR"].iloc[-1] - plain["val_mR"].max(), "stands still"
    assert rrsitr["auroc"].max() - rrsitr["auroc"].iloc[-1] < 0.005, "RRSITR's holds"
    minutes = [f"{run['seconds'].iloc[1:11].sum() / 60:.1f}" for run in (plain, rrsitr)]
    text = " ".join((ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8").split())
    assert f"took {minutes[0]} and {minutes[1]} minutes" in text
    at_60 = pd.read_csv(ROOT / "results" / "rsicd_60" / "contrastive.csv")
    assert at_60["auroc"].idxmax() == 6 and np.ptp(at_60["val_mR"].iloc[8:]) < 0.5, "with 60 % in epoch six"
    oracle = pd.read_csv(ROOT / "results" / "rsicd_80" / "oracle.csv")
    same = (oracle["val_mR"] == plain["val_mR"]).to_numpy()
    assert same[:6].all() and not same[6:].any(), "like contrastive training for five epochs"
    recall = read_table(ROOT / "results" / "rsicd.csv").query("metric == 'mR'")
    means = recall.pivot_table(index="noise_rate", columns="kind", values="mean").loc[[0.6, 0.8]]
    above = means["rrsitr"] - means["linear probe"]
    assert above.between(0.7, 1.3).all() and (means[["contrastive", "rcl"]].max(axis=1) < means["linear probe"]).all()
    against = differences("results/against_rrsitr/rsicd.md")
    for noise, told in (("60", False), ("80", True)):
        assert against[noise, "gce, plain epochs first: 1"][1] < 0 < against[noise, "gce, plain epochs first: 1"][2]
        assert all(against[noise, name][2] < 0 for name in ("contrastive", "rcl, plain epochs first: 1"))
        assert (against[noise, "oracle"][1] > 0) == told


def differences(path):
    """By noise and method: a difference to RRSITR as its file has it, and the ends of its interval."""
    found = re.findall(r"\| (\d+) % +\| (.+?) +\| (\S+ \((\S+) to (\S+)\))", (ROOT / path).read_text(encoding="utf-8"))
    return {(noise, method): (said, float(low), float(high)) for noise, method, said, low, high in found}


def sharing_a_letter(path, noise):
    """Methods that a ranking does not tell apart from RRSITR, all pairs compared at once."""
    part = (ROOT / path).read_text(encoding="utf-8").partition(f"{noise} % noise")[2].partition("mean of")[2]
    rows = re.findall(r"\| \d+ +\| (.+?) +\| \S+ +\| (\w+) +\|", part.partition("mean of")[0])
    own = dict(rows)["rrsitr"]
    return {method for method, letters in rows if method != "rrsitr" and set(letters) & set(own)}


def by_method(name, metric="mR", column="mean"):
    """A column of a kept table. **Shape** (methods and variants, noise rates)."""
    table = read_table(ROOT / "results" / name).query(f"metric == '{metric}'")
    return table.pivot_table(index="method", columns="noise_rate", values=column)


def test_what_the_readme_says_of_the_rivals():
    every = by_method("rivals.csv")
    before = read_table(ROOT / "results" / "rivals.csv").query("metric == 'mR' and method == 'before training'")
    before = before["mean"].item()
    assert every.loc["rrsitr, chance-relative thresholds", 0.6] < before
    means = every.loc[[*METHODS]]
    ahead = {rate: {*means.index[means[rate] > means.loc["rrsitr", rate]]} for rate in means}
    above = {"rcl", "gce", "crcl", "monotone", "oracle"}
    told = {0.4: above, 0.6: {"oracle", "gce"}, 0.8: {"oracle", "monotone"}}
    assert {rate: ahead[rate] for rate in told} == told
    assert (means[0.8].dropna() < before).all(), "at 80 % all end below the start"
    assert means.loc["contrastive", 0.6] < before and 0.4 < (means[0.6] < before).mean() < 0.65, "half of the methods"
    against = differences("results/against_rrsitr/rivals.md")
    assert against["20", "contrastive"][2] < 0 < against["20", "oracle"][1], "at 20 % still ahead, and the oracle of it"
    for name, points in (("contrastive", "+4.86"), ("rcl", "+2.78")):
        said, low, _ = against["0", name]
        assert said.split()[0] == points and low > 0, "without noise it costs"
    assert against["0", "gce"][1] < 0 < against["0", "gce"][2]
    within = {(noise, name) for (noise, name), (_, low, high) in against.items() if low < 0 < high and name in METHODS}
    at_60 = {"gce", "monotone", "sce", "crcl"}
    assert {name for noise, name in within if noise == "60"} == at_60 and {("40", name) for name in above} <= within
    assert {name for noise, name in within if noise == "80"} == {"oracle", "monotone", "gce", "bicro"}
    alike = sharing_a_letter("results/ranking/rivals.md", 60) & METHODS.keys()
    assert alike == at_60 | {"rde", "cream", "rcl", "bicro"}
    last = by_method("rivals.csv", "best_epoch", "most")
    assert (last.loc[["ncr", "ncr2", "bicro"], [0.4, 0.6]] == 1).all(axis=None), "best after their first epoch"
    assert (last.loc[["vsepp", "vsepp, margin 0.6"], 0.6] == 1).all()
    assert means.loc["vsepp", 0.6] == every.loc["vsepp, margin 0.6", 0.6], "whatever its margin"
    assert last.loc["decl", 0.6] <= 5 == METHODS["decl"].Settings().warmup_epochs
    assert round(means.loc["contrastive2", 0.6] - means.loc["contrastive", 0.6], 1) == 1.6
    assert abs(means.loc["contrastive2", 0.4] - means.loc["contrastive", 0.4]) < 0.3, "level at 40 %"
    to_two = differences("results/against_contrastive2/rivals.md")
    ahead = {name: [to_two[noise, name][1] > 0 for noise in ("40", "60")] for name in ("cream", "ncr", "ncr2", "bicro")}
    assert ahead == {"cream": [False, True], "ncr": [False] * 2, "ncr2": [False] * 2, "bicro": [False] * 2}
    assert round(means.loc["stopping", 0.6], 1) == 11.8
    assert [against["60", name][0].split()[0] for name in ("stopping", "contrastive")] == ["-4.77", "-7.17"]


def claims(readme):
    """Rows of the README's claims: noise, what stands in RRSITR's place, difference, seeds ahead, file, verdict."""
    section = readme.partition("## Which of the paper's claims")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("|")]
    for _, instead, where, difference, wins, verdict in rows[2:]:
        path, noise = re.fullmatch(r"\[.+\]\((\S+)\), (\d+) %", where).groups()
        yield noise, instead, difference, wins, path, verdict


def test_every_claim_of_the_paper_has_its_difference_from_the_tables():
    found = [*claims((ROOT / "README.md").read_text(encoding="utf-8"))]
    assert len(found) > 10
    for noise, instead, difference, wins, path, verdict in found:
        said, low, high = differences(path)[noise, instead]
        assert difference == said, (noise, instead)
        assert re.search(rf"{re.escape(said)} +\| {wins} +\|", (ROOT / path).read_text(encoding="utf-8"))
        assert verdict == ("yes" if high < 0 else "no" if low > 0 else "not told apart"), (noise, instead)


def test_what_the_readme_says_of_the_rivals_on_real_images():
    means, best = by_method("rivals-real.csv"), by_method("rivals-real.csv", "best_epoch", "most")
    for noise in (0.4, 0.6):
        assert means[noise].idxmax() == "linear probe"
        below = {"vsepp", "ncr", "decl", "smoothing", "stopping", "global"}
        assert {*means.index[means[noise] < means.loc["contrastive", noise]]} == below
        assert means.loc["vsepp", noise] == means.loc["decl", noise]
    assert (means.loc["linear probe", 0.4] - means.loc[["crcl", "cream"], 0.4] < 1).all(), "come within a point of it"
    assert abs(means.loc["cream", 0.6] - means.loc["oracle", 0.6]) < 1
    plain = RunConfig.build(encoder="lite", train="heads").plain_epochs
    assert (best.loc[["vsepp", "decl"], [0.4, 0.6]] == plain).all(axis=None) and best.loc["bicro", 0.6] == plain == 4
    against = differences("results/against_rrsitr/rivals-real.md")
    ahead = {
        noise: {name for (at, name), (_, low, _) in against.items() if low > 0 and at == noise}
        for noise in ("40", "60")
    }
    methods = means.index.intersection([*METHODS])
    assert means.loc[methods, 0.2].notna().sum() == 5 and against["20", "crcl"][1] > 0
    both = {"oracle", "cream", "ncr2", "crcl", "gce", "sce", "linear probe"}
    assert ahead == {"40": both, "60": both | {"mixture", "monotone"}}
    assert {"ncr2", "sce", "gce", "oracle"} <= sharing_a_letter("results/ranking/rivals-real.md", 40)
    assert not {"crcl", "cream"} & sharing_a_letter("results/ranking/rivals-real.md", 40)
    assert (means.loc["contrastive2"] - means.loc["contrastive"])[[0.4, 0.6]].between(4.5, 5.5).all(), "five points"
    of_rrsitr = [against[noise, "contrastive2"] for noise in ("40", "60")]
    assert all(low < 0 < high for _, low, high in of_rrsitr), "not told apart from RRSITR with its one"
    to_two = differences("results/against_contrastive2/rivals-real.md")
    ahead = {name: [to_two[noise, name][1] > 0 for noise in ("40", "60")] for name in METHODS if name != "contrastive2"}
    assert ahead["cream"] == ahead["crcl"] == [True, True] and ahead["ncr2"] == [False, True]
    assert not any(ahead["bicro"] + ahead["rrsitr"] + ahead["gce"])


def table_after(heading):
    """Cells of the README's first table below some words, row by row without its head."""
    text = (
        (ROOT / "README.md").read_text(encoding="utf-8").partition(heading)[2].partition("\n|")[2].partition("\n\n")[0]
    )
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def numbers(cell):
    """The numbers of a cell, without its marks."""
    return [float(value) for value in re.findall(r"\d+\.?\d*", cell)]


def test_what_the_readme_says_of_the_linear_probe_at_every_rate():
    kept, rows = by_method("rivals-real.csv").loc["linear probe"].round(1), table_after("## The same on real images")
    for noise, _, ours, oracle, probe, _ in rows:
        rate = numbers(noise)[0] / 100
        assert float(probe) == kept[rate] > numbers(ours)[0], "above RRSITR's at every rate"
        assert not oracle or (kept[rate] > numbers(oracle)[0]) == (rate < 0.8), "up to 60 % noise above the oracle's"
    assert len(rows) == 5 and round(kept[0.0] - kept[0.6], 1) == 1.0, "up to there it loses a point"


def test_what_the_readme_says_of_the_audits_estimates():
    rows = table_after("Other draws of the noise")
    off = {"`shuffle`": [], "`image`": []}
    for where, true, estimated, f1, wrong in rows:
        (rate,) = numbers(true)
        off[where.split()[-1]] += [abs(value - rate) for value in numbers(estimated)]
        assert rate != 20 or all(0.74 <= value <= 0.77 for value in numbers(f1))
        assert rate < 20 or max(numbers(wrong)) <= 21
    assert len(off["`image`"]) == 30 and sum(value > 5 for value in off["`image`"]) == 4, "four of thirty"
    assert sorted(off["`shuffle`"])[-2] <= 4 < max(off["`shuffle`"]), "every other within four points"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    axes = {"method": [*SHARES], "noise_rate": [0.0, 0.4], "seed": [3, 13]}
    clean = Grid(fix={"encoder": "tiny", "epochs": 8}, axes=axes)
    odd = Grid(fix={"encoder": "tiny", "epochs": 8, "noise_rate": 0.4}, variants={"a|b": {"sigma": 0.3}})
    generator, root = np.random.default_rng(0), tmp_path_factory.mktemp("runs")
    study = Study(name="s", runs=[clean, odd])
    folder = finished_study(study, root, lambda config: drawn_results(generator, SHARES[config.method]))
    return study_table(read_results(folder))


def test_a_table_that_differs_is_found(table, tmp_path):
    kept = tmp_path / "results" / "s.csv"
    kept.parent.mkdir()
    kept.write_text(FORMATS["csv"](table))
    text = f"# A\n\n<!-- results/s.csv -->\n{readme_table(read_table(kept))}<!-- end -->\n"
    for content, wrong in ((text, set()), (text.replace("rrsitr", "other"), {"results/s.csv"}),
                           (text.replace(" ± ", " +- "), {"results/s.csv"}), ("# A\n", {"results/s.csv"}),
                           (text.replace("results/s", "results/t"), {"results/s.csv", "results/t.csv"})):  # fmt: skip
        (tmp_path / "README.md").write_text(content)
        assert differing(tmp_path) == wrong


def cells_of(text):
    head, _, *rows = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.splitlines() if line
    ]
    return {row[0]: dict(zip(head, row, strict=True)) for row in rows}


def test_a_line_a_method_a_column_a_rate_bold_where_the_gain_is_sure(table):
    shown = cells_of(readme_table(table))
    assert list(shown) == [*SHARES, r"rrsitr, a\|b", "before training", "chance"]
    of = table[table["metric"] == "mR"].set_index(["method", "noise_rate"])
    for method in SHARES:
        for rate, column in ((0.0, "mR, 0%"), (0.4, "mR, 40%")):
            cell = of.loc[(method, rate)]
            text = f"{cell['mean']:.1f} ± {cell['std']:.1f}"
            assert shown[method][column] == (f"**{text}**" if method == "rrsitr" else text)
        assert shown[method]["networks"] == "1"
        assert shown[method]["AUROC, 40%"] == "0.90"
    assert shown[r"rrsitr, a\|b"]["mR, 0%"] == "" and "±" not in shown[r"rrsitr, a\|b"]["mR, 40%"]
    assert shown["chance"]["mR, 0%"] == shown["chance"]["mR, 40%"] == "2.6" and shown["chance"]["networks"] == ""


def test_rates_and_protocols_do_not_share_a_column(table):
    near = table.assign(noise_rate=table["noise_rate"].replace({0.0: 0.12, 0.4: 0.125}))
    head = next(iter(cells_of(readme_table(near)).values()))
    assert "mR, 12%" in head and "mR, 12.5%" in head
    two = pd.concat([table, table.assign(protocol="hard")])
    assert re.findall(r"^scenes, tiny, (\w+):$", readme_table(two), re.M) == ["shuffle", "hard"]
    assert set(lines(two)["data"]) == {"scenes, shuffle", "scenes, hard"}


def test_a_table_without_a_number_prints_nothing(table, tmp_path, capsys):
    (tmp_path / "s.csv").write_text(FORMATS["csv"](table.assign(mean=np.nan)))
    assert rrsitr("study", "table", tmp_path / "s.csv", "--format", "readme") == 0 and capsys.readouterr().out == ""


def test_a_kept_table_is_printed_in_every_form(table, tmp_path, capsys):
    path = tmp_path / "s.csv"
    path.write_text(FORMATS["csv"](table))
    kept = read_table(path)
    for form, wanted in (("readme", readme_table(kept)), ("md", FORMATS["md"](kept)), ("csv", path.read_text())):
        assert rrsitr("study", "table", path, "--format", form) == 0
        assert capsys.readouterr().out == wanted
    for name in ("mean", "std", "gain", "cost", "low", "paper"):
        np.testing.assert_allclose(kept[name], table[name].astype(float), atol=6e-5)
    assert lines(kept)[["noise", "method", "seeds", "networks"]].equals(
        lines(table)[["noise", "method", "seeds", "networks"]])  # fmt: skip


@pytest.mark.parametrize(("content", "message"), [
    (None, "not readable as CSV"), ("", "not readable as CSV"), ("a,b\n1,2\n", "no column data"),
])  # fmt: skip
def test_another_file_is_refused(content, message, tmp_path):
    if content is not None:
        (tmp_path / "s.csv").write_text(content)
    with pytest.raises(InputError, match=message):
        read_table(tmp_path / "s.csv")


@pytest.mark.parametrize("column", ["noise_rate", "mean", "networks", "gain_low", "planned"])
def test_a_word_in_the_place_of_a_number_is_named(column, table, tmp_path):
    (tmp_path / "s.csv").write_text(table.assign(**{column: ["many", *table[column][1:]]}).to_csv(index=False))
    with pytest.raises(InputError, match=rf"s.csv: line 2: {column} is 'many': allowed is a number"):
        read_table(tmp_path / "s.csv")
