"""The project itself: style, light import, dependency files in step, nothing of a private machine, links that lead."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "rrsitr_lib").rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
REQUIREMENTS = [Requirement(line) for lines in (PROJECT["dependencies"], *EXTRAS.values()) for line in lines]
PRIVATE = re.compile(r"(?<![\w.~-])/(?:root|work|home)\b")
HEAVY = "torch open_clip pandas numpy scipy sklearn transformers timm matplotlib plotly"
TAUGHT = re.compile(r"Taught in: notebooks/(\w+)")


def run(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def tracked_files():
    listed = run("git", "ls-files", "-z")
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("arguments", [["check"], ["format", "--check"]], ids=["check", "format"])
def test_style(arguments):
    result = run(sys.executable, "-m", "ruff", *arguments, ".")
    assert result.returncode == 0, result.stdout + result.stderr


def test_import_is_light():
    code = "import sys, rrsitr_lib; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = run(sys.executable, "-c", code).stdout.split()
    assert "rrsitr_lib" in loaded
    assert not set(HEAVY.split()) & set(loaded)


# --- dependency files ---


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda requirement: requirement.name)
def test_constraints_satisfy_every_range(requirement):
    pinned = [
        Requirement(line)
        for line in constraint_lines()
        if canonicalize_name(Requirement(line).name) == name_of(requirement)
    ]
    assert len(pinned) == 1, f"{requirement.name} is pinned {len(pinned)} times"
    (version,) = pinned[0].specifier
    assert version.operator == "==" and requirement.specifier.contains(version.version, prereleases=True)


def name_of(requirement):
    return canonicalize_name(requirement.name)


def constraint_lines():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


def test_constraints_are_plain_pins_without_hosts():
    assert len(constraint_lines()) > len(REQUIREMENTS)
    for line in constraint_lines():
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.!+-]+", line), line
        assert "+" not in line, f"{line}: a local build is on no public index"
    assert not re.search(r"https?:|file:|@|--", (ROOT / "constraints.txt").read_text())


def test_every_requirement_has_a_bound_and_the_bound_a_reason():
    for requirement in REQUIREMENTS:
        assert requirement.specifier, f"{requirement.name} has no bound"
    for line in (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines():
        if re.search(r'"[A-Za-z0-9_.-]+\s*[<>=~!]=?[^"]*"|^requires-python', line):
            reason = line.partition("#")[2].strip()
            assert len(reason) >= 8, f"no reason beside the bound: {line.strip()}"


def test_environment_is_in_step():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (python,) = [Requirement(line) for line in environment if isinstance(line, str) and line.startswith("python")]
    assert python.specifier == SpecifierSet(PROJECT["requires-python"])
    (by_pip,) = [entry["pip"] for entry in environment if isinstance(entry, dict)]
    (project,) = [line for line in by_pip if line.startswith("-e .")]
    assert set(re.search(r"\[(.*)\]", project)[1].split(",")) == set(EXTRAS)
    others = [line for line in by_pip if line != project]
    assert others == ["-c constraints.txt"], "versions belong to pyproject.toml"


def test_ruff_knows_the_oldest_python():
    target = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["target-version"]
    assert f">={target[2]}.{target[3:]}" == PROJECT["requires-python"]


# --- text ---


def test_no_file_names_a_private_path():
    assert (
        PRIVATE.search("see /" + "work/main") and PRIVATE.search("'/" + "home/me'") and not PRIVATE.search("a/work/b")
    )
    found = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in PRIVATE.finditer(text)]
    assert not found


def test_lessons_named_in_docstrings_exist():
    taught = {target for path in SOURCES for target in TAUGHT.findall(path.read_text(encoding="utf-8"))}
    assert taught and not [target for target in taught if not (ROOT / "notebooks" / "src" / f"{target}.py").exists()]
