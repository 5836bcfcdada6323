"""Every exercise: its solution passes, its stub and its typical wrong answers are told what helps, nothing leaks."""

import nbformat
import numpy as np
import pytest
from lesson_cells import run_here
from nbclient import NotebookClient

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.notebook_run import KERNEL
from rrsitr_lib.registry import METHODS
from rrsitr_lib.teach import checks
from rrsitr_lib.teach.exercise import POINTS
from rrsitr_lib.teach.exercise_books import read_book
from rrsitr_lib.teach.exercise_source import BEGIN, END, STUB, read_exercises, without_solution
from rrsitr_lib.teach.notebooks import main
from rrsitr_lib.teach.sources import exercise_sources, lesson_sources, source_cells, target_of

ALL = {name: one for source in exercise_sources() for name, one in read_exercises(source).items()}
each_exercise = pytest.mark.parametrize("exercise", ALL.values(), ids=list(ALL))
each_book = pytest.mark.parametrize("source", exercise_sources(), ids=lambda path: path.stem)


@pytest.fixture(autouse=True)
def own_methods():
    """A method that an exercise registers is forgotten after its test."""
    yield
    for name in METHODS._entries.keys() - METHODS._sources().keys():
        del METHODS._entries[name]


def of_lesson(source):
    return {name: exercise for name, exercise in ALL.items() if exercise.lesson == source.stem}


def test_every_lesson_has_exercises_and_every_difficulty_occurs():
    assert {exercise.difficulty for exercise in ALL.values()} == set(POINTS)
    lessons = {path.stem for path in lesson_sources()} - {"00_start_here"}
    assert {exercise.lesson for exercise in ALL.values()} == lessons


@each_exercise
def test_solution_passes_and_stub_is_told_where_to_begin(exercise):
    assert exercise.grade(exercise.solution) == (True, exercise.why)
    right, said = exercise.grade(lambda **_: None)
    assert not right and "nothing is written yet" in said and exercise.first_step in said


@each_exercise
def test_typical_wrong_answers_get_their_own_reason(exercise):
    assert len({wrong.reason for wrong in exercise.wrong}) == len(exercise.wrong) >= 2
    for wrong in exercise.wrong:
        assert exercise.grade(wrong.answer) == (False, wrong.reason)
        assert len(wrong.reason.split()) >= 8, "a reason, not a verdict"


@each_exercise
def test_any_other_answer_gets_a_hint(exercise):
    for answer in (lambda **_: 123.456, lambda **_: "text", lambda **_: np.full((2, 3), 7.0), lambda **_: {}):
        right, said = exercise.grade(answer)
        assert not right and len(said.split()) > 8


def test_an_unknown_exercise_is_named():
    with pytest.raises(AttributeError, match="no exercise 'recall'; there are hit_of_question, "):
        checks.recall  # noqa: B018


# --- the notebooks ---


def test_student_notebooks_and_their_list_are_in_step(capsys):
    assert main(["--check", "exercises"]) == 0, capsys.readouterr().out


@each_book
def test_no_solution_and_no_wrong_answer_leaks(source):
    student = nbformat.read(target_of(source), as_version=4)
    shown = {line.strip() for cell in student.cells for line in cell.source.splitlines()}
    assert f"(../{source.stem}.ipynb)" in "".join(shown), "the way back to the lesson"
    for cell in source_cells(source):
        hidden = cell.source.splitlines()
        if "grading" not in cell.metadata.get("tags", []):
            hidden = {*hidden} - {*without_solution(cell.source).splitlines()} if BEGIN in cell.source else []
        assert not [line for line in hidden if len(line.strip()) >= 12 and line.strip() in shown]


@each_book
def test_runs_to_its_end_unsolved_and_solved(source):
    unsolved, solved = run_here(read_book(source, solved=False)), run_here(read_book(source, solved=True))
    assert unsolved.count("[TRY] ") == len(of_lesson(source)) and "[OK] " not in unsolved
    assert solved.count("[OK] ") == len(of_lesson(source)) and "[TRY] " not in solved


@each_book
def test_a_stub_returns_or_raises_and_never_both(source):
    """nbgrader puts a line that raises in place of the solution."""
    for solved in (False, True):
        cells = [cell.source for cell in read_book(source, solved).cells if "nbgrader" in cell.metadata]
        tasks = [cell for cell in cells if not cell.startswith("checks.")]
        assert [len(STUB.findall(task)) + task.count(BEGIN) for task in tasks] == [1] * len(of_lesson(source))


