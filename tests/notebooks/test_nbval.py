"""The committed outputs are what the lessons print today, cell by cell; and a single changed digit is noticed.

nbval compares text, HTML and JSON literally, pictures not at all, and cells tagged ``nbval-ignore-output`` only run.
"""

import re
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from rrsitr_lib.experiments.notebook_run import NOTEBOOKS, WIDGET_OUTPUT

IGNORED = "nbval-ignore-output"
EPOCHS = re.compile(r"(?<=\")EPOCHS = \d+")  # in the cell of the parameters


def committed():
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def code_cells(notebook):
    return [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]


def nbval(folder):
    """Exit code and report of nbval over a folder of notebooks, in its own process and with this environment's kernel.

    A lesson runs where its notebook lies, so the lessons of a folder share its ``runs``.
    """
    # a project's settings further up must not reach in here, hence --rootdir and an ini file of its own
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    options = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout", "1800", "-p", "no:cacheprovider"]
    place = ["-c", str(folder / "pytest.ini"), "--rootdir", str(folder)]
    names = sorted(path.name for path in folder.glob("*.ipynb"))
    command = [sys.executable, "-m", "pytest", "-q", "--color=no", *options, *place, *names]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def copies(folder, notebooks):
    for notebook in notebooks:
        (folder / notebook.name).write_bytes(notebook.read_bytes())
    return folder


@pytest.mark.parametrize("notebook", committed(), ids=lambda path: path.stem)
def test_nbval_has_something_to_compare(notebook):
    """It passes over cells that were never executed, and finds a widget where the committed file has none."""
    cells = code_cells(notebook)
    assert all(cell.execution_count is not None for cell in cells)
    compared = [cell for cell in cells if IGNORED not in cell.metadata.get("tags", [])]
    assert sum(bool(cell.outputs) for cell in compared) >= 3, "exact results stand in cells that are compared"
    assert WIDGET_OUTPUT not in notebook.read_text(encoding="utf-8")
    for cell in compared:
        assert not re.search(r"^\s*(\w+\.view\(\)|explore\(.*\))\s*(#.*)?$", cell.source, re.M), cell.source


def test_every_lesson_prints_what_is_committed(tmp_path):
    """After one epoch: what depends on training differs from machine to machine, and is not compared.

    The epochs that a lesson asks for, and what it asserts of them, are ``make tutorial``'s.
    """
    for path in copies(tmp_path, committed()).glob("*.ipynb"):
        path.write_text(EPOCHS.sub("EPOCHS = 1", path.read_text(encoding="utf-8")), encoding="utf-8")
    code, report = nbval(tmp_path)
    assert code == 0, report[-8000:]
    assert f"{sum(len(code_cells(notebook)) for notebook in committed())} passed" in report


def test_one_changed_digit_is_noticed(tmp_path):
    printed = new_output("stream", name="stdout", text="recall 42\n")
    cell = new_code_cell("print('recall', 42)", execution_count=1, outputs=[printed])
    book = new_notebook(cells=[cell], metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    nbformat.write(book, tmp_path / "as_it_is.ipynb")
    printed.text = "recall 43\n"
    nbformat.write(book, tmp_path / "changed.ipynb")
    code, report = nbval(tmp_path)
    assert code == 1
    assert re.search("1 failed, 1 passed", report), report[-4000:]
    assert re.search(r"FAILED changed\.ipynb::", report) and "as_it_is.ipynb::" not in report.partition("short test")[2]
