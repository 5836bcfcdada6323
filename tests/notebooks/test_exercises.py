"""Every exercise: its solution passes, its stub and its typical wrong answers are told what helps, nothing leaks."""

import contextlib
import io
import re

import jupytext
import matplotlib.pyplot
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from rrsitr_lib.errors import InputError
from rrsitr_lib.notebook_run import KERNEL, NOTEBOOKS
from rrsitr_lib.teach import checks, exercise_books
from rrsitr_lib.teach.exercise import DIFFICULTIES
from rrsitr_lib.teach.exercise_books import BEGIN, END, EXERCISES, compare, exercise_sources, main, read_book

ALL = checks.exercises()
each_exercise = pytest.mark.parametrize("exercise", ALL.values(), ids=list(ALL))
each_book = pytest.mark.parametrize("source", exercise_sources(), ids=lambda path: path.stem)


def test_there_are_enough_and_of_every_difficulty():
    assert len(ALL) >= 20
    assert {exercise.difficulty for exercise in ALL.values()} == set(DIFFICULTIES)
    lessons = {path.stem for path in (NOTEBOOKS / "src").glob("*.py")} - {"00_start_here"}
    assert {exercise.lesson for exercise in ALL.values()} == lessons == {path.stem for path in exercise_sources()}


@each_exercise
def test_solution_passes(exercise):
    assert exercise.judge(exercise.solution) == (True, exercise.why)


@each_exercise
def test_stub_is_told_where_to_begin(exercise):
    right, said = exercise.judge(lambda **_: None)
    assert not right and "nothing is written yet" in said and exercise.first_step in said


@each_exercise
def test_typical_wrong_answers_get_their_own_reason(exercise):
    assert len(exercise.wrong) >= 2
    assert len({wrong.reason for wrong in exercise.wrong}) == len(exercise.wrong)
    for wrong in exercise.wrong:
        assert exercise.judge(wrong.answer) == (False, wrong.reason)
        assert len(wrong.reason.split()) >= 8, "a reason, not a verdict"


@each_exercise
def test_any_other_answer_gets_a_hint(exercise):
    for answer in (lambda **_: 123.456, lambda **_: "text", lambda **_: np.full((2, 3), 7.0), lambda **_: {}):
        right, said = exercise.judge(answer)
        assert not right and len(said.split()) > 8


# --- the notebooks ---


@each_book
def test_student_notebook_is_in_step(source):
    assert compare(source) == []


@each_book
def test_cards_are_those_of_the_exercises(source):
    text = source.read_text(encoding="utf-8")
    for exercise in ALL.values():
        if exercise.lesson == source.stem:
            assert exercise.card in text, f"{exercise.name}: {exercise.card}"
    assert f"(../{source.stem}.ipynb)" in text, "the way back to the lesson"


@each_book
def test_no_solution_leaks(source):
    student = nbformat.read(EXERCISES / f"{source.stem}.ipynb", as_version=4)
    shown = {line.strip() for cell in student.cells for line in cell.source.splitlines()}
    assert not {BEGIN, END} & shown
    solutions = re.findall(rf"{BEGIN}\n(.*?){END}", source.read_text(encoding="utf-8"), re.S)
    assert solutions
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
                exec(compile(cell.source, "cell", "exec"), names)
    matplotlib.pyplot.close("all")
    return said.getvalue()


@each_book
def test_runs_to_its_end_unsolved_and_solved(source):
    number = sum(exercise.lesson == source.stem for exercise in ALL.values())
    unsolved, solved = run_here(read_book(source, solved=False)), run_here(read_book(source, solved=True))
    assert unsolved.count("[TRY] ") == number and "[OK] " not in unsolved
    assert solved.count("[OK] ") == number and "[TRY] " not in solved


def test_a_student_notebook_runs_in_a_kernel(tmp_path):
    book = nbformat.read(EXERCISES / "04_self_paced_weights.ipynb", as_version=4)
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(book, timeout=300, resources=place, kernel_name="python3", **KERNEL).execute()
    assert "nothing is written yet" in str(book.cells)


@each_book
def test_nbgrader_marks(source):
    cells = read_book(source, solved=True).cells
    marks = [cell.metadata["nbgrader"] for cell in cells if "nbgrader" in cell.metadata]
    names = [name for name, exercise in ALL.items() if exercise.lesson == source.stem]
    assert sorted(mark["grade_id"] for mark in marks) == sorted([*names, *(f"check-{name}" for name in names)])
    for mark in marks:
        assert mark["schema_version"] == 3 and mark["grade"] == mark["locked"] != mark["solution"]
        assert mark["solution"] or mark["points"] > 0


