"""What a lesson says it shows: numbers and comparisons of a "What to notice" are quoted by an assertion or printed."""

import ast
import re
from pathlib import Path

import jupytext
import pytest

from rrsitr_lib.teach.sources import lesson_sources

NOTICE = re.compile(r"\*\*What to notice\.\*\*(.*?)(?=\n## |\Z)", re.S)
COMPARES = re.compile(
    r"\d|\b(half|third|quarter|twice|more|less|fewer|most|least|best|worst|better|worse|larger|largest|smaller|smallest|"
    r"higher|highest|lower|lowest|longer|shorter|harder|steeper|earlier|faster|slower|closer|nearer|wider|narrower|"
    r"few|hardly|never|always|none|nearly|almost|mostly|rarely|often|steeply)\b"  # all and only name a set as a rule
)
TERMS = re.compile(
    r"`[^`]*`|\$[^$]*\$|\]\([^)]*\)|at least one|at most one|no more|the more|lower bell|lessons? \d+", re.I
)
PRINTED = "<!-- printed -->"
lessons = pytest.mark.parametrize("source", lesson_sources(), ids=lambda path: path.stem)


def plain(text: str) -> str:
    return " ".join(re.sub(r"[*`_$\\]", "", text).lower().split())


def unsupported(source: Path) -> list[str]:
    """Sentences with a number or a comparison that no assertion's message quotes, and that nothing above prints."""
    cells, found = jupytext.read(source, fmt="py:percent").cells, []
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    nodes = [node for text in code for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Assert)]
    quotes = [plain(node.msg.value) for node in nodes if isinstance(node.msg, ast.Constant)]
    quotes = [quote for quote in quotes if len(quote.split()) >= 3]
    for place, cell in enumerate(cells):
        for text in NOTICE.findall(cell.source) if cell.cell_type == "markdown" else ():
            above = "".join(one.source for one in cells[max(0, place - 3) : place] if one.cell_type == "code")
            for sentence in re.split(r"(?<=[.!?:])\s+(?!<!--)|(?<=-->)\s+", text.strip()):
                said = plain(sentence)
                printed = PRINTED in sentence and "print(" in above
                if COMPARES.search(TERMS.sub("", sentence)) and not printed and not any(one in said for one in quotes):
                    found.append(said)
    return found


@lessons
def test_numbers_and_comparisons_under_a_figure_are_asserted_or_printed(source):
    assert unsupported(source) == []


@pytest.mark.parametrize("word", ["few", "hardly", "never", "always", "none", "nearly", "almost", "rarely", "often"])
def test_a_number_in_disguise_is_a_number(tmp_path, word):
    text = LESSON.format(message="", mark="").replace("is lower than", f"{word} meets")
    (path := tmp_path / "lesson.py").write_text(text)
    assert unsupported(path) == [f"the curve of plain training {word} meets ours."]


LESSON = """# %%
print(1)

# %% [markdown]
# **What to notice.** The curve of *plain* training is lower than `ours`. It is red.{mark}
#
# ## More than this is no claim

# %%
assert 1 < 2, "{message}"
"""


@pytest.mark.parametrize(("message", "mark", "held"), [
    ("plain training is lower", "", True), ("training is higher", "", False), ("lower", "", False),
    ("nothing of this", "", False),
])  # fmt: skip
def test_only_a_quote_of_the_sentence_supports_it(tmp_path, message, mark, held):
    (path := tmp_path / "lesson.py").write_text(LESSON.format(message=message, mark=mark))
    assert (unsupported(path) == []) == held


def test_sentence_marked_as_printed_needs_a_print_above(tmp_path):
    text = LESSON.format(message="", mark="").replace("than `ours`.", f"than `ours`. {PRINTED}")
    (path := tmp_path / "lesson.py").write_text(text)
    assert unsupported(path) == []
    path.write_text(text.replace("print(1)", "shown = 1"))
    assert unsupported(path) == ["the curve of plain training is lower than ours. <!-- printed -->"]
