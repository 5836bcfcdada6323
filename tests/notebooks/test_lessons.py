"""The lessons themselves: in step with their sources, small, readable, and running with other parameters."""

import ast
import re
from pathlib import Path

import jupytext
import nbformat
import papermill
import pytest
import yaml
from lesson_cells import run_lesson

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.notebook_run import NOTEBOOKS, run
from rrsitr_lib.teach.formulas import mathml
from rrsitr_lib.teach.notebooks import compare
from rrsitr_lib.teach.sources import form_sources, learning_minutes, lesson_sources
from rrsitr_lib.teach.tutorial import SMOKE

SOURCES = lesson_sources()
LARGEST_BYTES, WHOLE_BYTES, LONGEST_CELL = 200_000, 2_000_000, 15
lessons = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


def notebook_of(source: Path) -> Path:
    return NOTEBOOKS / f"{source.stem}.ipynb"


def cells_of(source: Path, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in jupytext.read(source, fmt="py:percent").cells if cell.cell_type == kind]


def parameter_lines(source: Path) -> list[str]:
    (cell,) = [cell for cell in cells_of(source, "code") if "parameters" in cell.metadata.get("tags", [])]
    return cell.source.splitlines()


# --- the committed file ---


def test_every_notebook_has_a_source():
    assert SOURCES and {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == {path.stem for path in SOURCES}


@lessons
def test_notebook_is_in_step_with_its_source(source):
    assert compare(source) == []


@pytest.mark.parametrize("source", form_sources(), ids=lambda path: path.stem)
def test_form_of_a_study_is_in_step_with_its_source(source):
    assert compare(source) == []
    assert any("parameters" in cell.metadata.get("tags", []) for cell in cells_of(source, "code"))


@lessons
def test_committed_notebook_is_small_and_clean(source):
    assert notebook_of(source).stat().st_size < LARGEST_BYTES
    notebook = nbformat.read(notebook_of(source), as_version=4)
    nbformat.validate(notebook)
    assert "widgets" not in notebook.metadata and "papermill" not in notebook.metadata
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not any(output.output_type == "error" or output.get("name") == "stderr" for output in outputs)
    assert not any("widget" in kind for output in outputs for kind in output.get("data", {}))
    assert any("image/png" in output.get("data", {}) for output in outputs), "a lesson shows something"


@lessons
def test_committed_notebook_was_run_from_top_to_bottom(source):
    cells = [cell for cell in nbformat.read(notebook_of(source), as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


# --- anatomy ---


@lessons
def test_title_is_a_question_and_facts_follow(source):
    lines = cells_of(source, "markdown")[0].source.splitlines()
    assert re.fullmatch(r"# .+\?", lines[0])
    facts = lines[2]
    assert all(word in facts for word in ("minute", "CPU cores", "GPU", "download", "exercise", "widget")), facts


@lessons
def test_facts_say_how_long_a_lesson_takes_to_work_through(source):
    facts = cells_of(source, "markdown")[0].source.splitlines()[2]
    assert facts.startswith(f"*About {learning_minutes(source)} minutes to work through · ")
    assert "of computing on two CPU cores" in facts


def test_learning_takes_words_cells_that_show_something_and_questions(tmp_path):
    (path := tmp_path / "lesson.py").write_text(
        "# %% [markdown]\n#" + " word" * 750 + "\n\n# %%\nx = 1\nprint(x)\n\n# %%\nx\n\n# %%\ny = x\n\n"
        "# %% [markdown]\n# Predict, then move:\n#\n# 1. Where?\n# 2. When?\n# 3. Why?\n"
    )
    assert learning_minutes(path) == 15  # 5.06 + 2 + 6 = 13.06


def test_the_whole_set_is_small():
    assert sum(notebook_of(source).stat().st_size for source in SOURCES) < WHOLE_BYTES


@lessons
def test_cells_that_show_a_widget_are_not_compared(source):
    """Their widget is not committed, so nbval would find something where nothing was."""
    for cell in cells_of(source, "code"):
        if re.search(r"\.view\(\)$|^explore\(", cell.source, re.M):
            assert "nbval-ignore-output" in cell.metadata.get("tags", []), cell.source


@lessons
def test_code_cells_are_short_and_hold_no_class(source):
    for cell in cells_of(source, "code"):
        assert len(cell.source.splitlines()) <= LONGEST_CELL, cell.source
        assert not any(isinstance(node, ast.ClassDef) for node in ast.walk(ast.parse(cell.source)))


@lessons
def test_colours_are_named_by_the_style_and_not_written_down(source):
    """A truth, a category and a method have one colour in all lessons; a grey is nobody's."""
    for cell in cells_of(source, "code"):
        written = re.findall(r"\"#([0-9a-fA-F]{6})\"|[\"'](?:C\d|tab:\w+)[\"']", cell.source)
        assert all(colour and colour[:2] == colour[2:4] == colour[4:] for colour in written), cell.source


@lessons
def test_formulas_are_drawn_without_a_script(source):
    texts = [re.sub(r"`[^`]*`", "", cell.source) for cell in cells_of(source, "markdown")]
    formulas = [found for text in texts for found in re.findall(r"\$\$(.+?)\$\$|(?<!\$)\$([^$\n]+?)\$", text, re.S)]
    for block, inline in formulas:
        assert mathml(block or inline, bool(block)).startswith("<math")
    assert formulas or source.stem == "09_reproduction", "a lesson says its formula"


@lessons
def test_prose_stands_beside_the_code(source):
    words = sum(len(cell.source.split()) for cell in cells_of(source, "markdown"))
    assert 40 <= words / len(cells_of(source, "code")) <= 120


@lessons
def test_parameters_are_plain_literals_each_with_its_range(source):
    for line in parameter_lines(source):
        assert re.fullmatch(r"[A-Z_0-9]+ = [^#]+  # .{5,}", line), line
        ast.literal_eval(line.partition(" = ")[2].partition("  #")[0])
    known = papermill.inspect_notebook(str(notebook_of(source)))
    assert list(known) == [line.split()[0] for line in parameter_lines(source)]


@lessons
def test_last_cell_asserts_and_an_earlier_one_compares_with_the_library(source):
    code = [cell.source for cell in cells_of(source, "code")]
    assert "assert " in code[-1]
    assert any(re.search("assert_(close|allclose)", text) for text in code[:-1]), "by hand and by library must agree"


@lessons
def test_summary_has_three_points(source):
    prose = "\n".join(cell.source for cell in cells_of(source, "markdown"))
    points = re.search(r"## Summary\n(.*?)(\n\n|\Z)", prose, re.S)[1]
    assert len(re.findall(r"^- ", points, re.M)) == 3


# --- running ---


def smoke() -> dict[str, dict]:
    return yaml.safe_load(SMOKE.read_text(encoding="utf-8"))


def test_smoke_parameters_are_for_lessons_that_exist():
    assert set(smoke()) == {path.stem for path in SOURCES}


# lesson 09 runs as it is by nbval, and over another study in tests/experiments/test_results.py
ENDS = [
    ("00_start_here", {"NOISE_RATE": 0.0}),
    ("00_start_here", {"NOISE_RATE": 1.0, "SEED": 11}),
    ("01_retrieval", {"NOISE_RATE": 1.0, "ORDERS": 2}),
    ("01b_local_similarity", {"LOCAL_SHARE": 0.0, "PAIR": 5}),
    ("02_noise", {"NOISE_RATE": 1.0, "PROTOCOL": "image"}),
    ("03_partition", {"NOISE_RATE": 0.0}),
    ("04_self_paced_weights", {"NOISE_RATE": 1.0}),
    ("05_robust_triplet", {"NOISE_RATE": 0.0, "SIGMA": 0.0}),
    ("06_training_end_to_end", {"NOISE_RATE": 0.0}),
    ("06_training_end_to_end", {"NOISE_RATE": 1.0, "PROTOCOL": "derangement"}),
    ("07_real_pairs", {"NOISE_RATE": 1.0, "TOP": 0.0}),
    ("08_the_space", {"NOISE_RATE": 0.0, "NEIGHBOURS": 2}),
    ("10_who_else", {"NOISE_RATE": 0.0}),
    ("10_who_else", {"NOISE_RATE": 1.0, "SEED": 11}),
    ("11_own_mistakes", {"SEED": 25, "OTHER": 3}),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, few_scenes):
    """Lessons share the runs of the folder in which they are executed."""
    return tmp_path_factory.mktemp("lessons")


@pytest.mark.parametrize(("lesson", "changed"), ENDS, ids=str)
def test_lesson_runs_with_small_parameters_at_the_ends_of_its_ranges(lesson, changed, folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert run_lesson(lesson, {**smoke()[lesson], **changed}).endswith("all assertions hold\n")


def test_papermill_runs_a_lesson_with_other_parameters(tmp_path):
    run(NOTEBOOKS / "00_start_here.ipynb", tmp_path / "ran.ipynb", {"SCENES": 40, "NOISE_RATE": 0.2}, cwd=tmp_path)
    cells = nbformat.read(tmp_path / "ran.ipynb", as_version=4).cells
    assert "all assertions hold" in cells[-1].outputs[-1]["text"]


@lessons
def test_lesson_refuses_a_parameter_that_it_would_ignore(source, tmp_path):
    known = ", ".join(line.split()[0] for line in parameter_lines(source))
    with pytest.raises(InputError, match=rf"unknown parameter 'EPOCH'; known are {known}"):
        run(notebook_of(source), tmp_path / "ran.ipynb", {"EPOCH": 3})
