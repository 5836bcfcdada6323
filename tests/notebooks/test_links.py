"""Links both ways: glossary to code, pages to lessons, names to lessons."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from rrsitr_lib.experiments.notebook_run import NOTEBOOKS
from rrsitr_lib.experiments.study_file import known_fields
from rrsitr_lib.teach.lesson_index import taught
from rrsitr_lib.teach.sources import exercise_sources, form_sources, lesson_sources, source_cells
from rrsitr_lib.training.ledger import COLUMNS

GLOSSARY = NOTEBOOKS / "GLOSSARY.md"
LESSONS = {path.stem: path for path in lesson_sources()}
FORMS = {path.stem: path for path in form_sources()}
EXERCISES = {path.stem: path for path in exercise_sources()}
LINK = re.compile(r"\]\((?!https?:)([^)\s]+\.ipynb)\)")


# --- the glossary ---


def glossary_rows() -> list[list[str]]:
    """The cells of every row, head and rule left out."""
    lines = [line for line in GLOSSARY.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def glossary_names() -> list[str]:
    return sorted({name for row in glossary_rows() for name in re.findall(r"`([^`]+)`", row[1])})


def resolves(name: str) -> bool:
    """Whether a name of the glossary is a ledger column, field of a run, setting of a method, or can be imported."""
    if name.startswith("ledger: "):
        return name.removeprefix("ledger: ") in {*COLUMNS, "mismatched"}
    if name.startswith("RunConfig."):
        return name.removeprefix("RunConfig.") in known_fields()
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(["rrsitr_lib", *parts[:cut]]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            if not hasattr(found, part) and part not in getattr(found, "__annotations__", {}):
                return False
            found = getattr(found, part, None)
        return True
    return False


def test_glossary_rows_are_whole():
    rows = glossary_rows()
    assert len(rows) >= 35
    assert not [row for row in rows if len(row) != 5 - 1 or not all(row)]
    symbols = [row[0] for row in rows]
    assert len(set(symbols)) == len(symbols)


@pytest.mark.parametrize("name", glossary_names())
def test_glossary_name_resolves(name):
    assert resolves(name), f"{name}: not below rrsitr_lib, no field of RunConfig, no ledger column"


@pytest.mark.parametrize("row", glossary_rows(), ids=lambda row: row[0])
def test_glossary_row_names_its_lesson(row):
    assert re.fullmatch(r"\[(\d\d[a-z]?)\]\(\1_\w+\.ipynb\)", row[3])


@pytest.mark.parametrize("name", ["ledger: nothing", "RunConfig.nothing", "objective.nothing", "nothing.at.all"])
def test_a_wrong_name_does_not_resolve(name):
    assert not resolves(name)


# --- pages to lessons ---


def links() -> list[tuple[str, str]]:
    """(page, link) for every link to a notebook, each once."""
    places = {
        NOTEBOOKS / "GLOSSARY.md": NOTEBOOKS,
        NOTEBOOKS / "INSTRUCTOR.md": NOTEBOOKS,
        NOTEBOOKS.parent / "README.md": NOTEBOOKS.parent,
        **dict.fromkeys(LESSONS.values(), NOTEBOOKS),
        **dict.fromkeys(EXERCISES.values(), NOTEBOOKS / "exercises"),
    }
    root = NOTEBOOKS.parent
    found = {
        (str(page.relative_to(root)), str((base / link).resolve().relative_to(root.resolve())))
        for page, base in places.items()
        for link in LINK.findall(page.read_text(encoding="utf-8"))
    }
    return sorted(found)


@pytest.mark.parametrize(("page", "target"), links(), ids=lambda value: value)
def test_link_leads_to_a_notebook_with_a_source(page, target):
    path = Path(target)
    known = {"notebooks": LESSONS, "notebooks/exercises": EXERCISES, "notebooks/runs": FORMS}
    assert path.parent.as_posix() in known, f"{page}: {target}"
    assert path.stem in known[path.parent.as_posix()], f"{page}: {target} has no source"


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_lesson_is_in_the_instructors_guide(lesson):
    assert f"({lesson}.ipynb)" in (NOTEBOOKS / "INSTRUCTOR.md").read_text(encoding="utf-8")


def test_plans_fill_their_minutes_and_the_short_one_leaves_time_for_questions():
    guide = (NOTEBOOKS / "INSTRUCTOR.md").read_text(encoding="utf-8")
    heads = ("\n## 90 minutes\n", "\n## Four sessions")
    short, long = (guide.partition(head)[2].partition("\n## ")[0] for head in heads)
    minutes = re.findall(r"^\| (\d+) \| (.*?) \|", short, re.M)
    assert sum(int(number) for number, _ in minutes) == 90 and ("15", "questions") in minutes
    for session in re.split(r"^\| (?=\d, )", long, flags=re.M)[1:]:
        assert sum(map(int, re.findall(r"\| (\d+) \|", session))) == 90, session


# --- names to lessons ---


@pytest.mark.parametrize("name", taught(), ids=lambda name: ".".join(reversed(name)))
def test_a_lesson_that_imports_a_name_uses_it(name):
    for lesson in taught()[name]:
        mentioned = re.findall(rf"\b{name[0]}\b", LESSONS[lesson].read_text(encoding="utf-8"))
        assert len(mentioned) > 1, f"lesson {lesson} imports {name[0]} and never uses it"


def names_in(code: str) -> set[str]:
    """What is defined, passed, imported or used by name in Python code, a string that is one word included."""
    kinds = ("name", "id", "arg", "attr", "value")
    found = [getattr(node, kind, None) for node in ast.walk(ast.parse(code)) for kind in kinds]
    return {part for name in found if isinstance(name, str) for part in name.split(".")}


@pytest.fixture(scope="module")
def library():
    """All names in the code that lessons may speak of."""
    files = [path for room in ("rrsitr_lib", "benchmarks") for path in (NOTEBOOKS.parent / room).rglob("*.py")]
    return set().union(*(names_in(path.read_text("utf-8")) | {path.stem, path.parent.name} for path in files))


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_name_in_the_prose_of_a_lesson_is_in_its_code_or_in_the_library(lesson, library):
    cells = source_cells(LESSONS[lesson])
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    said = re.findall(r"`([A-Za-z_][\w.]*)(?:\([^`]*\))?`", prose)
    assert [name for name in said if not {*name.split(".")} <= library | names_in(code) | {*COLUMNS}] == []
