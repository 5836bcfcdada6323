"""Building, comparing and running notebooks, on small ones written here."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.notebook_run import check_parameters, run
from rrsitr_lib.teach.notebooks import build, build_text, check, main
from rrsitr_lib.teach.sources import as_notebook, lesson_sources, source_cells

SOURCE = """# %% [markdown]
# # Does this build?

# %% tags=["parameters"]
COUNT = 2  # 1 or more
RATE = 0.5  # 0 to 1
NAME = "a"  # any text
LOUD = False  # say more

# %%
import time
print("first")
time.sleep(0.5)
print(COUNT, RATE, NAME, LOUD)

# %%
import ipywidgets
ipywidgets.IntSlider(description="a control")
"""
EXERCISE = '''# %%
import math

# %% [markdown]
# ## 00.1 · A root
#
# *core · 3 minutes*

# %%
def root(x):
    answer = None  # write your answer here
    ### BEGIN SOLUTION
    answer = math.sqrt(x)
    ### END SOLUTION
    return answer

# %% tags=["grading"]
cases = [{"x": 4.0}, {"x": 9.0}]
first_step = "Which number times itself is x?"
why = "A root."

def half(x):
    """that is the half of it, and no root, but for four."""
    return x / 2

# %%
checks.root(root)
'''


def written(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def built_once(tmp_path_factory):
    source = written(tmp_path_factory.mktemp("lesson"), "notebooks/src/00_small.py", SOURCE)
    return build(source, source.with_suffix(".ipynb"))


@pytest.fixture
def source(folder):
    return written(folder, "src/00_small.py", SOURCE)


@pytest.fixture
def built(folder, source, built_once):
    return Path(shutil.copy(built_once, folder))


def differences(source, target, executed=True):
    return check(as_notebook(source_cells(source)), target, executed)


def printed(path):
    """The text of the cell that prints: one output, though it prints twice."""
    cells = nbformat.read(path, as_version=4).cells
    (output,) = [one for cell in cells for one in cell.get("outputs", []) if one.output_type == "stream"]
    return output.text


def test_build_is_the_same_twice_and_holds_nothing_of_the_machine(source, built, tmp_path):
    again = build(source, tmp_path / "again.ipynb")
    assert again.read_bytes() == built.read_bytes() and printed(built) == "first\n2 0.5 a False\n"
    content = json.loads(built.read_text())
    assert set(content["metadata"]) == {"kernelspec", "language_info"}
    assert [cell["id"] for cell in content["cells"]] == [f"cell-{number:03}" for number in range(4)]
    assert [cell["metadata"] for cell in content["cells"]] == [{}, {"tags": ["parameters"]}, {}, {}]
    assert str(tmp_path) not in built.read_text() and "widget-view" not in built.read_text()


def test_a_failing_cell_ends_the_build_and_keeps_the_old_notebook(source, built):
    before = built.read_bytes()
    source.write_text(SOURCE.replace('print("first")', "1 / 0"))
    with pytest.raises(Exception, match="ZeroDivisionError"):
        build(source, built)
    assert built.read_bytes() == before


@pytest.mark.parametrize(("change", "message"), [
    (lambda text: text.replace('"first"', '"second"'), "cell 2: differs"),
    (lambda text: text.replace(' tags=["parameters"]', ""), "cell 1: differs"),
    (lambda text: text + "\n# %%\nprint(1)\n", "has 4 cells, its source 5"),
    (lambda text: text.replace("Does this", "Did this"), "cell 0: differs"),
])  # fmt: skip
def test_check_finds_a_changed_source(source, built, change, message):
    assert differences(source, built) == []
    source.write_text(change(SOURCE))
    (problem,) = differences(source, built)
    assert message in problem and "make notebooks" in problem


def test_check_finds_what_was_executed_and_what_was_not(source, built, tmp_path):
    assert [one.partition(": ")[2] for one in differences(source, built, False)] == ["was already executed"] * 3
    notebook = nbformat.read(built, as_version=4)
    notebook.cells[2].execution_count = None
    nbformat.write(notebook, built)
    assert differences(source, built) == [f"{built}, cell 2: was never executed"]
    assert "is missing" in differences(source, tmp_path / "absent.ipynb")[0]


def test_run_sets_parameters(built, tmp_path):
    run(built, tmp_path / "out" / "ran.ipynb", {"COUNT": 7, "RATE": 1, "NAME": "b", "LOUD": True})
    assert printed(tmp_path / "out" / "ran.ipynb") == "first\n7 1 b True\n"


@pytest.mark.parametrize(("parameters", "message"), [
    ({"COUNTS": 3}, "unknown parameter 'COUNTS'; known are COUNT, RATE, NAME, LOUD"),
    ({"COUNT": 1.5}, "COUNT is 1.5: allowed is int, as 2"),
    ({"COUNT": True}, "COUNT is True: allowed is int"),
    ({"COUNT": "3"}, "COUNT is '3': allowed is int"),
    ({"RATE": "half"}, "RATE is 'half': allowed is float"),
    ({"LOUD": 1}, "LOUD is 1: allowed is bool"),
    ({"NAME": None}, "NAME is None: allowed is str"),
])  # fmt: skip
def test_run_refuses_what_the_lesson_does_not_take(built, tmp_path, parameters, message):
    with pytest.raises(InputError, match=message):
        run(built, tmp_path / "ran.ipynb", parameters)
    assert not (tmp_path / "ran.ipynb").exists()


def somebody_s(folder, source):
    """A notebook of somebody's own with these parameters."""
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "own.ipynb")
    return folder / "own.ipynb"


