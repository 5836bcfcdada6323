"""Slides: headings and figures become sections, code stays out, nothing asks for a network."""

import base64
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from rrsitr_lib.errors import InputError
from rrsitr_lib.teach.slides import WORDS, main, slides_of, write_figures, write_slides

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
OUTSIDE = re.compile(r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//|@import|url\(""")


@pytest.fixture
def notebook(tmp_path):
    figure = new_output("display_data", {"image/png": PIXEL + "\n", "text/plain": "<Figure size 1x1>"})
    printed = new_output("stream", text="printed_number 42")
    cells = [
        new_markdown_cell("# What is `a <pair>`?\n\nSee [lesson 03](03_x.ipynb) and [a paper](https://example.org/a)."),
        new_code_cell("secret_code = 1", outputs=[printed]),
        new_markdown_cell("More of the first slide.\n\n## By hand\n\n- one\n- two"),
        new_code_cell("draw()", outputs=[figure, figure]),
        new_markdown_cell("**What to notice.** A dot.\n\n## Summary\n\nThe [exercises](exercises/01_x.ipynb)."),
    ]
    path = tmp_path / "01_x.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_a_slide_for_every_heading_and_figure(notebook):
    first, by_hand, *_, summary = made = slides_of(notebook)
    assert len(made) == 5  # title, by hand, two figures, summary
    assert first.heading.startswith("<h1") and "More of the first slide." in first.text
    assert "<li>one</li>" in by_hand.text and not by_hand.figure and "Summary" in summary.heading


def test_a_figure_has_its_heading_and_the_text_that_follows(notebook, tmp_path):
    first, second = slides_of(notebook)[2:4]
    assert first.figure == second.figure == PIXEL and "By hand" in first.heading and "What to notice." in second.text
    page = write_slides(notebook, tmp_path / "a.html").read_text(encoding="utf-8")
    assert page.count(f'<img src="data:image/png;base64,{PIXEL}" alt="') == 2 and page.count("<section>") == 5


def test_code_and_its_output_stay_out(notebook, tmp_path):
    page = write_slides(notebook, tmp_path / "01_x.html").read_text(encoding="utf-8")
    assert not any(word in page for word in ("secret_code", "draw()", "printed_number", "Figure size"))


def test_the_page_asks_for_nothing_outside(notebook, tmp_path):
    page = write_slides(notebook, tmp_path / "out" / "01_x.html").read_text(encoding="utf-8")
    assert not OUTSIDE.search(page)
    assert "<title>What is a &lt;pair&gt;?</title>" in page
    assert 'href="03_x.html"' in page and "a paper" in page and "ipynb" not in page
    assert "break-after:page" in page and "ArrowRight" in page and "¶" not in page


def test_long_prose_goes_on_under_the_same_heading(tmp_path):
    cells = [new_markdown_cell("## Long\n\n" + "word " * 100), new_markdown_cell("word " * (WORDS - 99))]
    nbformat.write(new_notebook(cells=cells), tmp_path / "long.ipynb")
    made = slides_of(tmp_path / "long.ipynb")
    assert len(made) == 2 and all("Long</h2>" in one.heading for one in made)


def test_a_comment_in_a_fence_is_not_a_heading(tmp_path):
    nbformat.write(new_notebook(cells=[new_markdown_cell("## A\n\n```\n# no heading\n```")]), tmp_path / "a.ipynb")
    assert len(slides_of(tmp_path / "a.ipynb")) == 1


def test_figures_are_written_as_files(notebook, tmp_path):
    written = write_figures(notebook, tmp_path / "figures")
    assert [path.name for path in written] == ["01_x_1.png", "01_x_2.png"]
    assert all(path.read_bytes() == base64.b64decode(PIXEL) for path in written)


@pytest.mark.parametrize(
    "call", [slides_of, lambda path: write_slides(path, path), lambda path: write_figures(path, path)]
)
def test_a_missing_notebook_is_said(call, tmp_path):
    with pytest.raises(InputError, match=r"none\.ipynb: no such notebook"):
        call(tmp_path / "none.ipynb")


@pytest.mark.parametrize("content", ["", "no json", "[]", '{"cells": 3}'])
def test_a_damaged_notebook_is_said(content, tmp_path):
    (tmp_path / "bad.ipynb").write_text(content)
    with pytest.raises(InputError, match=r"bad\.ipynb: not a notebook"):
        slides_of(tmp_path / "bad.ipynb")


def test_main_writes_slides_figures_and_an_index(folder, notebook, tmp_path, capsys):
    (folder / "src").mkdir()
    (folder / "src" / notebook.with_suffix(".py").name).touch()
    arguments = ["--out", str(tmp_path / "out"), "--figures", str(tmp_path / "figures")]
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2 and "01_x.ipynb: no such notebook" in capsys.readouterr().err
    notebook.rename(folder / notebook.name)
    assert main(arguments) == 0
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert 'href="01_x.html"' in index and "What is a &lt;pair&gt;?" in index and not OUTSIDE.search(index)
    assert len(list((tmp_path / "figures").glob("*.png"))) == 2
    assert "index.html" in capsys.readouterr().out
