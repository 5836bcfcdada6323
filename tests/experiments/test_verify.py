"""A finished study is verified, packed, reported and described from the command line; a touched one is found out."""

import json
import shutil
import subprocess
import sys
import zipfile

import pytest
import torch
from experiments.small_studies import small_study
from rocrate.rocrate import ROCrate
from typer.testing import CliRunner

from rrsitr_lib.cli.main import app
from rrsitr_lib.data.noise import inject, load_noise, save_noise
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.engine import run_study
from rrsitr_lib.experiments.executors import Where
from rrsitr_lib.experiments.plan import plan
from rrsitr_lib.experiments.ro_crate import pack
from rrsitr_lib.experiments.trials import RUN
from rrsitr_lib.experiments.verify import verify
from rrsitr_lib.training.checkpoint import load_checkpoint, save_checkpoint

STUDY = small_study("small", {"method": ["contrastive", "rrsitr"]}, seed=3)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    run_study(STUDY, root, Where(workers=2), progress=False)
    return root / "small"


@pytest.fixture
def copy(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "small")


def problems(folder, cells=2):
    return {finding.cell: finding.problem for finding in verify(folder, cells, seed=0) if finding.problem}


def rrsitr(*arguments):
    return CliRunner().invoke(app, ["study", *map(str, arguments)])


def test_untouched_study_is_verified(finished):
    findings = list(verify(finished, cells=2, seed=0))
    assert len(findings) == 2 + 2 * 2 and not any(finding.problem for finding in findings)


def test_only_drawn_cells_are_tested_again(finished):
    drawn = {next(f.cell for f in verify(finished, 1, seed) if "weights" in f.what) for seed in range(8)}
    assert drawn == {cell.name for cell in plan(STUDY)}


def touched_weights(run):
    tensors, state = load_checkpoint(run / "best.safetensors")
    generator = torch.Generator().manual_seed(0)
    tensors = {name: value + torch.randn(value.shape, generator=generator) for name, value in tensors.items()}
    save_checkpoint(run / "best.safetensors", tensors, state)


def touched_result(run, metric="mR", by=0.01):
    result = json.loads((run / "result.json").read_text())
    result["test"][metric] += by
    (run / "result.json").write_text(json.dumps(result))


def touched_config(run):
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(text.replace("sigma: 0.6", "sigma: 0.7"))


def touched_noise(run):
    facts = json.loads((run / "run.json").read_text())
    facts["noise"] = "0" * 64
    (run / "run.json").write_text(json.dumps(facts))


def touched_noise_file(run):
    noise = load_noise(run / "noise.npz")
    save_noise(inject(noise.caption_index, 0.4, seed=noise.seed + 1), run / "noise.npz")


def touched_recall(run):
    touched_result(run, "i2t_R@10", by=30)


def no_rankings(run):
    (run / "retrieval.npz").unlink()


def touched_notebook(run):
    (run.parent / "run.ipynb").unlink()


@pytest.mark.parametrize(("touch", "message"), [
    (touched_weights, "now, "), (touched_result, "mR is "), (touched_config, "config.yaml is the configuration "),
    (touched_noise, "noise is "), (touched_notebook, "run.ipynb is missing"),
])  # fmt: skip
def test_touched_cell_is_found_out_and_the_other_is_not(copy, touch, message):
    cell = plan(STUDY)[1].name
    touch(copy / cell / RUN)
    found = problems(copy)
    assert set(found) == {cell} and message in found[cell]


@pytest.mark.parametrize(("touch", "message"), [
    (touched_noise_file, "noise.npz is "), (touched_recall, " by retrieval.npz, "),
    (no_rankings, "retrieval.npz is missing"),
])  # fmt: skip
def test_files_of_cells_that_are_not_drawn_are_held_against_each_other(copy, touch, message):
    cell = plan(STUDY)[1].name
    touch(copy / cell / RUN)
    found = problems(copy, cells=0)
    assert set(found) == {cell} and message in found[cell]


def test_verify_command_says_so_by_its_exit_code(copy):
    said = rrsitr("verify", copy, "--cells", 2)
    assert said.exit_code == 0 and "6 checks, 0 failed" in said.output
    touched_result(copy / plan(STUDY)[0].name / RUN)
    said = rrsitr("verify", copy, "--cells", 2)
    assert said.exit_code == 1 and "[FAIL]" in said.output and "6 checks, 1 failed" in said.output