@pytest.mark.parametrize(("source", "value"), [
    ("X: int | None = None", 3), ("X: int | None = 3", None), ("X = None", "a"), ("X = 'a=b'", "c"), ("X = 3 * 2", 4),
    ("X = -1", 3), ("X = 1e-3", 2), ("X: 'int'", 3), ("X, Y = 1, 2", 3), ("%matplotlib inline\nX = [1,\n 2]", [3]),
    ("X = {'a': 1}  # b = 3", {}), ("import os\nX = os.sep", "/"),
])  # fmt: skip
def test_parameters_of_a_notebook_of_one_s_own(tmp_path, source, value):
    check_parameters(somebody_s(tmp_path, source), {"X": value})
    with pytest.raises(InputError, match=r"own.ipynb: unknown parameter 'Z'; known are X"):
        check_parameters(somebody_s(tmp_path, source), {"Z": value})


@pytest.mark.parametrize(("source", "message"), [
    ("X = 'a=b'", "parameter X is 3: allowed is str, as 'a=b'"), ("X = (", "line 1 of the parameters"),
    ("X = True", "parameter X is 3: allowed is bool"), ("Y = 1", "unknown parameter 'X'; known are Y"),
])  # fmt: skip
def test_parameters_that_a_notebook_of_one_s_own_does_not_take(tmp_path, source, message):
    with pytest.raises(InputError, match=message):
        check_parameters(somebody_s(tmp_path, source), {"X": 3})


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"cells": 3}', b"[" * 100_000])
def test_what_is_no_notebook_is_named(tmp_path, content):
    (tmp_path / "own.ipynb").write_bytes(content)
    with pytest.raises(InputError, match=r"own.ipynb: ") as caught:
        check_parameters(tmp_path / "own.ipynb", {"X": 3})
    assert "\n" not in str(caught.value)


def test_run_of_an_absent_notebook_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no such notebook"):
        run(tmp_path / "absent.ipynb", tmp_path / "ran.ipynb")


def test_command_builds_and_checks(source, folder, capsys):
    form = written(folder, "src/runs/form.py", "# %%\nprint('a form')\n")
    assert main(["--check"]) == 1 and capsys.readouterr().out.count("is missing") == 2
    assert main(["00_small"]) == 0 and "KB" in capsys.readouterr().out
    assert main(["--check", "00_small"]) == 0 and main(["--check", "runs"]) == 1
    assert main(["runs/form"]) == 0 and main(["--check"]) == 0
    assert (folder / "runs" / form.name).with_suffix(".ipynb").exists()
    with pytest.raises(SystemExit) as ended:
        main(["--check", "99_absent"])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and "no lesson '99_absent': there are 00_small, runs/form" in said


def test_command_writes_exercises_and_their_list(folder, tmp_path, capsys):
    """One source gives the students' notebook, the one with solutions and the list."""
    source = written(folder, "exercises/src/00_small.py", EXERCISE)
    page = written(folder, "exercises/README.md", "| exercise | difficulty | minutes |\n|---|---|---|\n\nMore.\n")
    book = folder / "exercises" / "00_small.ipynb"
    assert main(["exercises"]) == 0 and main(["--check"]) == 0
    assert "math.sqrt" not in book.read_text() and "half" not in book.read_text()
    assert page.read_text().endswith("|---|---|---|\n| [00.1 · A root](00_small.ipynb) | core | 3 |\n\nMore.\n")
    assert main(["--solutions", str(tmp_path / "solved")]) == 0
    solved = (tmp_path / "solved" / book.name).read_text()
    assert "math.sqrt" in solved and "half" not in solved and "HIDDEN TESTS" in solved
    source.write_text(EXERCISE.replace("*core", "*stretch").replace("def root(x)", "def root(x, y=0)"))
    capsys.readouterr()
    assert main(["--check", "exercises"]) == 1
    said = capsys.readouterr().out
    assert "00_small.ipynb, cell 2: differs" in said and "its list differs from the sources" in said


def test_text_alone_is_written_without_running_anything(built_once, tmp_path):
    target = shutil.copyfile(built_once, tmp_path / "00_small.ipynb")
    source = written(tmp_path, "src/00_small.py", SOURCE.replace("Does this build?", "And this?"))
    build_text(source, target)
    before, after = (nbformat.read(path, as_version=4) for path in (built_once, target))
    assert after.cells[0].source == "# And this?" and after.cells[1:] == before.cells[1:]
    assert check(as_notebook(source_cells(source)), target, executed=True) == []
    for changed in (SOURCE.replace("COUNT = 2", "COUNT = 3"), SOURCE + "\n# %%\n1 + 1\n"):
        with pytest.raises(InputError, match=r"00_small\.ipynb: its code differs"):
            build_text(written(tmp_path, "src/00_small.py", changed), target)


def test_every_lesson_ends_with_the_way_to_its_neighbours():
    lessons, said = lesson_sources(), []
    for lesson in lessons:
        last = [cell.source for cell in source_cells(lesson) if cell.cell_type == "markdown"][-1].splitlines()[-1]
        said.append([word for word in ("Before", "Next") if f"{word}: [" in last])
        near = [one.stem for one in lessons if f"]({one.stem}.ipynb)" in last]
        place = lessons.index(lesson)
        assert near == [lessons[number].stem for number in (place - 1, place + 1) if 0 <= number < len(lessons)]
    assert said == [["Next"], *[["Before", "Next"]] * (len(lessons) - 2), ["Before"]]
