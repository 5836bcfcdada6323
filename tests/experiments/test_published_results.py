"""What the paper states, its figure, and the card that goes with a number."""

import numpy as np
import pytest
from experiments.run_folders import change, write_run

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.evaluation import chance_recall
from rrsitr_lib.experiments.figures import over_noise, two_spreads
from rrsitr_lib.experiments.published_results import (
    ABLATION,
    CHANCE,
    SECONDARY,
    TABLE,
    paper_differences,
    paper_results,
)
from rrsitr_lib.experiments.run_card import run_card
from rrsitr_lib.experiments.run_results import RECALLS

KEY = ["data", "method", "noise_rate", "metric"]


# --- the paper ---


def test_paper_states_every_cell_once_and_percentages_only():
    paper = paper_results()
    assert paper.columns.tolist() == ["data", "method", "noise_rate", "metric", "mean", "std", "source"]
    assert not paper.duplicated(KEY).any()
    assert set(paper["source"]) == {TABLE, SECONDARY, ABLATION, CHANCE} and set(paper["metric"]) == set(RECALLS)
    assert paper["mean"].between(0, 100).all() and paper["std"].dropna().gt(0).all()


def test_mean_recall_of_the_paper_is_the_mean_of_its_recalls():
    wide = paper_results().query("noise_rate == 0").pivot(index=["data", "method"], columns="metric", values="mean")
    full = wide.dropna()
    assert len(full) == 10 and len(wide) == 33
    np.testing.assert_allclose(full.drop(columns="mR").mean(axis=1), full["mR"], atol=0.011)


def test_deviation_stands_where_the_table_states_one_and_nothing_is_invented():
    paper = paper_results()
    assert (paper["std"].notna() == (paper["source"] == TABLE)).all()
    assert set(paper.loc[paper["noise_rate"] > 0, "data"]) == {"rsitmd"}
    assert paper["noise_rate"].isna().tolist() == (paper["source"] == CHANCE).tolist()


@pytest.mark.parametrize(("data", "images"), [("rsitmd", 452), ("rsicd", 1093), ("nwpu", 3150)])
def test_chance_of_the_table_is_what_the_library_computes(data, images):
    stated = paper_results().query(f"source == '{CHANCE}' and data == '{data}'")["mean"].item()
    assert round(chance_recall(np.repeat(np.arange(images), 5), images)["mR"], 2) == stated


def test_settings_that_differ_from_the_paper():
    assert paper_differences(RunConfig()) == {}
    assert paper_differences(RunConfig.build(encoder="vit-b-32", seed=13, noise_rate=0.8, method="contrastive")) == {}
    found = paper_differences(RunConfig.build(encoder="tiny", noise_file="some/where/noise.npz", sigma=0.2))
    assert found["encoder"] == ("vit-b-32", "tiny") and found["sigma"] == (0.6, 0.2)
    assert found["noise_file"] == (None, "noise.npz"), "no path of a machine"


# --- card and figures ---


def test_card_says_what_a_stranger_needs(tmp_path):
    card = run_card(write_run(tmp_path / "run", 43.21))
    for words in ("40% noise, seed 3", "realised 39.0%", "dddddddddddd", "single network", "3 of 8", "clean validation",
                  "torch 2", "| `learning_rate` | 7e-06 | 0.0005 |", "| mR | 43.21 | 30.00 | 2.65 |", "AUROC 0.900",
                  "200 images", "3.5 points", "One seed", "no number on them"):  # fmt: skip
        assert words in card, words
    assert str(tmp_path) not in card and "\n\n\n" not in card
    change(tmp_path / "run" / "run.json", networks=2)
    assert "an ensemble of 2 networks" in run_card(tmp_path / "run")


def test_card_of_the_papers_settings_and_of_an_unfinished_run(tmp_path):
    folder = write_run(tmp_path / "run", data="rsitmd", encoder="vit-b-32", epochs=50, noise_rate=0.0, auroc=None)
    card = run_card(folder)
    assert "All settings are the paper's." in card and "AUROC" not in card and "drawn" not in card
    (folder / "result.json").unlink()
    with pytest.raises(InputError, match="run: not finished"):
        run_card(folder)


def test_figure_of_the_paper_alone_shows_every_number_and_a_deviation_only_where_it_is_stated():
    paper = paper_results().query("data == 'rsitmd' and method in ['RRSITR', 'CUP', 'chance']")
    axis = over_noise(paper=paper).axes[0]
    lines = {line.get_label(): line for line in axis.lines}
    assert lines["RRSITR"].get_ydata().tolist() == [46.10, 45.58, 43.64, 42.06, 35.93]
    assert lines["chance, 1.18"].get_ydata()[0] == 1.18
    bars = [bar for container in axis.containers for bars in container[2] for bar in bars.get_segments()]
    assert sorted(round(float(bar[1, 1] - bar[0, 1]), 2) for bar in bars) == [1.24, 2.16]


def test_figure_of_spreads():
    resampled = 100 * np.random.default_rng(0).binomial(452, 0.25, 500) / 452
    axis = two_spreads(resampled, 25.0, 0.5, 2.0).axes[0]
    assert sum(patch.get_height() for patch in axis.patches) == 500
    assert len(axis.get_legend().get_texts()) == 3
    assert two_spreads(np.full(9, 25.0), 25.0, 0.5, 2.0).axes
