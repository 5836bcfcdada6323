"""What a study knows of its trials, from their folders alone; what may be deleted; what an earlier version left."""

import json

import pytest
from filelock import FileLock
from test_cli import rrsitr

from rrsitr_lib.config import IDENTITY
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.clean import clean
from rrsitr_lib.experiments.engine import run_study
from rrsitr_lib.experiments.results import read_results
from rrsitr_lib.experiments.study_file import Grid, Study, plan
from rrsitr_lib.experiments.study_folder import OUTCOME, RUN
from rrsitr_lib.experiments.trials import counts, locate, open_study, read_state, write_outcome
from rrsitr_lib.experiments.verify import verify

STUDY = Study(name="one", runs=[Grid(fix={"encoder": "tiny"}, axes={"seed": [3, 13, 25, 42]})])
TRIALS = plan(STUDY)
NAMES = [trial.name for trial in TRIALS]


@pytest.fixture
def root(tmp_path):
    """Four trials: done, failed, begun with two epochs, waiting."""
    write_outcome(tmp_path / "one" / NAMES[0], "done", 12.3)
    write_outcome(tmp_path / "one" / NAMES[1], "failed", 4.0, "RunError:\n loss not finite")
    (tmp_path / "one" / NAMES[2] / RUN).mkdir(parents=True)
    (tmp_path / "one" / NAMES[2] / RUN / "metrics.csv").write_text("epoch,loss\n0,4.0\n1,3.0\n2,2.0\n")
    return tmp_path


def test_states(root):
    states = open_study(STUDY, root).states
    assert [states[name].state for name in NAMES] == ["done", "failed", "begun", "waiting"]
    assert counts(states) == {"done": 1, "failed": 1, "begun": 1, "waiting": 1}
    assert states[NAMES[1]].outcome["reason"] == "RunError: loss not finite"
    assert [states[name].epochs for name in NAMES] == [0, 0, 2, 0]
    assert states[NAMES[3]].folder == root / "one" / NAMES[3]
    assert counts(locate(root / "absent" / "one", NAMES))["waiting"] == 4


def test_trial_of_another_study_is_found_where_it_was_trained_and_ones_own_comes_first(root):
    states = locate(root / "two", NAMES)
    assert states[NAMES[0]].state == "done" and states[NAMES[0]].folder == root / "one" / NAMES[0]
    assert states[NAMES[3]].folder == root / "two" / NAMES[3], "a new trial lies in the study's own folder"
    write_outcome(root / "another" / NAMES[0], "failed", 1.0)
    assert locate(root / "one", NAMES)[NAMES[0]].folder.parent.name == "one"


def test_two_studies_share_a_trial(tmp_path, monkeypatch):
    first, second = (Study(name=name, runs=[Grid(fix={"encoder": "tiny"})]) for name in ("first", "second"))
    write_outcome(tmp_path / "first" / plan(first)[0].name, "done", 1.0)
    monkeypatch.setattr("rrsitr_lib.experiments.engine.opened", lambda *_: pytest.fail("nothing is left to train"))
    states = run_study(second, tmp_path, progress=False)
    assert counts(states)["done"] == 1 and not list(tmp_path.glob("second/*/*"))
    assert (tmp_path / "second" / "trials.csv").read_text().startswith("trial,variant,data,encoder,method")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"state": "finished"}', '{"state": null}', "null"])
def test_damaged_outcome_counts_as_none(root, content):
    folder = root / "one" / NAMES[0]
    (folder / OUTCOME).write_text(content)
    assert read_state(folder).state == "begun" and not read_state(folder).outcome


# --- clean ---


def planning(*seeds):
    return STUDY.model_copy(update={"runs": [Grid(fix={"encoder": "tiny"}, axes={"seed": list(seeds)})]})


def test_clean_removes_only_what_no_study_plans(root):
    planning(3, 13).save(root / "one")
    planning(25).save(root / "two")
    write_outcome(root / "one" / "0123456789abcdef", "done", 1.0)
    (root / "one" / "notes" / "run").mkdir(parents=True)
    said = [path.name for path, _ in clean(root / "one")]
    assert said == ["0123456789abcdef"] and (root / "one" / said[0]).exists(), "nothing goes unless it is asked for"
    gone = [path.name for path, _ in clean(root / "one", delete=True)]
    assert gone == said and not (root / "one" / said[0]).exists()
    assert (root / "one" / "notes").exists() and (root / "one" / NAMES[2]).exists(), "another study plans that trial"


@pytest.mark.parametrize("named", [".", "../one"])
def test_clean_from_within_a_study_keeps_what_it_plans(root, monkeypatch, named):
    STUDY.save(root / "one")
    write_outcome(root / "one" / "0123456789abcdef", "done", 1.0)
    monkeypatch.chdir(root / "one")
    assert [path.name for path, _ in clean(named, delete=True)] == ["0123456789abcdef"]
    assert {path.name for path in (root / "one").iterdir()} == {"study.yaml", *NAMES[:3]}, "nor a folder of locks"


