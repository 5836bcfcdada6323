"""What CONTRIBUTING says of a method, a protocol and a data set, done in a copy: one file each, and nothing else."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"```python\n# (rrsitr_lib/\S+)\n(.*?)```", re.DOTALL)
FILES = dict(BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
ROOMS = ("speed", "frozen_towers", "exchange", "scenes", "audit", "show", "experiments", "teach", "cli")
GIVEN = {
    "data": "fields", "protocol": "neighbour", "method": "mine", "kept_fraction": 0.5, "encoder": "tiny",
    "weights": "none", "noise_rate": 0.4, "epochs": 2, "batch_size": 20, "seed": 3,
}  # fmt: skip
EXPLORE = """
import sys
from rrsitr_lib.show.explorers.tabs import EXPLORERS, open_explorer
for name in EXPLORERS:
    open_explorer(name, sys.argv[1]).view()
    print(name)
"""
TRAIN = """
import json, sys
from rrsitr_lib.config import RunConfig
from rrsitr_lib.training.run import train
print(train(RunConfig.build(**json.loads(sys.argv[1])), "runs/core", progress=False)["test"]["mR"] > 0)
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The library with the three files of CONTRIBUTING; returns a call of its Python, which must end well."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "rrsitr_lib", folder / "rrsitr_lib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    for name, text in FILES.items():
        assert not (folder / name).exists(), f"{name}: an example must be a new file"
        (folder / name).write_text(text, encoding="utf-8")

    def run(*arguments, fails=False):
        environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
        options = {"cwd": folder, "env": environment, "capture_output": True, "text": True}
        done = subprocess.run([sys.executable, *map(str, arguments)], **options)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr * fails

    run.folder = folder
    return run


def test_the_examples_are_in_the_house_style(copy):
    assert [name.rpartition("/")[0] for name in FILES] == [
        "rrsitr_lib/methods", "rrsitr_lib/data/noise", "rrsitr_lib/data/datasets",
    ]  # fmt: skip
    shutil.copy(ROOT / "pyproject.toml", copy.folder)
    copy("-m", "ruff", "check", *FILES)
    copy("-m", "ruff", "format", "--check", *FILES)


def test_the_command_knows_them(copy):
    said = copy("-m", "rrsitr_lib", "train", "--help")
    assert all(name in said for name in ("mine", "neighbour", "fields"))
    assert "kept_fraction" in copy("-m", "rrsitr_lib", "methods", "mine")
    wrong = ("train", "--data", "fields", "--encoder", "tiny", "--method", "mine", "--out", "runs/wrong")
    assert "kept_fraction" in copy("-m", "rrsitr_lib", *wrong, "--set", "kept_fraction=2", fails=True)
    assert not (copy.folder / "runs" / "wrong").exists()


def test_a_run_of_them_is_trained_and_opens_in_every_explorer(copy):
    (copy.folder / "mine.yaml").write_text(yaml.safe_dump(GIVEN))
    assert "mR" in copy("-m", "rrsitr_lib", "train", "--config", "mine.yaml", "--out", "runs/one")
    assert copy("-c", EXPLORE, "runs/one").split() == [
        "retrieval", "protocol", "partition", "weights", "margins", "gallery", "embedding",
    ]  # fmt: skip


def test_a_study_compares_them(copy):
    fix = {name: value for name, value in GIVEN.items() if name not in ("method", "kept_fraction")}
    runs = [{"fix": fix, "axes": {"method": ["contrastive", "mine"]}}]
    (copy.folder / "study.yaml").write_text(yaml.safe_dump({"name": "compared", "runs": runs}))
    assert "2 trials" in copy("-m", "rrsitr_lib", "study", "plan", "study.yaml")
    copy("-m", "rrsitr_lib", "study", "run", "study.yaml", "--workers", "1")
    table = copy("-m", "rrsitr_lib", "study", "table", "compared")
    assert re.search(r"\bmine\b", table) and re.search(r"\bcontrastive\b", table)


def test_the_core_trains_where_every_other_room_is_deleted(copy):
    for room in ROOMS:
        shutil.rmtree(copy.folder / "rrsitr_lib" / room)
    assert copy("-c", TRAIN, json.dumps(GIVEN)).split() == ["True"]