def graded(source, name):
    """What nbgrader runs to grade an exercise."""
    (cell,) = [c for c in read_book(source, solved=True).cells
               if c.metadata.get("nbgrader", {}).get("grade_id") == f"check-{name}"]  # fmt: skip
    assert cell.source.count("### BEGIN HIDDEN TESTS") == cell.source.count("### END HIDDEN TESTS") == 1
    return compile(cell.source, name, "exec")


@each_book
def test_nbgrader_gives_points_only_to_a_right_answer(source, capsys):
    for name, exercise in ALL.items():
        if exercise.lesson == source.stem:
            code = graded(source, name)
            exec(code, {"checks": checks, name: exercise.solution})
            for answer in (lambda **_: None, *(wrong.answer for wrong in exercise.wrong)):
                with pytest.raises(AssertionError):
                    exec(code, {"checks": checks, name: answer})


@each_book
def test_students_get_no_hidden_test(source):
    assert "HIDDEN" not in (EXERCISES / f"{source.stem}.ipynb").read_text(encoding="utf-8")


def test_the_list_of_exercises_is_whole():
    """README of the exercises: every one with its title, notebook, difficulty and minutes, in order."""
    listed = re.findall(r"^\| \[(\d\d\.\d · .+?)\]\((\w+)\.ipynb\) \| (.+?) \| (\d+) \|$",
                        (EXERCISES / "README.md").read_text(encoding="utf-8"), re.M)  # fmt: skip
    expected = []
    for source in exercise_sources():
        text = source.read_text(encoding="utf-8")
        heads = re.findall(r"^# ## (\d\d\.\d · .+)$\n#\n# \*(.+?) · (\d+) minutes\*$", text, re.M)
        expected += [(title, source.stem, difficulty, minutes) for title, difficulty, minutes in heads]
    assert listed == expected and len(expected) == len(ALL)


def test_solutions_on_demand(tmp_path, capsys):
    assert main(["--solutions", str(tmp_path)]) == 0
    for source in exercise_sources():
        text = (tmp_path / f"{source.stem}.ipynb").read_text(encoding="utf-8")
        assert BEGIN in text and END in text


CELL = "def one(x):\n    answer = None\n    {}\n    return answer"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (CELL.format(BEGIN), "line 3 of the cell: ### BEGIN SOLUTION without its partner"),
        (CELL.format(END), "line 3 of the cell: ### END SOLUTION without its partner"),
        (CELL.format(f"{BEGIN}\n    {BEGIN}\n    {END}"), "line 4 of the cell"),
        (f"{BEGIN}\nx = 1\n{END}", "a solution must stand in one function"),
        (CELL.format(f"{BEGIN}\n    {END}"), "found \\['one'\\]"),
        (
            CELL.format("### BEGIN SOLUTON\n    answer = 1\n    ### END SOLUTON"),
            "line 3 of the cell: '### BEGIN SOLUTON'",
        ),
        (CELL.format("# begin solution\n    answer = 1\n    # end solution"), "allowed are ### BEGIN SOLUTION and"),
        (CELL.format("### BEGN SOLUTION\n    answer = 1"), "line 3 of the cell: '### BEGN SOLUTION'"),
        ("checks.one(one)", "exercises and checks of the lesson differ: one"),
    ],
)
def test_a_damaged_source_is_named(tmp_path, code, said):
    source = tmp_path / "11_none.py"
    source.write_text(f"# %% [markdown]\n# # Title\n\n# %%\n{code}\n", encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read_book(source, solved=False)


def test_a_changed_source_is_noticed(tmp_path, monkeypatch):
    source = exercise_sources()[0]
    (tmp_path / f"{source.stem}.ipynb").write_bytes((EXERCISES / f"{source.stem}.ipynb").read_bytes())
    monkeypatch.setattr(exercise_books, "EXERCISES", tmp_path)
    assert compare(source) == []
    book = jupytext.read(tmp_path / f"{source.stem}.ipynb")
    book.cells[0].source += "!"
    nbformat.write(book, tmp_path / f"{source.stem}.ipynb")
    assert "differs from its source" in compare(source)[0]
    (tmp_path / f"{source.stem}.ipynb").unlink()
    assert "is missing" in compare(source)[0]
