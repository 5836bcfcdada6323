"""What a study knows of its cells, from their folders alone."""

import pytest

from rrsitr_lib.experiments.clean import clean
from rrsitr_lib.experiments.plan import plan
from rrsitr_lib.experiments.study_file import Grid, Study
from rrsitr_lib.experiments.trials import OUTCOME, RUN, counts, epochs_of, locate, look, write_outcome

STUDY = Study(name="one", runs=[Grid(fix={"encoder": "tiny"}, axes={"seed": [3, 13, 25, 42]})])
CELLS = plan(STUDY)
NAMES = [cell.name for cell in CELLS]


@pytest.fixture
def root(tmp_path):
    """Four cells: done, failed, begun with two epochs, waiting."""
    write_outcome(tmp_path / "one" / NAMES[0], "done", 12.3)
    write_outcome(tmp_path / "one" / NAMES[1], "failed", 4.0, "RunError:\n loss not finite")
    (tmp_path / "one" / NAMES[2] / RUN).mkdir(parents=True)
    (tmp_path / "one" / NAMES[2] / RUN / "metrics.csv").write_text("epoch,loss\n1,3.0\n2,2.0\n")
    return tmp_path


def test_states(root):
    places = locate(root, "one", CELLS)
    assert [places[name].state for name in NAMES] == ["done", "failed", "begun", "waiting"]
    assert counts(places) == {"done": 1, "failed": 1, "begun": 1, "waiting": 1}
    assert places[NAMES[1]].outcome["reason"] == "RunError: loss not finite"
    assert [places[name].epochs for name in NAMES] == [0, 0, 2, 0]
    assert places[NAMES[3]].folder == root / "one" / NAMES[3]


def test_cell_of_another_study_is_found_where_it_was_trained(root):
    places = locate(root, "two", CELLS)
    assert places[NAMES[0]].state == "done" and places[NAMES[0]].folder == root / "one" / NAMES[0]
    assert places[NAMES[3]].folder == root / "two" / NAMES[3], "a new cell lies in the study's own folder"


def test_own_cell_comes_before_anothers(root):
    write_outcome(root / "another" / NAMES[0], "failed", 1.0)
    assert locate(root, "one", CELLS)[NAMES[0]].folder.parent.name == "one"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"state": "finished"}', '{"state": null}', "null"])
def test_damaged_outcome_counts_as_none(root, content):
    folder = root / "one" / NAMES[0]
    (folder / OUTCOME).write_text(content)
    assert look(folder).state == "begun" and not look(folder).outcome


def test_no_folder_is_all_waiting(tmp_path):
    assert counts(locate(tmp_path / "absent", "one", CELLS))["waiting"] == 4
    assert epochs_of(tmp_path) == 0


# --- clean ---


def test_clean_removes_only_what_no_study_plans(root):
    STUDY.model_copy(update={"runs": [Grid(fix={"encoder": "tiny"}, axes={"seed": [3, 13]})]}).save(root / "one")
    other = Study(name="two", runs=[Grid(fix={"encoder": "tiny", "seed": 25})])
    other.save(root / "two")
    write_outcome(root / "one" / "0123456789abcdef", "done", 1.0)
    (root / "one" / "notes").mkdir()
    (root / "one" / "notes" / "run").mkdir()
    said = [path.name for path, _ in clean(root / "one")]
    assert said == ["0123456789abcdef"] and (root / "one" / said[0]).exists(), "nothing goes unless it is asked for"
    gone = [path.name for path, _ in clean(root / "one", delete=True)]
    assert gone == said and not (root / "one" / said[0]).exists()
    assert (root / "one" / "notes").exists() and (root / "one" / NAMES[2]).exists(), "another study plans that cell"


@pytest.mark.parametrize("named", [".", "../one"])
def test_clean_from_within_a_study_keeps_what_it_plans(root, monkeypatch, named):
    STUDY.save(root / "one")
    write_outcome(root / "one" / "0123456789abcdef", "done", 1.0)
    monkeypatch.chdir(root / "one")
    assert [path.name for path, _ in clean(named, delete=True)] == ["0123456789abcdef"]
    assert {path.name for path in (root / "one").iterdir()} == {"study.yaml", *NAMES[:3]}, "nor a folder of locks"


def test_clean_takes_failed_cells_and_spare_checkpoints_where_asked(root):
    STUDY.save(root / "one")
    spare = root / "one" / NAMES[0] / RUN / "last.safetensors"
    spare.parent.mkdir()
    spare.write_bytes(b"x" * 1000)
    kept = root / "one" / NAMES[2] / RUN / "last.safetensors"
    kept.write_bytes(b"x")
    gone = dict(clean(root / "one", failed=True, checkpoints=True, delete=True))
    assert set(gone) == {spare, root / "one" / NAMES[1]} and gone[spare] == 1000
    assert kept.exists(), "a run that is not finished needs its checkpoint"


def test_clean_leaves_a_cell_that_is_being_trained(root):
    from filelock import FileLock

    STUDY.model_copy(update={"runs": [Grid(fix={"encoder": "tiny"}, axes={"seed": [99]})]}).save(root / "one")
    (root / ".locks").mkdir()
    with FileLock(root / ".locks" / NAMES[2]):
        assert NAMES[2] not in {path.name for path, _ in clean(root / "one", delete=True)}
    assert (root / "one" / NAMES[2]).exists()
