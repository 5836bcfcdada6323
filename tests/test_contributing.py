"""What CONTRIBUTING says of a method, a protocol and a data set, done in a copy: one file each, and nothing else."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

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
COMMANDS = """
import json, sys
from rrsitr_lib.cli import main
for arguments in json.loads(sys.argv[1]):
    sys.argv[1:] = arguments
    try:
        main()
    except SystemExit as ended:
        print("exit", ended.code)
"""
EXPLORE = """
import sys
from rrsitr_lib.show.explorers.tabs import EXPLORERS, open_explorer
for name in EXPLORERS:
    open_explorer(name, sys.argv[-1]).view()
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
    """The library with the three files of CONTRIBUTING: calls of its Python, which must end well, and of commands."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "rrsitr_lib", folder / "rrsitr_lib", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "notebooks").symlink_to(ROOT / "notebooks")
    for name, text in FILES.items():
        assert not (folder / name).exists(), f"{name}: an example must be a new file"
        (folder / name).write_text(text, encoding="utf-8")

    def run(*arguments):
        environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
        options = {"cwd": folder, "env": environment, "stdout": subprocess.PIPE, "text": True}
        done = subprocess.run([sys.executable, *map(str, arguments)], **options, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def commands(*lines, then=""):
        said = run("-c", COMMANDS + then, json.dumps([line.split() for line in lines]))
        return said, [int(code) for code in re.findall(r"^exit (\d+)$", said, re.MULTILINE)]

    return SimpleNamespace(folder=folder, python=run, rrsitr=commands)


def test_the_examples_are_in_the_house_style(copy):
    assert [name.rpartition("/")[0] for name in FILES] == [
        "rrsitr_lib/methods", "rrsitr_lib/data/noise", "rrsitr_lib/data/datasets",
    ]  # fmt: skip
    shutil.copy(ROOT / "pyproject.toml", copy.folder)
    copy.python("-m", "ruff", "check", *FILES)
    copy.python("-m", "ruff", "format", "--check", *FILES)


def test_the_command_knows_them(copy):
    wrong = "train --data fields --encoder tiny --method mine --out runs/wrong --set kept_fraction=2"
    said, codes = copy.rrsitr("train --help", "methods mine", wrong)
    assert codes == [0, 0, 2] and not (copy.folder / "runs" / "wrong").exists()
    assert all(name in said for name in ("mine", "neighbour", "fields")) and "kept_fraction is 2" in said
    assert said.count("kept_fraction") > 1, "the method's settings are listed"


def test_a_run_of_them_is_trained_and_opens_in_every_explorer(copy):
    (copy.folder / "mine.yaml").write_text(yaml.safe_dump(GIVEN))
    said, codes = copy.rrsitr("train --config mine.yaml --out runs/one", then=EXPLORE)
    assert codes == [0] and "mR" in said
    assert said.partition("exit 0")[2].split() == [
        "retrieval", "protocol", "partition", "flow", "weights", "margins", "gallery", "embedding",
    ]  # fmt: skip


@pytest.mark.long
def test_a_study_compares_them(copy):
    fix = {name: value for name, value in GIVEN.items() if name not in ("method", "kept_fraction")} | {"epochs": 1}
    runs = [{"fix": fix, "axes": {"method": ["contrastive", "mine"]}}]
    (copy.folder / "study.yaml").write_text(yaml.safe_dump({"name": "compared", "runs": runs}))
    commands = ("study plan study.yaml", "study run study.yaml --workers 1", "study table compared")
    said, codes = copy.rrsitr(*commands)
    plan, _, table, _ = said.split("exit 0")
    assert codes == [0, 0, 0] and "2 trials" in plan
    assert re.search(r"\bmine\b", table) and re.search(r"\bcontrastive\b", table)


def test_the_core_trains_where_every_other_room_is_deleted(copy):
    for room in ROOMS:
        shutil.rmtree(copy.folder / "rrsitr_lib" / room)
    assert copy.python("-c", TRAIN, json.dumps(GIVEN)).split() == ["True"]
