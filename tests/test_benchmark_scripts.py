"""The scripts in benchmarks/ do what their docstrings say, on the smallest input that shows it."""

import argparse
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rrsitr_lib.audit.run import judge
from rrsitr_lib.experiments.figures import over_noise
from rrsitr_lib.experiments.run_results import RECALLS
from rrsitr_lib.experiments.summary import summarise

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def script(name):
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def arguments(**changed):
    given = dict(
        data="scenes", images=None, encoder="tiny", weights=None, train="all", epochs=None, seeds=[3, 13],
        rates=[0.0, 0.4], methods=["contrastive", "rrsitr", "oracle"],
    )  # fmt: skip
    return argparse.Namespace(**{**given, **changed})


def test_compare_lists_seeds_rates_and_methods_and_no_oracle_without_noise():
    configs = script("compare").configs_of(arguments())
    assert list(configs)[:5] == [
        "scenes_tiny_contrastive_0.0_3", "scenes_tiny_rrsitr_0.0_3", "scenes_tiny_contrastive_0.4_3",
        "scenes_tiny_rrsitr_0.4_3", "scenes_tiny_oracle_0.4_3",
    ]  # fmt: skip
    assert len(configs) == 10 and len({config.fingerprint for config in configs.values()}) == 10
    assert configs["scenes_tiny_oracle_0.4_13"].epochs == 10
    few = script("compare").configs_of(arguments(epochs=2, methods=["rrsitr"], seeds=[3]))
    assert [config.epochs for config in few.values()] == [2, 2]


@pytest.fixture
def runs():
    means = {(0.0, "rrsitr"): 40, (0.4, "rrsitr"): 30, (0.0, "contrastive"): 39, (0.4, "contrastive"): 20}
    shared = {"data": "scenes", "encoder": "tiny", "protocol": "shuffle", "differs": 0, **dict.fromkeys(RECALLS, 1.0)}
    return pd.DataFrame([
        {**shared, "noise_rate": rate, "method": method, "kind": method, "settings": f"{method} {rate}", "seed": seed,
         "trial": f"{method} {rate} {seed}", "mR": mean + seed, "AUROC": 0.9 if rate else np.nan, "best_epoch": seed}
        for (rate, method), mean in means.items()
        for seed in (1, 2, 3)
    ])  # fmt: skip


def test_compare_gives_mean_and_deviation(runs):
    table = pd.concat([summarise(runs), references()])
    text = script("compare").as_text(table)
    assert [text.loc[key, "mR"] for key in ((np.nan, "chance"), (0.4, "linear probe"))] == ["2.60", "8.00"]
    assert text.loc[(0.4, "rrsitr"), "mR"] == "32.00 ± 1.00" and text.loc[(0.0, "rrsitr"), "AUROC"] == ""
    one = script("compare").as_text(summarise(runs[runs["seed"] == 1]))
    assert one.loc[(0.4, "contrastive"), "mR"] == "21.00"


def references():
    """Rows that are no method's: two levels, which no noise changes, and the linear probe."""
    values = [("chance", np.nan, 2.6), ("before training", np.nan, 3.1), ("linear probe", 0.0, 10.0),
              ("linear probe", 0.4, 8.0)]  # fmt: skip
    return pd.DataFrame(values, columns=["method", "noise_rate", "mean"]).assign(data="scenes", metric="mR")


def test_figure_draws_every_method_level_and_the_probe(runs):
    (axis,) = over_noise(pd.concat([summarise(runs), references()]), runs).axes
    named = {text.get_text() for text in axis.get_legend().get_texts()}
    assert named == {"contrastive", "rrsitr", "linear probe", "chance, 2.60", "before training, 3.10"}
    assert any(np.allclose(line.get_ydata(), [42, 32]) for line in axis.lines if len(line.get_xdata()) == 2)
    bars = [bar for container in axis.containers for bars in container[2] for bar in bars.get_segments()]
    assert [round(float(bar[1, 1] - bar[0, 1]), 6) for bar in bars] == 4 * [2.0], "the deviation over seeds"