def test_clean_takes_failed_trials_and_spare_checkpoints_where_asked(root):
    STUDY.save(root / "one")
    spare = root / "one" / NAMES[0] / RUN / "last.safetensors"
    spare.parent.mkdir()
    spare.write_bytes(b"x" * 1000)
    kept = root / "one" / NAMES[2] / RUN / "last.safetensors"
    kept.write_bytes(b"x")
    gone = dict(clean(root / "one", failed=True, checkpoints=True, delete=True))
    assert set(gone) == {spare, root / "one" / NAMES[1]} and gone[spare] == 1000
    assert kept.exists(), "a run that is not finished needs its checkpoint"


def test_clean_leaves_a_trial_that_is_being_trained(root):
    planning(99).save(root / "one")
    (root / ".locks").mkdir()
    with FileLock(root / ".locks" / NAMES[2]):
        assert NAMES[2] not in {path.name for path, _ in clean(root / "one", delete=True)}
    assert (root / "one" / NAMES[2]).exists()


# --- an earlier version ---

EARLIER = "preset: tiny\ndata: scenes\nscenes: 240\nencoder: tiny\nmethod: rrsitr\nplain_epochs: 0\nclean_share: 0.3\n"
SAID = "laptop: holds 2 finished and 1 unfinished runs of an earlier version (0.1.0, commit 0123456789ab): it named"


@pytest.fixture
def earlier(tmp_path):
    """The study ``laptop`` as the version before left it: three trials, two finished, no identity in its file."""
    text = "name: laptop\nruns:\n- fix: {encoder: tiny, plain_epochs: 0}\n  axes: {plain_epochs: [0, 2]}\n"
    for number in range(3):
        run = tmp_path / "laptop" / f"{number:016x}" / RUN
        run.mkdir(parents=True)
        (run / "config.yaml").write_text(f"{EARLIER}seed: {number}\n")
        (run / "provenance.json").write_text(json.dumps({"code": {"version": "0.1.0", "commit": "0123456789abcdef"}}))
        if number:
            (run / "result.json").write_text("{}")
            write_outcome(run.parent, "done", 10.0)
    (tmp_path / "laptop" / "study.yaml").write_text(text)
    return tmp_path / "laptop"


@pytest.mark.parametrize("reading", [
    open_study, read_results, lambda folder: list(verify(folder)), lambda folder: list(clean(folder, delete=True)),
    lambda folder: run_study(Study.read("laptop"), folder.parent, progress=False),
])  # fmt: skip
def test_runs_of_an_earlier_version_are_said_and_not_trained_again(earlier, reading, monkeypatch):
    monkeypatch.setattr("rrsitr_lib.experiments.engine.opened", lambda *_: pytest.fail("trained again"))
    before = sorted(earlier.rglob("*"))
    with pytest.raises(InputError) as error:
        reading(earlier)
    assert SAID in str(error.value) and "--runs FOLDER" in str(error.value)
    assert sorted(earlier.rglob("*")) == before, "nothing was written or deleted"


@pytest.mark.parametrize("command", [
    ["run", "laptop"], ["run", "FOLDER"], ["plan", "laptop", "--no-measure"], ["status", "laptop"],
    ["table", "FOLDER"], ["retry", "laptop"], ["report", "laptop"],
])  # fmt: skip
def test_every_command_says_so_on_one_line(earlier, command, capsys):
    given = [earlier if word == "FOLDER" else word for word in command]
    assert rrsitr("study", *given, "--runs", earlier.parent) == 2
    said = capsys.readouterr().err
    assert SAID in said and said.count("\n") == 1


def test_a_study_says_by_which_rule_its_trials_are_named(earlier, tmp_path):
    STUDY.save(tmp_path / "one")
    assert f"identity: {IDENTITY}" in (tmp_path / "one" / "study.yaml").read_text()
    new = Study(name="laptop", runs=STUDY.runs)
    for path in earlier.glob("0*"):  # without trials of an earlier version nothing keeps it from being begun anew
        path.rename(tmp_path / path.name)
    assert counts(open_study(new, tmp_path).states)["waiting"] == 4


def test_trials_of_this_version_need_no_note_in_the_study_file(tmp_path):
    STUDY.save(tmp_path / "one")
    text = (tmp_path / "one" / "study.yaml").read_text()
    (tmp_path / "one" / "study.yaml").write_text(text.replace(f"identity: {IDENTITY}\n", ""))
    for trial in TRIALS[:2]:
        run = tmp_path / "one" / trial.name / RUN
        run.mkdir(parents=True)
        (run / "config.yaml").write_text(trial.config.to_yaml())
    assert counts(open_study(tmp_path / "one").states)["begun"] == 2