def test_a_student_notebook_runs_in_a_kernel(tmp_path):
    book = nbformat.read(target_of(exercise_sources()[3]), as_version=4)
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(book, timeout=300, resources=place, kernel_name="python3", **KERNEL).execute()
    assert "nothing is written yet" in str(book.cells)


@each_book
def test_nbgrader_gives_points_only_to_a_right_answer(source, capsys):
    """Each exercise has a cell that is the student's and a locked one whose hidden test grades it."""
    cells = read_book(source, solved=True).cells
    marked = {mark["grade_id"]: (mark, cell.source) for cell in cells if (mark := cell.metadata.get("nbgrader"))}
    assert len(marked) == 2 * len(of_lesson(source))
    for name, exercise in of_lesson(source).items():
        (task, solution), (grade, test) = marked[name], marked[f"check-{name}"]
        assert task["solution"] and not task["grade"] and not task["locked"] and BEGIN in solution and END in solution
        assert grade["grade"] and grade["locked"] and not grade["solution"]
        assert grade["points"] == POINTS[exercise.difficulty]
        assert test.count("### BEGIN HIDDEN TESTS") == test.count("### END HIDDEN TESTS") == 1
        exec(test, {"checks": checks, name: exercise.solution})
        for answer in (lambda **_: None, *(wrong.answer for wrong in exercise.wrong)):
            with pytest.raises(AssertionError):
                exec(test, {"checks": checks, name: answer})


# --- damaged sources ---

CELL = "def one(x):\n    answer = None  # write your answer here\n    {}\n    return answer"
CARD = "# %% [markdown]\n# ## 00.1 · Title\n#\n# *core · 5 minutes*\n\n# %%\n"
SOLVED = CARD + CELL.format(f"{BEGIN}\n    answer = x\n    {END}")
GRADING = '\n# %% tags=["grading"]\n'


@pytest.mark.parametrize(("code", "said"), [
    (CELL.format(BEGIN), "line 3 of the cell: ### BEGIN SOLUTION without its partner"),
    (CELL.format(END), "line 3 of the cell: ### END SOLUTION without its partner"),
    (CELL.format(f"{BEGIN}\n    {BEGIN}\n    {END}"), "line 4 of the cell"),
    (CELL.format("### BEGIN SOLUTON\n    answer = 1\n    ### END SOLUTON"), "line 3 of the cell: '### BEGIN SOLUTON'"),
    (CELL.format("# begin solution\n    answer = 1\n    # end solution"), "allowed are ### BEGIN SOLUTION and"),
    (CELL.format("### BEGN SOLUTION\n    answer = 1"), "line 3 of the cell: '### BEGN SOLUTION'"),
    (f"{BEGIN}\nx = 1\n{END}", r"a solution must stand in one function, found \[\]"),
    (CELL.format(f"{BEGIN}\n    {END}"), "one must stand between its card and a cell tagged grading"),
    (SOLVED, "one must stand between its card and a cell tagged grading"),
    (SOLVED.replace("  # write your answer here", "") + GRADING, "one must have one line 'answer = None  # write"),
    (SOLVED + GRADING + "cases = []", "its grading lacks first_step, why"),
    (SOLVED.replace("core", "easy") + GRADING + "cases = first_step = why = ''", "'easy': allowed are warm-up, core"),
    (SOLVED + GRADING + "cases = first_step = why = ''", "exercises and checks of the lesson differ: one"),
    ("checks.one(one)", "exercises and checks of the lesson differ: one"),
])  # fmt: skip
def test_a_damaged_source_is_named(tmp_path, code, said):
    source = tmp_path / "11_none.py"
    source.write_text(f"# %% [markdown]\n# # Title\n\n# %%\nimport math\n\n# %%\n{code}\n", encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read_book(source, solved=False)


def test_a_helper_is_no_wrong_answer(tmp_path):
    cell = "from math import sqrt\ncases = first_step = why = ''\ndef _help(): ...\ndef typical(x):\n    'a reason'"
    (tmp_path / "11_none.py").write_text(SOLVED + GRADING + cell, encoding="utf-8")
    (exercise,) = read_exercises(tmp_path / "11_none.py").values()
    assert [wrong.reason for wrong in exercise.wrong] == ["a reason"] and exercise.minutes == 5
