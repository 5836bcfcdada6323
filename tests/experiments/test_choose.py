"""The validation set chooses settings, by a table; the test set has no say."""

import numpy as np
import pytest
from experiments.run_folders import change, drawn_results, finish_trial
from test_cli import rrsitr

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.choose import chosen
from rrsitr_lib.experiments.results import read_results
from rrsitr_lib.experiments.study_file import Grid, Study, plan
from rrsitr_lib.experiments.study_folder import OUTCOME, RUN
from rrsitr_lib.files import read_json

METRICS = "epoch,gamma_1,gamma_2,loss,auroc,val_mR\n1,5,18,9,0.8,10\n2,5,18,8,0.9,{best}\n3,5,18,7,0.9,11\n"
VAL = {0.1: 30.0, 0.2: 34.0, 0.4: 32.0}
TEST = {0.1: 0.9, 0.2: 0.3, 0.4: 0.5}


@pytest.fixture
def folder(tmp_path):
    """NCR by its margin, the best on the validation set the worst on the test set; plain training as it is."""
    fix = {"encoder": "tiny", "noise_rate": 0.4, "epochs": 8}
    grids = [Grid(fix={**fix, "method": "contrastive"}), Grid(fix={**fix, "method": "ncr"}, axes={"margin": [*VAL]})]
    study, generator = Study(name="s", runs=grids), np.random.default_rng(0)
    study.save(tmp_path / "s")
    for trial in plan(study):
        margin = getattr(trial.config, "margin", None)
        metrics = METRICS.format(best=VAL.get(margin, 20.0))
        answers = drawn_results(generator, TEST.get(margin, 0.2))
        finish_trial(tmp_path / "s" / trial.name, trial.config, answers, metrics, peak_memory_gib=2.5)
    return tmp_path / "s"


def trial_of(folder, margin):
    (name,) = [trial.name for trial in plan(Study.read(folder)) if getattr(trial.config, "margin", None) == margin]
    return folder / name


def test_best_validation_epoch_decides_and_not_the_test_set(folder):
    table = chosen(read_results(folder)).set_index("method")
    ncr = table.loc["ncr"]
    assert (ncr["chosen"], ncr["val_mR"], ncr["done"]) == ("margin=0.2", 34.0, "3 of 3")
    assert ncr["tried"] == "margin=0.1 | 0.2 | 0.4"
    steps = 8 * (4000 // 100)
    assert ncr["seconds_a_step"] == pytest.approx(10 / steps) and ncr["peak_memory_gib"] == 2.5
    assert table.loc["contrastive", ["tried", "chosen", "val_mR"]].tolist() == ["as it is", "as it is", 20.0]
    change(
        trial_of(folder, 0.2) / RUN / "result.json", test=read_json(trial_of(folder, 0.1) / RUN / "result.json")["test"]
    )
    assert chosen(read_results(folder)).set_index("method").loc["ncr", "chosen"] == "margin=0.2"


def test_what_is_not_done_is_counted_and_cannot_be_chosen(folder, capsys):
    (trial_of(folder, 0.2) / OUTCOME).unlink()
    table = chosen(read_results(folder)).set_index("method")
    assert table.loc["ncr", ["chosen", "val_mR", "done"]].tolist() == ["margin=0.4", 32.0, "2 of 3"]
    for margin in (0.1, 0.4):
        (trial_of(folder, margin) / OUTCOME).unlink()
    assert chosen(read_results(folder)).set_index("method").loc["ncr", ["chosen", "done"]].tolist() == ["", "0 of 3"]
    assert rrsitr("study", "choose", folder) == 0
    said = capsys.readouterr().out
    assert r"margin=0.1 \| 0.2 \| 0.4" in said and "0 of 3" in said and "nan" not in said.casefold()


def test_a_configuration_of_which_a_hard_run_is_missing_cannot_be_chosen(tmp_path):
    best = {(15.0, 0.2): 45, (15.0, 0.8): 15, (18.0, 0.2): 40}
    axes = {"gamma_2": [15.0, 18.0], "noise_rate": [0.2, 0.8]}
    study, generator = (
        Study(name="s", runs=[Grid(fix={"encoder": "tiny", "epochs": 8}, axes=axes)]),
        np.random.default_rng(0),
    )
    study.save(tmp_path / "s")
    for trial in plan(study):
        if value := best.get((trial.config.gamma_2, trial.config.noise_rate)):
            answers = drawn_results(generator, 0.5)
            finish_trial(tmp_path / "s" / trial.name, trial.config, answers, METRICS.format(best=value))
    table = chosen(read_results(tmp_path / "s"))
    assert table.loc[0, ["chosen", "val_mR", "done"]].tolist() == ["gamma_2=15.0", 30.0, "1 of 2"]


def test_a_run_without_metrics_is_named(folder):
    (trial_of(folder, 0.4) / RUN / "metrics.csv").unlink()
    with pytest.raises(InputError, match=r"metrics\.csv: no such file"):
        chosen(read_results(folder))
