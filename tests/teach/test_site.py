"""Pages of lessons: small executed notebooks, and in the place of each widget the explorer's page, or a sentence."""

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from show.ledgers import drawn_ledger

from rrsitr_lib.experiments.notebook_run import WIDGET_OUTPUT
from rrsitr_lib.show.explorers.pacing import PacingExplorer
from rrsitr_lib.show.explorers.stand_in import METADATA_KEY
from rrsitr_lib.show.explorers.tabs import explore, open_explorer
from rrsitr_lib.teach import site
from rrsitr_lib.teach.notebooks import build
from rrsitr_lib.teach.site import build_site, export_explorers, lesson_html, page_of

LARGEST_BYTES = 400_000
SOURCE = """# %% [markdown]
# # Does the explorer stay?
#
# *No run · no download.*

# %%
from rrsitr_lib.show.explorers.pacing import PacingExplorer
explorer = PacingExplorer()
explorer.view()

# %%
from rrsitr_lib.show.explorers.tabs import explore
explore(FOLDER, "margins")
"""


@pytest.fixture(scope="module")
def ledger_run(tmp_path_factory):
    """A ledger: what weights, partition and margins read."""
    return drawn_ledger(tmp_path_factory.mktemp("runs") / "run", epochs=2, pairs=12).folder.parent


@pytest.fixture(scope="module")
def source(ledger_run, tmp_path_factory):
    path = tmp_path_factory.mktemp("lesson") / "notebooks" / "src" / "00_small.py"
    path.parent.mkdir(parents=True)
    path.write_text(SOURCE.replace("FOLDER", repr(str(ledger_run))))
    return path


@pytest.fixture(scope="module")
def built(source):
    """The lesson as it is committed."""
    return build(source, source.parents[1] / "00_small.ipynb")


def outputs(path):
    cells = nbformat.read(path, as_version=4).cells
    return [output for cell in cells for output in cell.get("outputs", []) if METADATA_KEY in output.metadata]


def frames(page):
    return re.findall(r'<iframe [^>]*src="([^"]+)"', Path(page).read_text(encoding="utf-8"))


def test_a_lesson_with_widgets_is_small_and_its_output_names_them(built):
    assert built.stat().st_size < LARGEST_BYTES / 10
    notebook = nbformat.read(built, as_version=4)
    nbformat.validate(notebook)
    assert "widgets" not in notebook.metadata and WIDGET_OUTPUT not in built.read_text(encoding="utf-8")
    one, many = outputs(built)
    assert one.metadata[METADATA_KEY] == ["pacing"] and "“Self-paced functions” stands here" in one.data["text/html"]
    assert many.metadata[METADATA_KEY][:2] == ["margins", "retrieval"] and "a tab each" in many.data["text/plain"]


@pytest.fixture(scope="module")
def exported(ledger_run, tmp_path_factory):
    """A folder with the pages of explorers that the ledger can feed; their titles by file name."""
    place = tmp_path_factory.mktemp("pages")
    explorers, missing = export_explorers(ledger_run, place, ("retrieval", "weights"))
    assert any("Retrieval" in said for said in missing)
    others = {page_of("margins"): "Margins", page_of("pacing"): "Self-paced functions"}  # the largest, as empty files
    for page in others:
        (place / page).touch()
    return place, explorers | others


def test_the_exported_page_stands_in_the_widget_s_place(built, exported):
    place, explorers = exported
    page = lesson_html(built, place / "lesson.html", explorers)
    assert frames(page) == [page_of("pacing"), page_of("margins")]
    text = page.read_text(encoding="utf-8")
    links = re.findall(r'<a href="(explore_\w+\.html)">', text)
    assert links == [page_of(name) for name in ("pacing", "margins", "weights")]
    assert all((place / link).exists() for link in links)
    assert page.stat().st_size < LARGEST_BYTES and "widget-view" not in text


def test_without_a_page_a_sentence_says_what_stood_there(built, tmp_path):
    page = lesson_html(built, tmp_path / "lesson.html")
    text = page.read_text(encoding="utf-8")
    assert not frames(page) and "widget-view" not in text
    assert text.count("when this cell is run in JupyterLab") == 2


def test_an_explorer_with_nothing_to_show_says_so_in_its_output(ledger_run):
    data, metadata = open_explorer("retrieval", ledger_run).view()._repr_mimebundle_()
    assert "no rankings" in data["text/html"] and metadata[METADATA_KEY] == []


def test_in_a_notebook_the_widget_is_there_too(ledger_run):
    for shown in (PacingExplorer().view(), explore(ledger_run)):
        data, _ = shown._repr_mimebundle_()
        assert data[WIDGET_OUTPUT]["model_id"] == shown.model_id


def test_another_widget_leaves_its_text(tmp_path):
    output = nbformat.v4.new_output(
        "display_data", {WIDGET_OUTPUT: {"model_id": "1"}, "text/plain": "IntSlider(value=3)"}
    )
    cell = nbformat.v4.new_code_cell("slider", outputs=[output])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "a.ipynb")
    text = lesson_html(tmp_path / "a.ipynb", tmp_path / "a.html").read_text(encoding="utf-8")
    assert "IntSlider(value=3)" in text and "widget-view" not in text


def test_site_shows_explorers_in_the_lessons(built, exported, ledger_run, folder, tmp_path, monkeypatch):
    shutil.copy(built, folder)
    monkeypatch.setattr(site, "export_explorers", lambda run, out: (exported[1], []))
    index = build_site(tmp_path / "site", ledger_run)
    assert frames(tmp_path / "site" / "00_small.html") == [page_of("pacing"), page_of("margins")]
    assert "explore_weights.html" in index.read_text(encoding="utf-8")
    build_site(tmp_path / "bare")
    assert not frames(tmp_path / "bare" / "00_small.html")
