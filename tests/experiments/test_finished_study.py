"""A finished study is tabled, reported, packed and verified, also from the command line; a touched one is found out."""

import json
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest
import torch
from experiments.small_studies import small_study
from PIL import Image
from rocrate.rocrate import ROCrate
from test_cli import rrsitr
from typer.testing import CliRunner

import rrsitr_lib
from rrsitr_lib.cli.main import app
from rrsitr_lib.data.noise import inject, load_noise, save_noise
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.costs import costs
from rrsitr_lib.experiments.engine import run_study
from rrsitr_lib.experiments.executors import ExecutorSettings
from rrsitr_lib.experiments.records import pack_records
from rrsitr_lib.experiments.ro_crate import pack
from rrsitr_lib.experiments.study_file import Grid, Study, plan
from rrsitr_lib.experiments.study_folder import RUN
from rrsitr_lib.experiments.verify import verify
from rrsitr_lib.files import read_json, write_json
from rrsitr_lib.training.checkpoint import load_checkpoint, save_checkpoint

METHODS = ["contrastive", "rrsitr", "ncr"]
STUDY = small_study("small", {"method": METHODS})
FIRST, SECOND, _ = (trial.name for trial in plan(STUDY))


@pytest.fixture(scope="module")
def finished(tmp_path_factory, few_scenes):
    root = tmp_path_factory.mktemp("runs")
    run_study(STUDY, root, ExecutorSettings(workers=2), progress=False)
    return root / "small"


@pytest.fixture
def copy(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "small")


def problems(folder, trials=3):
    return {finding.trial: finding.problem for finding in verify(folder, trials, seed=0) if finding.problem}


def study(*arguments):
    return CliRunner().invoke(app, ["study", *map(str, arguments)])


def test_untouched_study_is_verified(finished):
    findings = list(verify(finished, trials=3, seed=0))
    assert len(findings) == 1 + 3 + 3 * 2 and not any(finding.problem for finding in findings)


def test_only_drawn_trials_are_tested_again(finished):
    drawn = {next(f.trial for f in verify(finished, 1, seed) if "weights" in f.what) for seed in range(8)}
    assert drawn == {trial.name for trial in plan(STUDY)}


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


def touched_noise_file(run):
    noise = load_noise(run / "noise.npz")
    save_noise(inject(noise.caption_index, 0.4, seed=noise.seed + 1), run / "noise.npz")


@pytest.mark.parametrize(("touch", "drawn", "message"), [
    (touched_weights, 3, "now, "), (touched_result, 3, "mR is "),
    (touched_config, 0, "config.yaml is the configuration "),
    (lambda run: write_json(run / "run.json", read_json(run / "run.json") | {"noise": "0" * 64}), 0, "noise.npz is "),
    (lambda run: (run.parent / "run.ipynb").unlink(), 0, "run.ipynb is missing"),
    (touched_noise_file, 0, "noise.npz is "),
    (lambda run: touched_result(run, "i2t_R@10", 30), 0, " by retrieval.npz, "),
    (lambda run: (run / "retrieval.npz").unlink(), 0, "retrieval.npz is missing"),
    (lambda run: (run / "result.json").write_text("{"), 0, "result.json: not JSON"),
])  # fmt: skip
def test_touched_trial_is_found_out_and_the_others_are_not(copy, touch, drawn, message):
    touch(copy / SECOND / RUN)
    (copy / SECOND / RUN / "checksums.json").unlink()  # as whoever means to deceive would
    found = problems(copy, drawn)
    assert set(found) == {SECOND} and message in found[SECOND]


@pytest.mark.parametrize("name", [
    "checksums.json", "study.yaml", "trials.csv", f"{FIRST}/outcome.json", f"{FIRST}/run.ipynb",
    f"{FIRST}/run/config.yaml", f"{FIRST}/run/result.json", f"{FIRST}/run/metrics.csv", f"{FIRST}/run/retrieval.npz",
    f"{FIRST}/run/best.safetensors", f"{FIRST}/run/provenance.json", f"{FIRST}/run/ledger/loss.bin",
])  # fmt: skip
def test_a_flipped_byte_in_any_file_is_found_and_named(copy, name):
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 0x01
    (copy / name).write_bytes(content)
    try:
        said = "; ".join(f"{trial}: {problem}" for trial, problem in problems(copy, 0).items())
        assert str(copy / name) in said or f"{FIRST}: run: {Path(name).name}" in said
    except InputError as error:  # what is planned cannot be read
        assert name in ("study.yaml", "checksums.json") and name in str(error)