def printed(script, *arguments):
    """What a benchmark prints, run by one thread."""
    command, environment = [sys.executable, BENCHMARKS / script, *arguments], {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_gpu_benchmark_runs_without_a_gpu_and_says_what_it_is_not():
    small = ("--encoder", "tiny", "--batches", "8", "--steps", "1", "--slice", "5")
    said = printed("gpu.py", *small, "--device", "cpu", "--workers", "0")
    assert "no GPU: these are not the numbers to quote" in said
    assert all(re.search(rf"^{objective} +8 +[\d.]+ ms", said, re.M) for objective in ("ours", "plain"))
    assert "objective, forward" in said


def test_what_stands_around_the_step_runs_without_a_gpu():
    small = ("--encoder", "tiny", "--scenes", "40", "--epochs", "1", "--queries", "50", "10")
    said = printed("gpu_run.py", *small, "--device", "cpu")
    assert "no GPU: these are not the numbers to quote" in said
    assert re.search(r"evaluation of 50 .*\ncheckpoint of 0\.02 GiB: .*\nrun of 200 pairs.*\nmR ", said)


def test_cpu_benchmark_prints_a_step_by_part_and_ratios():
    said = printed("cpu.py", "--quick", "--only", "step", "tokens", "evaluation")
    shares = re.findall(r"^  [a-z, ]+, ([\d.]+)% of ours +[\d.]+ s +[\d.]+ s +[\d.]+ x", said, re.M)
    assert len(shares) == 6 and abs(sum(map(float, shares)) - 100) < 1
    assert re.search(r"^tokens of 20 images, tiny: cache", said, re.M)
    assert re.search(r"^evaluation, 90 captions x 18 images", said, re.M) and "goal" not in said


def test_a_goal_is_met_or_missed(monkeypatch, capsys):
    timing = script("timing")
    for goal, said in ((3.0, "met"), (4.0, "missed")):
        ratio = timing.ratio_line("it", np.array([[6.0, 2.0], [9.0, 3.0], [3.0, 3.0]]), goal)
        assert ratio == 3.0 and f"3.0 x   (1.0 to 3.0)  goal {goal:g} x: {said}" in capsys.readouterr().out


def test_audit_draws_each_noise_seed_and_a_clean_set_once(monkeypatch, cache):
    audit = script("audit")
    monkeypatch.setattr(audit, "SCENES", 40)
    monkeypatch.setattr(audit, "judge", lambda *given: judge(*given, quick=True))
    given = dict(data="scenes", splits=[], encoder="tiny", weights=None, protocols=["image", "shuffle"])
    wanted = argparse.Namespace(**given, rates=[0.0, 0.2], noise_seeds=[7, 13], seed=3, decisions=True)
    ranked, decided = audit.cells(wanted)
    found = [(row["protocol"], row["rate"], row["noise seed"]) for row in decided]
    noisy = [(protocol, 0.2, seed) for protocol in ("image", "shuffle") for seed in (7, 13)]
    assert found == [("image", 0.0, 7), *noisy] and len(ranked) == 4
    assert all(set(audit.SPREAD) < set(row) for row in decided)


def test_streaming_measures_a_run_on_shards(tmp_path, few_scenes, cache, monkeypatch, capsys):
    given = ["streaming.py", "--pairs", "200", "--folder", str(tmp_path), "--figure", str(tmp_path / "memory.png")]
    monkeypatch.setattr(sys, "argv", given)
    script("streaming").main()
    row = capsys.readouterr().out.splitlines()[-1].split()
    assert row[:2] == ["200", "1"] and 200 < float(row[3]) < 8000 and (tmp_path / "memory.png").stat().st_size > 1000


def test_what_to_rent_is_worked_out_from_what_is_given(monkeypatch, capsys):
    monkeypatch.syspath_prepend(BENCHMARKS)
    scale = script("scale")
    monkeypatch.setattr(scale, "measured", lambda: {scale.SHARD: (120, 0.001)})
    given = ["scale.py", "--pairs", "3600000", "--step", "0.0005"]
    monkeypatch.setattr(sys, "argv", [*given, "--epochs", "4", "--price", "1.5"])
    scale.main()
    line = capsys.readouterr().out.splitlines()[-1]
    assert "3,600,000 pairs x 4 epochs x 0.0005 s = 2.0 GPU hours x 1.5 = 3.00; 2.0 cores a GPU" in line
    assert "0.4 GB of memory" in line
    monkeypatch.setattr(sys, "argv", given)
    scale.main()
    assert "GPU hours;" in capsys.readouterr().out, "no price is invented"


@pytest.mark.parametrize(("given", "message"), [
    (("--price", "2"), "--price needs --step"), (("--step", "0"), "allowed is a number above 0"),
])  # fmt: skip
def test_wrong_inputs_of_scale_are_said(given, message, monkeypatch, capsys):
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr(sys, "argv", ["scale.py", *given])
    with pytest.raises(SystemExit):
        script("scale").main()
    assert message in capsys.readouterr().err
