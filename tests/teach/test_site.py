"""The site: lessons with their neighbours, formulas, folded answers, and explorers in the place of widgets."""

import html
import re
import shutil
import sys

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from show.ledgers import drawn_ledger

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.notebook_run import WIDGET_OUTPUT
from rrsitr_lib.show.explorers.pacing import PacingExplorer
from rrsitr_lib.show.explorers.stand_in import METADATA_KEY
from rrsitr_lib.show.explorers.tabs import explore, open_explorer
from rrsitr_lib.teach import site
from rrsitr_lib.teach.explorer_pages import ExplorerPage, export_explorers, homes
from rrsitr_lib.teach.figure_texts import figure_texts
from rrsitr_lib.teach.notebooks import build
from rrsitr_lib.teach.pages import markdown
from rrsitr_lib.teach.site import build_site, describe, lesson_source, write_site
from rrsitr_lib.teach.sources import lesson_notebooks

LARGEST_BYTES = 400_000
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
OUTSIDE = re.compile(
    r"""<(?:script|link|img|iframe)[^>]+(?:src|href)\s*=\s*["']?\s*(?:https?:)?//|@import|url\(\s*["']?http"""
)
PACING, MARGINS = (
    ExplorerPage(name, title, "About it.") for name, title in (("pacing", "Pacing"), ("margins", "Margins"))
)
TEXT = r"""# Is 1 < 2 for `a`?

*A minute · no download.*

The weight $w_i$ is

$$w = \begin{cases}\cos\left(\frac{\pi L}{2\gamma_1}\right), & L < \gamma_1\\ 0 & \text{otherwise}\end{cases}$$

<details><summary>Answer</summary>

It is *one* at $L = 0$.

</details>

Do [exercises](exercises/00_first.ipynb), and go on with [the next](01_second.ipynb).
"""
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
explore(FOLDER, name="margins")
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
    return re.findall(r'<iframe [^>]*src="([^"]+)"', page)


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
    """Pages of explorers as a site has them, one that the ledger cannot feed, and their folder."""
    place = tmp_path_factory.mktemp("pages")
    ways = {"retrieval": {}, "weights": {"Lesson: <How>": "04.html"}}.__getitem__
    return place, [
        export_explorers(ledger_run, place, (name,), ways=ways, shared=True)[0] for name in ("retrieval", "weights")
    ]


def test_pages_of_a_site_share_one_plotly_and_lead_back(exported):
    place, (retrieval, weights) = exported
    assert "no rankings" in retrieval.missing and not (place / retrieval.file).exists()
    page = (place / weights.file).read_text(encoding="utf-8")
    assert '<script src="plotly.js">' in page and len(page) < 200_000 < (place / "plotly.js").stat().st_size < 3e6
    assert '<a href="04.html">Lesson: &lt;How&gt;</a>' in page and weights.about.startswith("Weights of all pairs")
    assert weights.about in html.unescape(page) and 'id="snippet"' in page and not OUTSIDE.search(page)


def write(path, *cells):
    nbformat.write(new_notebook(cells=list(cells), metadata={"language_info": {"name": "python"}}), path)
    return path


@pytest.fixture
def lessons(folder):
    """Two lessons with everything that a page must show, and a damaged one; exercises and words beside them."""
    figure = new_output("display_data", {"image/png": PIXEL, "text/plain": "<Figure>"})
    data, metadata = PacingExplorer().view()._repr_mimebundle_()
    shown = new_output("display_data", data, metadata=metadata)
    cells = [
        new_markdown_cell(TEXT),
        new_code_cell("draw()", outputs=[figure]),
        new_markdown_cell("**What to notice.** A [dot](01_second.ipynb), `red`. It is small."),
        new_code_cell("explorer.view()", outputs=[shown]),
    ]
    write(folder / "00_first.ipynb", *cells)
    second = [new_markdown_cell("# And then?\n\n*No run.*\n\nA margin."), new_code_cell("1 + 1")]
    write(folder / "01_second.ipynb", *second)
    (folder / "02_broken.ipynb").write_text("{ not a notebook")
    (folder / "exercises").mkdir()
    write(folder / "exercises" / "00_first.ipynb", new_markdown_cell("# E"))
    (folder / "GLOSSARY.md").write_text(
        "# Glossary\n\n| word | lesson |\n|---|---|\n| margin | [00](00_first.ipynb) |\n"
    )
    return [describe(notebook) for notebook in lesson_notebooks()]


@pytest.fixture
def pages(lessons, tmp_path):
    """The site's pages by name, with a table as the tutorial has one."""
    (tmp_path / "out").mkdir()
    write_site(tmp_path / "out", lessons, [PACING, MARGINS], pd.DataFrame({"method": ["<b>"], "mR": [1.5]}))
    return {page.stem: page.read_text(encoding="utf-8") for page in (tmp_path / "out").glob("*.html")}


def test_a_page_has_title_neighbours_and_all_lessons_beside_it(pages):
    first, second = pages["00_first"], pages["01_second"]
    assert "<title>Is 1 &lt; 2 for a? - Learning from mismatched pairs</title>" in first
    beside = re.findall(r'toctree-l1( current)?[^>]*><a class="[^"]*" href="([^"]+)"', second)
    assert beside == [("", "00_first.html"), (" current", "#"), ("", "explorers.html"), ("", "glossary.html")]
    assert 'class="next-page" href="01_second.html"' in first and 'class="prev-page" href="00_first.html"' in second
    assert 'action="search.html"' in first and 'data-theme = "dark"' not in first