def test_verify_command_says_so_by_its_exit_code(copy):
    said = study("verify", copy, "--trials", 3)
    assert said.exit_code == 0 and "10 checks, 0 failed" in said.output
    touched_result(copy / FIRST / RUN)
    (copy / FIRST / RUN / "checksums.json").unlink()
    said = study("verify", copy, "--trials", 3)
    assert said.exit_code == 1 and "[FAIL]" in said.output and "10 checks, 1 failed" in said.output


def test_study_with_nothing_done_cannot_be_verified_or_packed(tmp_path):
    STUDY.save(tmp_path / "small")
    with pytest.raises(InputError, match="no trial is done"):
        list(verify(tmp_path / "small"))
    with pytest.raises(InputError, match="no trial has ended"):
        pack(tmp_path / "small", tmp_path / "out.zip")
    with pytest.raises(InputError, match="no trial is done"):
        pack_records(tmp_path / "small", tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


# --- report and archive ---


def test_report_is_written_and_packed_as_a_crate_that_names_every_file_in_it(copy, tmp_path):
    said = study("report", copy)
    assert said.exit_code == 0, said.output
    for name in ("report.ipynb", "report.html", "table.md", "table.tex", "table.csv", "table.html", "over_noise.png"):
        assert (copy / name).stat().st_size > 100, name
    page = (copy / "report.html").read_text()
    assert "3 of 3 trials are done" in page and "0 planned trials have no number" in page
    archive = pack(copy, tmp_path / "small.zip")
    with zipfile.ZipFile(archive) as file:
        inside = {name for name in file.namelist() if not name.endswith("/")}
    crate = ROCrate(str(archive))
    described = {entity.id for entity in crate.data_entities if not entity.id.endswith("/")}
    assert inside - {"ro-crate-metadata.json", "ro-crate-preview.html"} == described
    for trial in plan(STUDY):
        for name in ("run.ipynb", "run/config.yaml", "run/result.json", "run/retrieval.npz", "run/provenance.json"):
            assert f"{trial.name}/{name}" in inside
    assert {"report.ipynb", "table.md", "table.tex", "over_noise.png", "study.yaml", "trials.csv"} <= inside
    assert not any(name.endswith(".safetensors") for name in inside)
    (dataset,) = [entity for entity in crate.get_entities() if entity.id == f"{SECOND}/"]
    assert "40% noise, seed 3" in dataset["name"]
    action = crate.dereference(f"#run-{SECOND}")
    assert "commit" in action["description"] and action["startTime"].endswith("+00:00")


def test_archive_with_weights_can_be_verified_by_its_reader(copy, tmp_path):
    archive = pack(copy, tmp_path / "small.zip", weights=True)
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path / "reader" / "small")
    assert not problems(tmp_path / "reader" / "small")


def unpacked(archive, folder):
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder)
        return [file.read(name).decode(errors="replace") for name in file.namelist()]


def test_archive_holds_no_place_of_this_machine(copy, tmp_path):
    """Nor does a report, whose notebook is told the study's absolute folder."""
    assert study("report", copy).exit_code == 0
    assert str(tmp_path) in (copy / "report.ipynb").read_text() + (copy / FIRST / "run.ipynb").read_text()
    texts = unpacked(pack(copy, tmp_path / "small.zip", weights=True), tmp_path / "reader" / "small")
    places = (tmp_path, tempfile.gettempdir(), Path.cwd(), Path.home(), sys.prefix, Path(rrsitr_lib.__file__).parent)
    for place in {str(place) for place in places}:
        assert not [text[max(0, at - 60) :][:120] for text in texts if (at := text.find(f"{place}/")) >= 0]
    assert not problems(tmp_path / "reader" / "small")


def test_records_have_the_same_tables_and_are_gone_on_with(copy, tmp_path):
    archive = tmp_path / "records.zip"
    assert study("pack", copy, "--records", "--out", archive).exit_code == 0
    assert archive.stat().st_size < 60_000
    again = pack_records(copy, tmp_path / "again.zip")
    assert again.read_bytes() == archive.read_bytes()
    unpacked(archive, tmp_path / "runs")
    records = tmp_path / "runs" / "small"
    for command in (["table"], ["rank"], ["compare", "--against", "rrsitr"]):
        before, after = (study(command[0], folder, *command[1:]) for folder in (copy, records))
        assert (before.exit_code, after.exit_code) == (0, 0) and before.output == after.output != "", command
    shutil.rmtree(records / SECOND)
    states = run_study(Study.read(records), tmp_path / "runs", ExecutorSettings(workers=1), progress=False)
    assert {state.state for state in states.values()} == {"done"}
    assert (records / SECOND / RUN / "best.safetensors").exists()
    assert not (records / FIRST / RUN / "best.safetensors").exists(), "a recorded trial is trained again"
    both = study("pack", copy, "--records", "--weights", "--out", archive)
    assert both.exit_code and "--weights" in str(both.exception)


