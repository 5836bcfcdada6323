"""Every exercise: its solution passes, its stub and its typical wrong answers are told what helps, nothing leaks."""

import contextlib
import io
import re

import matplotlib.pyplot
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from rrsitr_lib.teach import checks
from rrsitr_lib.teach.exercise import DIFFICULTIES
from rrsitr_lib.teach.exercise_books import EXERCISES, exercise_sources, read_book
from rrsitr_lib.teach.exercise_source import BEGIN, END
from rrsitr_lib.teach.notebooks import NOTEBOOKS, QUIET_KERNEL

ALL = checks.exercises()
each_exercise = pytest.mark.parametrize("exercise", ALL.values(), ids=list(ALL))
each_book = pytest.mark.parametrize("source", exercise_sources(), ids=lambda path: path.stem)


def of_lesson(lesson):
    return [exercise for exercise in ALL.values() if exercise.lesson == lesson]


def test_there_are_enough_and_of_every_difficulty():
    assert len(ALL) >= 20
    assert {exercise.difficulty for exercise in ALL.values()} == set(DIFFICULTIES)
    lessons = {path.stem for path in (NOTEBOOKS / "src").glob("*.py")} - {"00_start_here"}
    assert {exercise.lesson for exercise in ALL.values()} == lessons == {path.stem for path in exercise_sources()}


def test_names_are_unique_over_all_lessons():
    modules = [getattr(checks, module) for module in dir(checks) if module.startswith("lesson_")]
    names = [exercise.name for module in modules for exercise in module.EXERCISES]
    assert len(names) == len(set(names)) == len(ALL)


@each_exercise
def test_solution_passes(exercise):
    assert exercise.judge(exercise.solution) == (True, exercise.why)


@each_exercise
@pytest.mark.parametrize("nothing", [None, ...])
def test_stub_is_told_where_to_begin(exercise, nothing):
    right, said = exercise.judge(lambda **_: nothing)
    assert not right and "nothing is written yet" in said and exercise.first_step in said


@each_exercise
def test_typical_wrong_answers_get_their_own_reason(exercise):
    assert len(exercise.wrong) >= 2
    assert len({wrong.reason for wrong in exercise.wrong}) == len(exercise.wrong)
    for wrong in exercise.wrong:
        assert exercise.judge(wrong.answer) == (False, wrong.reason)
        assert len(wrong.reason.split()) >= 8, "a reason, not a verdict"


OTHER = {
    "number": lambda **_: 123.456,
    "text": lambda **_: "text",
    "shape": lambda **_: np.full((2, 3), 7.0),
    "mapping": lambda **_: {},
    "nan": lambda **_: float("nan"),
    "raises": lambda **_: 1 / 0,
}


@each_exercise
@pytest.mark.parametrize("kind", OTHER)
def test_any_other_answer_gets_a_hint_and_a_case(exercise, kind):
    right, said = exercise.judge(OTHER[kind])
    assert not right and exercise.first_step in said
    assert re.search(rf"for {'|'.join(exercise.cases[0])}=", said), f"no case is named: {said}"


# --- the notebooks ---


@each_book
def test_cards_stand_above_their_tasks(source):
    cells, shown = read_book(source, solved=False).cells, []
    for above, cell in zip(cells, cells[1:], strict=False):
        name = cell.metadata.get("nbgrader", {}).get("solution") and cell.metadata["nbgrader"]["grade_id"]
        if name:
            number, card = above.source.splitlines()[0], above.source.splitlines()[2]
            assert card == ALL[name].card
            assert re.fullmatch(rf"## {source.stem[:2]}\.{len(shown) + 1} · .+", number)
            assert len(above.source.split()) <= 140, "heading, card, and a task of at most 120 words or so"
            shown.append(name)
    assert sorted(shown) == sorted(exercise.name for exercise in of_lesson(source.stem))
    assert f"(../{source.stem}.ipynb)" in cells[0].source, "the way back to the lesson"


@each_book
def test_no_solution_leaks(source):
    student = nbformat.read(EXERCISES / f"{source.stem}.ipynb", as_version=4)
    shown = {line.strip() for cell in student.cells for line in cell.source.splitlines()}
    assert not {BEGIN, END} & shown and not any("HIDDEN TESTS" in line for line in shown)
    solutions = re.findall(rf"{BEGIN}\n(.*?){END}", source.read_text(encoding="utf-8"), re.S)
    assert len(solutions) >= len(of_lesson(source.stem))
    for line in "".join(solutions).splitlines():
        assert len(line.strip()) < 12 or line.strip() not in shown, line
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in student.cells)


def run_here(book):
    """All code cells in this process, which is quicker than a kernel; returns what they print."""
    matplotlib.use("Agg")
    said, names = io.StringIO(), {"__name__": "__main__"}
    with contextlib.redirect_stdout(said):
        for cell in book.cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, cell["id"], "exec"), names)
    matplotlib.pyplot.close("all")
    return said.getvalue()


@each_book
def test_runs_to_its_end_unsolved(source):
    student = nbformat.read(EXERCISES / f"{source.stem}.ipynb", as_version=4)
    said = run_here(student)
    for exercise in of_lesson(source.stem):
        assert f"[TRY] {exercise.name}: it returns None, so nothing is written yet." in said
    assert "[OK] " not in said


@each_book
def test_runs_to_its_end_solved_without_a_warning(source, recwarn):
    """A warning lands on stderr, for which nbgrader takes all points away."""
    said = run_here(read_book(source, solved=True))
    for exercise in of_lesson(source.stem):
        assert f"[OK] {exercise.name}: {exercise.why}" in said
    assert "[TRY] " not in said
    assert not [str(one.message) for one in recwarn]


@pytest.mark.parametrize("solved", [False, True], ids=["unsolved", "solved"])
def test_one_runs_in_a_kernel(solved, tmp_path):
    book = read_book(EXERCISES / "src" / "04_self_paced_weights.py", solved)
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(book, timeout=300, resources=place, kernel_name="python3", extra_arguments=QUIET_KERNEL).execute()
    printed = "".join(out.get("text", "") for cell in book.cells for out in cell.get("outputs", []))
    assert printed.count("[OK]" if solved else "[TRY]") == len(of_lesson("04_self_paced_weights"))
    assert not any(tmp_path.iterdir()), "an exercise writes nothing"
