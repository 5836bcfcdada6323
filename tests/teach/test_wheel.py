"""The wheel, unpacked far from the checkout: commands start, and lessons, exercises and pages are in it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "rrsitr_lib", "notebooks", "results")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
LESSONS = """
from rrsitr_lib.teach import checks, slides, sources
assert checks.weight_of_pair(checks.weight_of_pair.solution)
for source in (*sources.lesson_sources(), *sources.form_sources(), *sources.exercise_sources()):
    print(len(sources.source_cells(source)), sources.target_of(source).exists(), sources.target_of(source))
slides.write_slides(sources.lesson_notebooks()[3], slides.Path("03.html"))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """It is built from links to the checkout, as setuptools writes beside what it reads."""
    tree, folder = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    for part in PARTS:
        (tree / part).symlink_to(ROOT / part)
    subprocess.run([sys.executable, "-c", BUILD, str(folder)], cwd=tree, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """Python in an empty folder, which finds the package where the wheel was unpacked; returns what it prints."""
    unpacked, elsewhere = tmp_path_factory.mktemp("unpacked"), tmp_path_factory.mktemp("elsewhere")
    zipfile.ZipFile(wheel).extractall(unpacked)

    def run(*arguments):
        environment = os.environ | {"PYTHONPATH": str(unpacked)}
        options = {"cwd": elsewhere, "env": environment, "capture_output": True, "text": True}
        done = subprocess.run([sys.executable, *arguments], **options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert run("-c", "import rrsitr_lib; print(rrsitr_lib.__file__)").startswith(str(unpacked))
    return run


@pytest.mark.parametrize("part", ["rrsitr_lib", "notebooks", "results"])
def test_nothing_is_forgotten(wheel, part):
    listed = subprocess.run(["git", "ls-files", part], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    packed = set(zipfile.ZipFile(wheel).namelist())
    prefix = "" if part == "rrsitr_lib" else "rrsitr_lib/"
    present = [path for path in listed.stdout.split() if (ROOT / path).exists() and not path.endswith(".zip")]
    assert present and not [path for path in present if f"{prefix}{path}" not in packed]


def test_commands_start(python):
    assert "doctor" in python("-m", "rrsitr_lib", "--help")
    said = python("-m", "rrsitr_lib", "doctor")
    assert "[OK] tiny weights" in said and "[OK] plotly" in said, "what is needed is read from the wheel's metadata"


def test_lessons_exercises_and_pages_are_there(python):
    verdict, *rows = python("-c", LESSONS).splitlines()
    assert verdict.startswith("[OK] weight_of_pair")
    assert all(int(cells) > 3 and there == "True" for cells, there, _ in map(str.split, rows))
    for name in ("00_start_here", "runs/one_run", "exercises/09_reproduction"):
        assert any(row.endswith(f"rrsitr_lib/notebooks/{name}.ipynb") for row in rows)