@pytest.mark.long
def test_archive_of_own_data_at_an_absolute_path_is_verified_beside_the_same_data(tmp_path, monkeypatch):
    """Trials are named by their configuration: with the path their names change, everywhere at once."""
    (tmp_path / "here" / "mine" / "images").mkdir(parents=True)
    own = tmp_path / "here" / "mine"
    for split, count in (("train", 24), ("val", 6), ("test", 6)):
        rows = [f"{split} {k}.png,picture {k} of {split}" for k in range(count)]
        (own / f"{split}.csv").write_text("\n".join(["filename,title", *rows]) + "\n")
        for k in range(count):
            Image.new("RGB", (40, 40), (9 * k, 200, 3)).save(own / "images" / f"{split} {k}.png")
    monkeypatch.chdir(tmp_path / "here")
    fix = {"encoder": "tiny", "weights": "none", "epochs": 1, "batch_size": 12, "warmup_steps": 0, "data": str(own)}
    own_study = Study(name="own", runs=[Grid(fix=fix)])
    run_study(own_study, tmp_path / "runs", ExecutorSettings(workers=1), progress=False)
    (trial,) = plan(own_study)
    texts = unpacked(pack(tmp_path / "runs" / "own", tmp_path / "own.zip", weights=True), tmp_path / "reader" / "own")
    assert not [text for text in texts if str(tmp_path) in text]
    (there,) = plan(Study.read(tmp_path / "reader" / "own"))
    assert there.name != trial.name and there.config.data == "mine" and there.config.images == "mine/images"
    assert not problems(tmp_path / "reader" / "own")


# --- commands ---


def test_status_table_plan_and_clean(copy):
    state = json.loads(study("status", copy, "--json").output)
    assert state == {"study": "small", "trials": 3, "done": 3, "failed": 0, "begun": 0, "waiting": 0, "reasons": {}}
    assert "| scenes" in study("table", copy).output and r"\toprule" in study("table", copy, "--format", "tex").output
    planned = study("plan", copy, "--no-measure").output
    assert "3 trials in" in planned and "cost from finished runs" in planned
    assert study("clean", copy).output.strip() == "0.0 MiB"


def test_plan_measures_a_step_once_and_counts_its_operations(tmp_path, monkeypatch):
    monkeypatch.setenv("RRSITR_CACHE", str(tmp_path / "cache"))
    (tmp_path / "s.yaml").write_text("name: s\nruns: [{fix: {encoder: tiny, batch_size: 20, scenes: 400}}]")
    without = study("plan", tmp_path / "s.yaml", "--runs", tmp_path, "--no-measure")
    assert "unknown hours left here" in without.output and "one GPU" not in without.output
    first = study("plan", tmp_path / "s.yaml", "--runs", tmp_path)
    assert "measuring a step" in first.output and "cost from measured step" in first.output
    assert "on one GPU: about" in first.output and "not measured" in first.output
    assert "measuring" not in study("plan", tmp_path / "s.yaml", "--runs", tmp_path).output
    (kept,) = read_json(tmp_path / "cache" / "steps.json").values()
    assert kept["seconds_per_pair"] > 0 and kept["operations_per_pair"] > 1e6 and kept["pairs"] == 20
    fix = {"encoder": "tiny", "batch_size": 20, "scenes": 400}
    trials = plan(Study(name="s", runs=[Grid(fix=fix, axes={"method": ["ncr", "ncr2"]})]))
    one, two = (cost.seconds for cost in costs({trial.name: trial for trial in trials}, {}).values())
    assert two == pytest.approx(2 * one), "two networks cost twice"


def test_schema_command_prints_json(tmp_path):
    assert json.loads(study("schema").output)["properties"]["runs"]
    assert study("schema", "--out", tmp_path / "s.json").exit_code == 0 and (tmp_path / "s.json").exists()


@pytest.mark.parametrize(("arguments", "message"), [
    (("status", "absent"), "no study was begun there"),
    (("plan", "absent"), "no study there: allowed are laptop"),
    (("plan", "laptop", "--set", "epochs"), "expected FIELD=VALUE"),
    (("plan", "laptop", "--set", "epochs=0"), "epochs is 0"),
    (("table", "absent", "--format", "doc"), "--format is 'doc'"),
    (("run", "laptop", "--resource", "GPU"), "expected NAME=NUMBER"),
])  # fmt: skip
def test_wrong_commands_are_one_line_and_exit_2(arguments, message, tmp_path, capsys):
    assert rrsitr("study", *arguments, "--runs", tmp_path) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
