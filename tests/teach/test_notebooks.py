"""Building, comparing and running lessons, on small ones written here."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest

from rrsitr_lib.errors import InputError
from rrsitr_lib.notebook_run import run
from rrsitr_lib.teach import notebooks
from rrsitr_lib.teach.notebooks import build, check, main

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


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "notebooks" / "src" / "00_small.py"
    path.parent.mkdir(parents=True)
    path.write_text(SOURCE)
    return path


@pytest.fixture(scope="module")
def built_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lesson") / "notebooks" / "src"
    folder.mkdir(parents=True)
    (folder / "00_small.py").write_text(SOURCE)
    return build(folder / "00_small.py", folder / "00_small.ipynb")


@pytest.fixture
def built(source, built_once):
    return Path(shutil.copy(built_once, source.parents[1]))


def text_of(path):
    cells = nbformat.read(path, as_version=4).cells
    return "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", []))


def test_build_is_the_same_twice_and_holds_nothing_of_the_machine(source, built, tmp_path):
    again = build(source, tmp_path / "again.ipynb")
    assert again.read_bytes() == built.read_bytes()
    content = json.loads(built.read_text())
    assert set(content["metadata"]) == {"kernelspec", "language_info"}
    assert [cell["id"] for cell in content["cells"]] == [f"cell-{number:03}" for number in range(4)]
    assert content["cells"][1]["metadata"] == {"tags": ["parameters"]} and content["cells"][2]["metadata"] == {}
    assert str(tmp_path) not in built.read_text() and "widget-view" not in built.read_text()


def test_build_executes_and_joins_what_a_cell_prints(built):
    assert text_of(built) == "first\n2 0.5 a False\n"
    (output,) = nbformat.read(built, as_version=4).cells[2].outputs
    assert output.output_type == "stream"


def test_run_joins_what_a_cell_prints(built, tmp_path):
    run(built, tmp_path / "ran.ipynb")
    (output,) = nbformat.read(tmp_path / "ran.ipynb", as_version=4).cells[-2].outputs
    assert output.text == "first\n2 0.5 a False\n"


def test_a_failing_cell_ends_the_build_and_keeps_the_old_notebook(source, built):
    before = built.read_bytes()
    source.write_text(SOURCE + "\n# %%\n1 / 0\n")
    with pytest.raises(Exception, match="ZeroDivisionError"):
        build(source, built)
    assert built.read_bytes() == before


def test_check_agrees_with_what_was_built(source, built):
    assert check(source, built) == []


@pytest.mark.parametrize(("change", "message"), [
    (lambda text: text.replace('"first"', '"second"'), "cell 2: differs"),
    (lambda text: text.replace(' tags=["parameters"]', ""), "cell 1: differs"),
    (lambda text: text + "\n# %%\nprint(1)\n", "has 4 cells, its source 5"),
    (lambda text: text.replace("Does this", "Did this"), "cell 0: differs"),
])  # fmt: skip
def test_check_finds_a_changed_source(source, built, change, message):
    source.write_text(change(SOURCE))
    (problem,) = check(source, built)
    assert message in problem and "make notebooks" in problem


def test_check_finds_a_cell_that_never_ran(source, built):
    notebook = nbformat.read(built, as_version=4)
    notebook.cells[2].execution_count = None
    nbformat.write(notebook, built)
    (problem,) = check(source, built)
    assert "cell 2: was never executed" in problem


def test_check_finds_an_absent_notebook(source, tmp_path):
    assert "is missing" in check(source, tmp_path / "absent.ipynb")[0]


def test_run_sets_parameters(built, tmp_path):
    run(built, tmp_path / "out" / "ran.ipynb", {"COUNT": 7, "RATE": 1, "NAME": "b", "LOUD": True})
    assert "7 1 b True" in text_of(tmp_path / "out" / "ran.ipynb")


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
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        run(built, tmp_path / "ran.ipynb", parameters)
    assert not (tmp_path / "ran.ipynb").exists()


def test_run_of_an_absent_notebook_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no such notebook"):
        run(tmp_path / "absent.ipynb", tmp_path / "ran.ipynb")


def test_command_builds_and_checks(source, monkeypatch, capsys):
    monkeypatch.setattr(notebooks, "NOTEBOOKS", source.parents[1])
    assert main(["--check"]) == 1 and "is missing" in capsys.readouterr().out
    assert main(["00_small"]) == 0 and "KB" in capsys.readouterr().out
    assert main(["--check"]) == 0
    with pytest.raises(SystemExit) as ended:
        main(["--check", "99_absent"])
    assert ended.value.code == 2 and "no lesson '99_absent': there are 00_small" in capsys.readouterr().err