def test_study_with_nothing_done_cannot_be_verified_or_packed(tmp_path):
    STUDY.save(tmp_path / "small")
    with pytest.raises(InputError, match="no cell is done"):
        list(verify(tmp_path / "small"))
    with pytest.raises(InputError, match="no cell has ended"):
        pack(tmp_path / "small", tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


# --- archive ---


def test_archive_is_a_crate_that_names_every_file_in_it(copy, tmp_path):
    rrsitr("report", copy)
    archive = pack(copy, tmp_path / "small.zip")
    with zipfile.ZipFile(archive) as file:
        inside = {name for name in file.namelist() if not name.endswith("/")}
    crate = ROCrate(str(archive))
    described = {entity.id for entity in crate.data_entities if not entity.id.endswith("/")}
    extra = {"ro-crate-metadata.json", "ro-crate-preview.html"}
    assert inside - extra == described
    for cell in plan(STUDY):
        for name in ("run.ipynb", "run/config.yaml", "run/result.json", "run/retrieval.npz", "run/provenance.json"):
            assert f"{cell.name}/{name}" in inside
    assert {"report.ipynb", "table.md", "table.tex", "over_noise.png", "study.yaml"} <= inside
    assert not any(name.endswith(".safetensors") for name in inside)
    datasets = [entity for entity in crate.get_entities() if entity.id == f"{plan(STUDY)[1].name}/"]
    assert datasets and "40% noise, seed 3" in datasets[0]["name"]
    action = crate.dereference(f"#run-{plan(STUDY)[1].name}")
    assert "commit" in action["description"] and action["startTime"].endswith("+00:00")


def test_archive_with_weights_can_be_verified_by_its_reader(copy, tmp_path):
    archive = pack(copy, tmp_path / "small.zip", weights=True)
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path / "reader" / "small")
    assert not problems(tmp_path / "reader" / "small")


# --- commands ---


def test_report_writes_tables_figures_notebook_and_page(copy):
    said = rrsitr("report", copy)
    assert said.exit_code == 0, said.output
    for name in ("report.ipynb", "report.html", "table.md", "table.tex", "table.csv", "table.html", "over_noise.png"):
        assert (copy / name).stat().st_size > 100, name
    page = (copy / "report.html").read_text()
    assert "2 of 2 cells are done" in page and "0 planned cells have no number" in page


def test_status_table_plan_and_clean(copy):
    state = json.loads(rrsitr("status", copy, "--json").output)
    assert state == {"study": "small", "cells": 2, "done": 2, "failed": 0, "begun": 0, "waiting": 0, "reasons": {}}
    assert "| scenes" in rrsitr("table", copy).output and r"\toprule" in rrsitr("table", copy, "--format", "tex").output
    planned = rrsitr("plan", copy, "--no-measure").output
    assert "2 cells in" in planned and "cost from finished runs" in planned
    assert rrsitr("clean", copy).output.strip() == "0.0 MiB"


def test_plan_measures_a_step_once_and_counts_its_operations(tmp_path, monkeypatch):
    monkeypatch.setenv("RRSITR_CACHE", str(tmp_path / "cache"))
    (tmp_path / "s.yaml").write_text("name: s\nruns: [{fix: {encoder: tiny, batch_size: 20, scenes: 400}}]")
    without = rrsitr("plan", tmp_path / "s.yaml", "--runs", tmp_path, "--no-measure")
    assert "unknown hours left here" in without.output and "one GPU" not in without.output
    first = rrsitr("plan", tmp_path / "s.yaml", "--runs", tmp_path)
    assert "measuring a step" in first.output and "cost from measured step" in first.output
    assert "on one GPU: about" in first.output and "not measured" in first.output
    assert "measuring" not in rrsitr("plan", tmp_path / "s.yaml", "--runs", tmp_path).output
    (kept,) = json.loads((tmp_path / "cache" / "steps.json").read_text()).values()
    assert kept["seconds_per_pair"] > 0 and kept["operations_per_pair"] > 1e6 and kept["pairs"] == 20


def test_schema_command_prints_json(tmp_path):
    assert json.loads(rrsitr("schema").output)["properties"]["runs"]
    assert rrsitr("schema", "--out", tmp_path / "s.json").exit_code == 0 and (tmp_path / "s.json").exists()


@pytest.mark.parametrize(("arguments", "message"), [
    (("status", "absent"), "no study was begun there"),
    (("plan", "absent"), "no study there: allowed are laptop"),
    (("plan", "laptop", "--set", "epochs"), "expected FIELD=VALUE"),
    (("plan", "laptop", "--set", "epochs=0"), "epochs is 0"),
    (("table", "absent", "--format", "doc"), "--format is 'doc'"),
    (("run", "laptop", "--scheduler", "tcp://x:1", "--cluster", "c.yaml"), "allowed is one of them"),
    (("run", "laptop", "--resource", "GPU"), "expected NAME=NUMBER"),
])  # fmt: skip
def test_wrong_commands_are_one_line_and_exit_2(arguments, message, tmp_path):
    command = [sys.executable, "-m", "rrsitr_lib", "study", *arguments, "--runs", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1