def test_formulas_are_drawn_by_the_browser_and_answers_stay_folded(pages):
    first = pages["00_first"]
    assert first.count("<math ") == 3 and "<mtable" in first and "\\frac" not in first and "$" not in _prose(first)
    assert re.search(r"<details><summary>Answer</summary>\s*<p>It is <em>one</em> at <math", first)
    assert 'href="exercises/00_first.ipynb" download' in first and 'href="01_second.html"' in first


def _prose(page):
    return re.sub(r"<script.*?</script>", "", page, flags=re.S)


def test_every_image_says_what_is_to_be_seen(pages):
    assert re.findall(r'<img alt="([^"]*)"', pages["00_first"]) == ["Figure 1. A dot, red. It is small."]


def test_a_figure_without_a_remark_is_described_by_the_text_before_it(lessons):
    cells = nbformat.read(lessons[0].notebook, as_version=4).cells
    cells[2].source = "More."
    assert figure_texts(cells) == {1: "Figure 1. Do exercises, and go on with the next."}


def test_the_explorer_stands_in_the_widget_s_place(pages):
    assert frames(pages["00_first"]) == ["explore_pacing.html"] and "widget-view" not in pages["00_first"]
    assert "About it." in pages["explorers"] and 'href="00_first.html"' in pages["explorers"]


def test_no_page_asks_another_host(pages):
    assert len(pages) == 6 and not [name for name, page in pages.items() if OUTSIDE.search(page)]


def test_the_index_lists_every_lesson_and_what_became_of_it(pages):
    index = pages["index"]
    assert "00 · Is 1 &lt; 2 for a?" in index and "A minute · no download." in index
    assert "02 · 02_broken" in index and "<strong>failed</strong>: cannot be read" in index
    assert 'href="02_broken.html"' not in index and "<td>&lt;b&gt;</td>" in index and "exercises, to download" in index


def test_a_widget_without_a_page_is_told_in_words(built):
    cells = [cell for cell in lesson_source(built).cells if cell.cell_type == "code"]
    said = [output.data["text/html"] for cell in cells for output in cell.outputs]
    assert len(said) == 2 and all("when this cell is run in JupyterLab" in one for one in said)
    many = lesson_source(built, [PACING, MARGINS]).cells[2].outputs[0].data["text/html"]
    assert frames(many) == ["explore_margins.html"], "the first that the widget showed"


def test_an_explorer_belongs_to_the_lesson_that_shows_the_fewest_beside_it(built, tmp_path):
    shutil.copy(built, tmp_path / "01_again.ipynb")
    found = homes([built, tmp_path / "01_again.ipynb"])
    assert found["pacing"] == built and found["weights"] == built


def test_a_formula_that_cannot_be_read_is_named(lessons, tmp_path):
    for text in (r"$\nonsense$", r"$$\nonsense$$"):
        with pytest.raises(InputError, match=r"formula '\\nonsense': Unknown LaTeX command"):
            markdown(text)
    write(lessons[1].notebook, new_markdown_cell("# A\n\n" + r"$\nonsense$"))
    with pytest.raises(InputError, match=r"\\nonsense"):
        write_site(tmp_path, lessons, [])


def test_a_dead_link_is_named(lessons, tmp_path):
    write(lessons[1].notebook, new_markdown_cell("# A\n\n[b](07_none.ipynb)"))
    with pytest.raises(InputError, match=r"01_second\.ipynb.*07_none"):
        write_site(tmp_path, lessons, [])
    assert (tmp_path / "index.html").exists(), "the other pages are of use"


def test_without_sphinx_the_way_to_it_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "furo", None)
    with pytest.raises(InputError, match=r"the pages need furo: pip install 'rrsitr-lib\[site\]'"):
        build_site("anywhere")


def test_build_site_takes_the_committed_lessons(lessons, ledger_run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(site, "export_explorers", lambda run, out, **_: [PACING])
    index = build_site(tmp_path / "site", ledger_run)
    assert index.exists() and (tmp_path / "site" / "exercises" / "00_first.ipynb").exists()
    assert frames((tmp_path / "site" / "00_first.html").read_text(encoding="utf-8")) == ["explore_pacing.html"]
    assert "site" in capsys.readouterr().err, "progress"
    build_site(tmp_path / "bare")
    assert not frames((tmp_path / "bare" / "00_first.html").read_text(encoding="utf-8"))


def test_another_widget_leaves_its_text(tmp_path):
    output = new_output("display_data", {WIDGET_OUTPUT: {"model_id": "1"}, "text/plain": "IntSlider(value=3)"})
    notebook = write(tmp_path / "a.ipynb", new_code_cell("slider", outputs=[output]))
    assert lesson_source(notebook).cells[0].outputs[0].data == {"text/plain": "IntSlider(value=3)"}


def test_an_explorer_with_nothing_to_show_says_so_in_its_output(ledger_run):
    data, metadata = open_explorer("retrieval", ledger_run).view()._repr_mimebundle_()
    assert "no rankings" in data["text/html"] and metadata[METADATA_KEY] == []


def test_in_a_notebook_the_widget_is_there_too(ledger_run):
    for shown in (PacingExplorer().view(), explore(ledger_run)):
        data, _ = shown._repr_mimebundle_()
        assert data[WIDGET_OUTPUT]["model_id"] == shown.model_id
