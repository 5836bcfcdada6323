"""A ranking tells apart what it can: against loops, known cases, and how often it is wrong where nothing differs."""

from itertools import combinations

import numpy as np
import pytest
from experiments.run_folders import drawn_results, finished_study
from test_cli import rrsitr

from rrsitr_lib.experiments.engine import run_study
from rrsitr_lib.experiments.ranking import letters, ranking, ranking_text, told_apart
from rrsitr_lib.experiments.report_tables import COMPARED, comparison_text
from rrsitr_lib.experiments.results import read_results
from rrsitr_lib.experiments.study_figures import ranking_figure
from rrsitr_lib.experiments.study_file import Grid, Study
from rrsitr_lib.experiments.summary import comparison
from rrsitr_lib.experiments.uncertainty import HitCounts, resampled

SHARES = {"contrastive": 0.3, "rrsitr": 0.7, "ncr": 0.31, "oracle": 0.72}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two rates, two seeds; the oracle not without noise; one variant at one rate."""
    fix = {"encoder": "tiny", "epochs": 8}
    noisy = {"seed": [3, 13], "noise_rate": [0.4], "method": [*SHARES]}
    clean = {"seed": [3, 13], "noise_rate": [0.0], "method": [name for name in SHARES if name != "oracle"]}
    wide = Grid(fix={**fix, "method": "ncr", "noise_rate": 0.4}, axes={"seed": [3, 13]},
                variants={"wide": {"margin": 0.5}})  # fmt: skip
    study = Study(name="s", runs=[Grid(fix=fix, axes=noisy), Grid(fix=fix, axes=clean), wide])
    generator = np.random.default_rng(0)
    root = tmp_path_factory.mktemp("runs")
    return finished_study(study, root, lambda config: drawn_results(generator, SHARES[config.method]))


@pytest.fixture(scope="module")
def table(folder):
    return ranking(read_results(folder))


def test_methods_are_ranked_by_the_mean_of_their_cells_at_every_rate_and_over_all(table, folder):
    runs = read_results(folder).runs
    for rate, wanted in ((0.4, [0.4]), (0.0, [0.0]), (None, [0.0, 0.4])):
        part = table[table["noise_rate"].isna() if rate is None else table["noise_rate"] == rate]
        own = runs[runs["noise_rate"].isin(wanted)]
        for row in part.itertuples():
            assert row.mR == pytest.approx(own[own["method"] == row.method]["mR"].mean())
        assert part["place"].tolist() == list(range(1, 1 + len(part)))
        assert part["mR"].is_monotonic_decreasing and set(part["cells"]) == {2 * len(wanted)}
    everywhere = set(table[table["noise_rate"].isna()]["method"])
    assert everywhere == {"contrastive", "rrsitr", "ncr"}, "neither the oracle nor the variant has every cell"
    assert set(table[table["noise_rate"] == 0.4]["method"]) == {*SHARES, "ncr, wide"}


def test_methods_are_ranked_among_runs_of_one_size(tmp_path):
    fix, sizes = {"encoder": "tiny", "epochs": 8, "noise_rate": 0.4}, [{"scenes": 41}, {"scenes": 82}]
    axes = {"size": sizes, "method": ["contrastive", "rrsitr"], "seed": [3, 13]}
    generator = np.random.default_rng(0)
    study = Study(name="s", runs=[Grid(fix=fix, axes=axes)])
    folder = finished_study(study, tmp_path, lambda config: drawn_results(generator, 0.2 + config.scenes / 200))
    found, runs = ranking(read_results(folder)), read_results(folder).runs
    assert found["cells"].tolist() == [2] * 4, "two rankings"
    assert sorted(found["mR"]) == pytest.approx(sorted(runs.groupby(["setup", "method"])["mR"].mean()))


def test_mean_place_by_a_loop(table, folder):
    runs = read_results(folder).runs.query("noise_rate == 0.4")
    part = table[table["noise_rate"] == 0.4].set_index("method")["mean_place"]
    for method in SHARES:
        places = []
        for seed in (3, 13):
            cell = runs[runs["seed"] == seed].set_index("method")["mR"]
            places.append(1 + (cell > cell[method]).sum())
        assert part[method] == np.mean(places)


def test_far_methods_are_told_apart_and_near_ones_share_a_letter(table):
    shown = table[table["noise_rate"] == 0.4].set_index("method")["letters"]
    assert set(shown["rrsitr"]) & set(shown["oracle"]) and set(shown["contrastive"]) & set(shown["ncr"])
    assert not set(shown["rrsitr"]) & set(shown["contrastive"])


def test_letters_are_shared_exactly_by_those_that_are_not_told_apart():
    generator = np.random.default_rng(0)
    for methods in (1, 2, 5, 8):
        for _ in range(20):
            apart = generator.random((methods, methods)) < 0.5
            apart = np.triu(apart, 1) | np.triu(apart, 1).T
            found = letters(apart)
            for one, other in combinations(range(methods), 2):
                assert bool(set(found[one]) & set(found[other])) != apart[one, other]
    assert letters(np.zeros((3, 3), dtype=bool)) == ["a", "a", "a"]


def test_equal_methods_are_all_together_taken_for_different_in_five_of_a_hundred_test_sets():
    """Five methods whose hits differ by chance alone: by single intervals some pair would differ in about a third."""
    generator, wrong, trials = np.random.default_rng(0), 0, 100
    for _ in range(trials):
        hits = (generator.random((5, 60, 1)) < 0.5).repeat(6, axis=2).astype(float)
        counts = [HitCounts(one, np.ones((60, 2))) for one in hits]
        draws = np.stack([resampled(one, 200)[:, -1] for one in counts], axis=1)
        wrong += told_apart(draws, np.array([one.mean_recall() for one in counts])).any()
    assert 0 < wrong / trials < 0.12


def test_what_no_resampling_moves_is_apart_where_it_differs_at_all():
    draws = np.tile([50.0, 50.0, 49.0], (10, 1))
    apart = told_apart(draws, np.array([50.0, 50.0, 49.0]))
    assert apart.tolist() == [[False, False, True], [False, False, True], [True, True, False]]


def test_ranking_is_drawn_with_a_bar_for_every_letter_and_printed(table, folder, tmp_path, capsys):
    panels = ranking_figure(table).axes
    assert len(panels) == 3
    for axis, (_, part) in zip(panels, table.groupby("noise_rate", sort=False, dropna=False), strict=True):
        assert [text.get_text() for text in axis.get_yticklabels()] == part["method"].tolist()
        bars = {line.get_label(): line for line in axis.lines[1:]}
        assert set(bars) == set("".join(part["letters"]))
        for letter, bar in bars.items():
            assert bar.get_ydata().tolist() == part[part["letters"].str.contains(letter)]["place"].tolist()
    assert rrsitr("study", "rank", folder) == 0
    assert capsys.readouterr().out == ranking_text(table) and "over all rates" in ranking_text(table)


def test_comparison_with_any_method_is_printed_and_an_unknown_one_refused(folder, capsys):
    assert rrsitr("study", "compare", folder, "--against", "rrsitr") == 0
    shown = capsys.readouterr().out
    found = comparison(read_results(folder), "rrsitr")
    assert len(found) and shown == comparison_text(found) and "mR minus that of rrsitr" in shown
    assert (
        shown.count("\n| ") == len(found)
        and shown.endswith(COMPARED)
        and "| contrastive " in shown
        and "| rrsitr " not in shown
    )
    assert rrsitr("study", "compare", folder, "--against", "mine") == 2
    assert "--against is 'mine': allowed are contrastive, " in capsys.readouterr().err


def test_without_plain_training_or_a_second_method_there_is_no_ranking(tmp_path, capsys):
    grid = Grid(fix={"encoder": "tiny", "noise_rate": 0.4, "epochs": 8}, axes={"method": ["rrsitr", "ncr"]})
    generator = np.random.default_rng(0)
    without = finished_study(Study(name="w", runs=[grid]), tmp_path, lambda _: drawn_results(generator, 0.5))
    table = ranking(read_results(without))
    assert table.empty and ranking_figure(table) is None and ranking_text(table) == ""
    assert rrsitr("study", "rank", without) == 0 and "nothing to rank: contrastive" in capsys.readouterr().err


def test_methods_without_a_shared_seed_are_not_compared(tmp_path, capsys):
    fix = {"encoder": "tiny", "noise_rate": 0.4, "epochs": 8}
    grids = [Grid(fix={**fix, "method": "contrastive", "seed": 3}), Grid(fix={**fix, "method": "rrsitr", "seed": 13})]
    generator = np.random.default_rng(0)
    folder = finished_study(Study(name="w", runs=grids), tmp_path, lambda _: drawn_results(generator, 0.5))
    assert rrsitr("study", "compare", folder) == 0
    found = capsys.readouterr()
    assert found.out == "" and "nothing to compare: contrastive and another" in found.err


def test_a_plan_that_takes_the_place_of_another_says_what_falls_out(tmp_path, capsys):
    fix = {"encoder": "tiny", "noise_rate": 0.4, "epochs": 8}
    both, one = ([Grid(fix=fix, axes={"method": methods})] for methods in (["rrsitr", "ncr"], ["ncr"]))
    generator = np.random.default_rng(0)
    finished_study(Study(name="w", runs=both), tmp_path, lambda _: drawn_results(generator, 0.5))
    for runs, said in ((both, False), (one, True)):
        run_study(Study(name="w", runs=runs), tmp_path, progress=False)
        assert ("w: 1 finished trials of its earlier plan" in capsys.readouterr().err) == said
