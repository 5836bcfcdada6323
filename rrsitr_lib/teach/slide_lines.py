"""What of a lesson's text stands on a slide: three lines, formulas, answers. All else is for the speaker.

An author may say the lines: ``<!-- slide: one line -->`` in a text, up to three times a slide. Else they are its first
sentences. A cell tagged ``skip`` makes no slide, a text tagged ``slide`` begins one.
"""

import re
from collections.abc import Iterator, Sequence

from rrsitr_lib.errors import InputError
from rrsitr_lib.teach.figure_texts import NOTICE

LINES, LETTERS, LONG = 3, 460, 190  # lines a slide, letters of all lines, letters from which a sentence is left out
BESIDE = 320  # letters beside a figure
MARK = re.compile(r"<!--\s*slide:\s*(.+?)\s*-->", re.S)
FORMULA = re.compile(r"\$\$.+?\$\$", re.S)
ANSWER = re.compile(r"<details>\s*<summary>(.*?)</summary>(.*?)</details>", re.S)
NO_PROSE = re.compile(r"<!--.*?-->|```.*?```|^\|.*?$|</?\w[^>]*>|^#+ .*?$|!\[[^\]]*\]\([^)]*\)", re.S | re.M)
ITEM = re.compile(r"\n(?=(?:[-*]|\d+\.) )")
BULLET = re.compile(r"^(?:[-*]|\d+\.) ")
SENTENCE = re.compile(r".+?(?:[.?!]['\"”’*`)]*(?=\s|$)|$)", re.S)


def lines_of(texts: Sequence[str], letters: int = LETTERS) -> list[str]:
    """The lines of a slide, in markdown; of so many ``letters`` where nobody marked them.

    Raises ``InputError`` where an author marked more than three.

    >>> lines_of(["**What to notice.** It rises. Then it falls.", "More."])
    ['It rises.', 'Then it falls.', 'More.']
    >>> lines_of(["It rises. <!-- slide: Up. --> Then it falls."])
    ['Up.']
    """
    marked = [" ".join(line.split()) for text in texts for line in MARK.findall(text)]
    if len(marked) > LINES:
        raise InputError(f"slide: {len(marked)} lines are marked, allowed are {LINES}; the last is {marked[-1]!r}")
    if marked:
        return marked
    found = [one for one in _sentences(texts) if not one.endswith(":")]  # which leads to what is not on the slide
    chosen: list[str] = []
    for sentence in [one for one in found if len(one) < LONG] or found[:1]:
        if len(chosen) == LINES or len(" ".join([*chosen, sentence])) > letters:
            break
        chosen.append(sentence)
    return chosen


def formulas_of(texts: Sequence[str]) -> list[str]:
    """The formulas that stand by themselves, in markdown.

    >>> formulas_of(["The loss $$L = 1$$ of a pair."])
    ['$$L = 1$$']
    """
    return [formula for text in texts for formula in FORMULA.findall(text)]


def answers_of(texts: Sequence[str]) -> list[str]:
    """The first sentence of every folded answer.

    >>> answers_of(["What now? <details><summary>Answer</summary> Nothing. It is late. </details>"])
    ['Nothing.']
    """
    folded = [found[1] for text in texts for found in ANSWER.findall(text)]
    return [next(_sentences([one]), "") for one in folded]


def _sentences(texts: Sequence[str]) -> Iterator[str]:
    """Sentences in the order of reading; of an item of a list, the first."""
    for text in texts:
        prose = NO_PROSE.sub("", FORMULA.sub("", ANSWER.sub("", NOTICE.sub("", text))))
        for paragraph in re.split(r"\n\s*\n", prose):
            for block in ITEM.split(paragraph.strip()):
                words = " ".join(BULLET.sub("", block).split())
                sentences = [one.strip() for one in SENTENCE.findall(words) if one.strip()]
                yield from sentences[:1] if BULLET.match(block) else sentences
