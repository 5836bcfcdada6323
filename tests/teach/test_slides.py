"""Slides: a figure and at most three lines, which an author may choose; the rest is for the speaker; no network."""

import base64
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from rrsitr_lib.errors import InputError
from rrsitr_lib.teach.slide_lines import BESIDE, LONG, lines_of
from rrsitr_lib.teach.slides import main, slides_of, write_figures, write_slides

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
OUTSIDE = re.compile(r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//|@import|url\(""")


@pytest.fixture
def notebook(tmp_path):
    figure = new_output("display_data", {"image/png": PIXEL + "\n", "text/plain": "<Figure size 1x1>"})
    printed = new_output("stream", text="printed_number 42")
    cells = [
        new_markdown_cell("# What is `a <pair>`?\n\nSee [lesson 03](03_x.ipynb) and [a paper](https://example.org/a)."),
        new_code_cell("secret_code = 1", outputs=[printed]),
        new_markdown_cell("More of the first slide.\n\n## By hand\n\n- one. And so on.\n- two"),
        new_markdown_cell("## A figure\n\nWords before it."),
        new_code_cell("draw()", outputs=[figure]),
        new_markdown_cell("**What to notice.** A dot. It is red."),
        new_code_cell("draw()", outputs=[figure]),
        new_markdown_cell("## Summary\n\nThe [exercises](exercises/01_x.ipynb)."),
    ]
    return write(tmp_path / "01_x.ipynb", *cells)


def write(path, *cells):
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def texts(slide):
    return [str(line) for line in slide.lines]


def test_a_slide_for_every_figure_and_for_headings_without_one(notebook):
    first, by_hand, figure, again, summary = slides_of(notebook)
    assert first.heading.startswith("<h1") and texts(first)[1] == "More of the first slide."
    assert texts(by_hand) == ["one.", "two"] and "Summary" in summary.heading
    assert figure.figure == again.figure == PIXEL and "A figure</h2>" in figure.heading == again.heading


def test_beside_a_figure_stands_what_is_to_be_noticed_and_words_before_it_are_for_the_speaker(notebook, tmp_path):
    figure = slides_of(notebook)[2]
    assert texts(figure) == ["A dot.", "It is red."] and "Words before it." in figure.notes
    page = write_slides(notebook, tmp_path / "a.html").read_text(encoding="utf-8")
    assert page.count(f'<img src="data:image/png;base64,{PIXEL}" alt="Figure 1. A dot. It is red.">') == 1
    assert page.count("<section>") == 5 and page.count('<li class="step">') == 2


def test_code_and_its_output_stay_out(notebook, tmp_path):
    page = write_slides(notebook, tmp_path / "01_x.html").read_text(encoding="utf-8")
    assert not any(word in page for word in ("secret_code", "draw()", "printed_number", "Figure size"))


def test_the_page_asks_for_nothing_outside(notebook, tmp_path):
    page = write_slides(notebook, tmp_path / "out" / "01_x.html").read_text(encoding="utf-8")
    assert not OUTSIDE.search(page)
    assert "<title>What is a &lt;pair&gt;?</title>" in page
    assert 'href="03_x.html"' in page and "a paper" in page and "ipynb" not in page
    assert "break-after:page" in page and "ArrowRight" in page


def test_three_sentences_and_no_long_one():
    prose = "One is short. " + "word " * (LONG // 5) + ". Two? Three! Four."
    assert lines_of([f"{prose}\n\n| a |\n|---|\n\n```\ncode.\n```"]) == ["One is short.", "Two?", "Three!"]
    assert lines_of(["So it leads on:\n\n1. First. More.\n2. Second."]) == ["First.", "Second."]
    assert lines_of(["**You will** see *it* at 0.5. Done."]) == ["**You will** see *it* at 0.5.", "Done."]
    long = "word " * 60
    assert lines_of([long]) == [long.strip()], "better one long line than none"
    assert len(lines_of([("word " * 30 + ". ") * 5], BESIDE)) == 2


def test_an_author_says_the_lines():
    assert lines_of(["Prose. <!-- slide: `w` falls. -->\n\n<!-- slide: Then\nnot. --> Prose."]) == [
        "`w` falls.",
        "Then not.",
    ]
    with pytest.raises(InputError, match=r"4 lines are marked, allowed are 3; the last is 'd'"):
        lines_of(["".join(f"<!-- slide: {one} -->" for one in "abcd")])


def test_tags_make_and_leave_out_slides(tmp_path):
    figure = new_output("display_data", {"image/png": PIXEL})
    cells = [
        new_markdown_cell("## A\n\nSaid."),
        new_markdown_cell("Left out.", metadata={"tags": ["skip"]}),
        new_code_cell("draw()", outputs=[figure], metadata={"tags": ["skip"]}),
        new_markdown_cell("Wanted.", metadata={"tags": ["slide"]}),
        new_code_cell("draw()", outputs=[figure]),
    ]
    made = slides_of(write(tmp_path / "a.ipynb", *cells))
    assert [(texts(one), bool(one.figure)) for one in made] == [(["Said."], False), (["Wanted."], False), ([], True)]


def test_formulas_are_on_slides_and_answers_come_last(tmp_path):
    folded = "<details><summary>Answer</summary>\n\nIt *falls*. Far.\n\n</details>"
    text = f"## A\n\nHow? $$L_i = \\frac{{1}}{{B}}$$ With $L_i$.\n\n{folded}"
    (slide,) = slides_of(write(tmp_path / "a.ipynb", new_markdown_cell(text)))
    assert "<mfrac>" in slide.formulas[0] and texts(slide)[0] == "How?" and "<msub>" in texts(slide)[1]
    assert slide.answers == ["It <em>falls</em>."]
    page = write_slides(tmp_path / "a.ipynb", tmp_path / "a.html").read_text(encoding="utf-8")
    assert '<li class="step answer">It <em>falls</em>.</li>' in page and "<details>" in page


def test_a_second_formula_has_a_slide_of_its_own(tmp_path):
    cells = [new_markdown_cell(f"{head}Text. $$x = {k}$$") for k, head in enumerate(("## A\n\n", ""))]
    assert [len(slide.formulas) for slide in slides_of(write(tmp_path / "a.ipynb", *cells))] == [1, 1]


def test_a_comment_in_a_fence_is_not_a_heading(tmp_path):
    assert len(slides_of(write(tmp_path / "a.ipynb", new_markdown_cell("## A\n\n```\n# no heading\n```")))) == 1


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
