"""Every file of a run and of a study, damaged in eight ways: each command says in one line which file it is."""

import shutil
import sys

import pytest
from small_runs import SMALL
from test_cli import rrsitr

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.study_file import Grid, Study, plan
from rrsitr_lib.experiments.study_folder import NOTEBOOK, RUN
from rrsitr_lib.experiments.trials import write_outcome
from rrsitr_lib.show.run_reader import RunReader
from rrsitr_lib.training.run import train

FIELDS = SMALL | {"epochs": 1}
STUDY = Study(name="s", runs=[Grid(fix=FIELDS)])
OPTIONS = [f"--set={name}={value}" for name, value in FIELDS.items()]
DAMAGES = {
    "empty": lambda _: b"", "fields": lambda _: b"{}", "list": lambda _: b"[1]",
    "cut": lambda whole: whole[: len(whole) // 2],
    "byte": lambda whole: whole[: len(whole) // 2] + b"\xff" + whole[len(whole) // 2 + 1 :],
    "UTF-16": lambda _: "a: 1".encode("utf-16"),
    "number": lambda _: b'{"epochs": ' + b"9" * 5000 + b"}", "deep": lambda _: b"[" * 100_000,
}  # fmt: skip
RUN_FILES = {
    "config.yaml": ("train", "evaluate", "push", "explore"), "run.json": ("train", "evaluate", "weights"),
    "result.json": ("train", "push"), "metrics.csv": ("train", "push", "explore"), "noise.npz": ("train", "features"),
    "retrieval.npz": ("train", "explore"), "ledger/header.json": ("train", "inspect", "explore"),
    "best.safetensors": ("evaluate", "features"), "last.safetensors": ("train",),
}  # fmt: skip
STUDY_COMMANDS = ("status", "table", "clean", "plan", "verify")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, few_scenes):
    """A study's folder with its one finished trial, whose run is whole."""
    folder = tmp_path_factory.mktemp("runs") / "s"
    (trial,) = plan(STUDY)
    train(trial.config, folder / trial.name / RUN, progress=False)
    write_outcome(folder / trial.name, "done", 1.0)
    (folder / trial.name / NOTEBOOK).write_text("{}")
    STUDY.save(folder)
    return folder


@pytest.fixture
def study(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "s")


@pytest.fixture
def run(study):
    return next(study.glob(f"*/{RUN}"))


def damage(path, how):
    path.write_bytes(DAMAGES[how](path.read_bytes()))


def explore(run):
    """What an explorer of this run reads."""
    reader = RunReader.open(run)
    return reader.config, reader.gammas(1), reader.retrieval, reader.pairs


def call(command, run, out):
    """The command's exit code; what it says goes to stderr."""
    if command == "explore":
        try:
            return 0 if explore(run) else 1
        except InputError as error:
            print(error, file=sys.stderr)
            return 2
    return {
        "train": lambda: rrsitr("train", *OPTIONS, "--out", run),
        "push": lambda: rrsitr("push", run, "--tensorboard", out),
        "features": lambda: rrsitr("features", run, "--out", out),
        "weights": lambda: rrsitr("weights", run, "--out", out / "w.safetensors"),
    }.get(command, lambda: rrsitr(command, run))()


@pytest.mark.parametrize(("file", "how", "command"), [
    (file, how, command) for file, commands in RUN_FILES.items() for how in DAMAGES for command in commands
])  # fmt: skip
def test_a_damaged_file_of_a_run_is_named(run, tmp_path, capsys, file, how, command):
    damage(run / file, how)
    code, said = call(command, run, tmp_path / "out"), capsys.readouterr().err.strip()
    if file == "config.yaml" and how in ("fields", "cut") and code == 0:
        return  # fields that are not there have their defaults, and may have had them before
    assert code == 2 and "\n" not in said and len(said) < 600
    assert file.split("/")[-1] in said or (file, how) == ("config.yaml", "fields")


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("command", STUDY_COMMANDS)
def test_a_damaged_study_file_is_named(study, capsys, how, command):
    damage(study / "study.yaml", how)
    assert rrsitr("study", command, study) == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said and ("study.yaml" in said or "study s, grid 1" in said)


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("file", ["config.yaml", "run.json", "result.json", "retrieval.npz", "noise.npz"])
def test_a_damaged_file_of_a_trial_costs_its_row_alone_and_is_found_by_verify(study, run, capsys, how, file):
    damage(run / file, how)
    assert rrsitr("study", "table", study) == 0
    capsys.readouterr()
    found = rrsitr("study", "verify", study, "--trials", 0)
    assert (found == 1 and file in capsys.readouterr().out) or (file, how, found) == ("config.yaml", "cut", 0)


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_outcome_counts_as_none(study, run, capsys, how):
    damage(run.parent / "outcome.json", how)
    assert rrsitr("study", "status", study) == 0 and "1 begun" in capsys.readouterr().out
    assert rrsitr("study", "pack", study, "--out", study / "s.zip") == 2
    assert "no trial has ended" in capsys.readouterr().err


def test_what_a_message_says_brings_a_file_back(run, capsys):
    """Metrics and result, deleted as they advise, are written again to the same text, but for the time."""
    before = {name: (run / name).read_text() for name in ("metrics.csv", "run.json")}
    damage(run / "metrics.csv", "cut")
    assert rrsitr("push", run, "--tensorboard", run.parent) == 2
    assert "delete it and result.json, and the same rrsitr train writes both again" in capsys.readouterr().err
    for name in ("metrics.csv", "result.json"):
        (run / name).unlink()
    assert call("train", run, run.parent) == 0
    assert {name: (run / name).read_text() for name in before} == before
    assert call("push", run, run.parent) == 0


# --- all commands ---


@pytest.mark.parametrize(("arguments", "message"), [
    (["train", "--out", ""], "--out is empty"), (["train", "--out="], "--out is empty"), ([""], "an argument is empty"),
    (["train", "--data", "", "--out", "x"], "--data is empty"), (["evaluate", ""], "an argument is empty"),
    *((["train", "--out", "x", "--set", text], f"--set {text}: not readable YAML (line")
      for text in ("sigma=[1,", "data=@x", "images=%x", "images=C: x: y", "sigma=!!python/name:os.system")),
    (["train", "--out", "x", "--set", "seed=true"], "seed is True: allowed is a valid integer"),
    (["train", "--out", "x", "--set", "epochs=1e3"], "epochs is 1000.0: allowed is a valid integer"),
    (["train", "--out", "x", "--set", "augment=1"], "augment is 1: allowed is a valid boolean"),
    (["train", "--out", "x", "--set", "sigma=1e-300"], "sigma is 1e-300: allowed is a size of 1.2e-38"),
    (["train", "--out", "x", *OPTIONS, "--set", "warmup_steps=99"], "warmup_steps is 99 of 5 steps: allowed"),
    (["study", "run", "laptop", "--workers", "-1"], "Invalid value for '--workers'"),
    (["study", "plan", "laptop", "--tflops", "0"], "Invalid value for '--tflops'"),
    (["study", "run", "laptop", "--resource", "GPU=²"], "--resource GPU=²: expected NAME=NUMBER"),
])  # fmt: skip
def test_a_bad_argument_is_named(arguments, message, tmp_path, capsys, monkeypatch, few_scenes):
    monkeypatch.chdir(tmp_path)
    assert rrsitr(*arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and message in said


@pytest.mark.parametrize("error", [TypeError("no\nway"), RecursionError("deep"), MemoryError(), OverflowError("big")])
def test_an_error_of_the_library_is_one_line_that_asks_for_a_report(error, monkeypatch, capsys):
    def broken(folder):
        raise error

    monkeypatch.setattr("rrsitr_lib.training.ledger.Ledger.open", broken)
    monkeypatch.delenv("RRSITR_TRACEBACK")
    assert rrsitr("inspect", "x") == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith(f"error: unexpected {type(error).__name__}: ")
    assert "please report it, RRSITR_TRACEBACK=1 shows where" in said
    monkeypatch.setenv("RRSITR_TRACEBACK", "1")
    with pytest.raises(type(error)):
        rrsitr("inspect", "x")


@pytest.mark.parametrize(("arguments", "goes_on"), [
    (["train", "--out", "x"], True), (["study", "run", "laptop"], True), (["study", "retry", "s"], True),
    (["train", "--out", "x", "--no-resume"], False), (["inspect", "x"], False), (["study", "table", "x"], False),
])  # fmt: skip
def test_an_interrupted_command_promises_what_it_keeps(arguments, goes_on, monkeypatch, capsys):
    def interrupted(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["rrsitr_lib.cli.main"], "app", interrupted)
    assert rrsitr(*arguments) == 130
    promise = ": the same command goes on after the last finished epoch" if goes_on else ""
    assert capsys.readouterr().err == f"interrupted{promise}\n"
