"""What is odd about pairs and is no mismatch: doubled rows, boilerplate, placeholders, twins across splits, typing."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rrsitr_lib.data.tables import RawPair

REPEATED = 0.5  # share of pairs with one caption, above which a ranking says little
BOILERPLATE, FEWEST = 0.01, 10  # share of the images that one caption may have, and how many at least
PLACEHOLDER = 3  # names of one file, from which it is hardly a picture of each
LEFT_OVER = re.compile(
    "\ufffd|\xc3[\x80-\xbf]|\xe2\u20ac|&(?:[a-z]{2,8}|#\\d+);|</?[a-z][^>]*>|\\\\[nrt]|^\\[(?=['\"].*['\"]\\]$)",
    re.IGNORECASE | re.DOTALL,
)
DOUBLED = re.compile(r"\b(?!many|very)(\w+) \1\b", re.IGNORECASE)


class Problem(NamedTuple):
    """A row of problems.csv: why a pair was left out, or what is odd about one that was kept."""

    row: int
    image: str
    problem: str


def remarks(pairs: Sequence[RawPair], contents: Mapping[str, str]) -> list[Problem]:
    """What is odd about pairs that are kept, row by row, each as "kept, kind: detail".

    ``contents``: a fingerprint of every image's file, by name.

    >>> [problem for *_, problem in remarks([RawPair(1, "", "a.jpg", "a lake in in the sun")], {})]
    ["kept, a word twice: 'in in'"]
    """
    finders = (_twice, _boilerplate, _typing, lambda pairs: _same_files(pairs, contents))
    return [Problem(pair.row, pair.image, f"kept, {said}") for find in finders for pair, said in find(pairs)]


def kinds_of(problems: Sequence[Problem]) -> dict[str, int]:
    """How often there is what kind, the most frequent first.

    >>> kinds_of([Problem(1, "a.jpg", "kept, a word twice: 'in in'"), Problem(2, "b.jpg", "kept, a word twice: 'a a'")])
    {'a word twice': 2}
    """
    kinds = (one.problem.removeprefix("kept, ").partition(":")[0] for one in problems)
    return dict(Counter(kinds).most_common())


def repeated(captions: Sequence[str]) -> list[str]:
    """A note where one caption is at most of the pairs."""
    caption, times = Counter(captions).most_common(1)[0]
    if times <= REPEATED * len(captions) or times == 1:
        return []
    said = f"{times} of {len(captions)} pairs have the same caption, {caption[:60]!r}"
    return [f"{said}: among them no ranking is possible"]


def _twice(pairs: Sequence[RawPair]) -> Iterator[tuple[RawPair, str]]:
    first: dict[tuple[str, str], int] = {}
    for pair in pairs:
        if (key := (pair.image, pair.caption)) in first:
            yield pair, f"the same pair again: as row {first[key]}"
        first.setdefault(key, pair.row)


def _boilerplate(pairs: Sequence[RawPair]) -> Iterator[tuple[RawPair, str]]:
    images: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        images[pair.caption].add(pair.image)
    allowed = max(FEWEST, BOILERPLATE * len({pair.image for pair in pairs}))
    for pair in pairs:
        if (count := len(images[pair.caption])) > allowed:
            yield pair, f"one caption at many images: {count}"


def _typing(pairs: Sequence[RawPair]) -> Iterator[tuple[RawPair, str]]:
    for pair in pairs:
        if found := LEFT_OVER.search(pair.caption):
            yield pair, f"left over from another form of text: {found[0]!r}"
        elif found := DOUBLED.search(pair.caption):
            yield pair, f"a word twice: {found[0]!r}"


def _same_files(pairs: Sequence[RawPair], contents: Mapping[str, str]) -> Iterator[tuple[RawPair, str]]:
    """Images of one file: in several splits, or under so many names that it must stand for missing ones."""
    names, splits = defaultdict(set), defaultdict(set)
    for pair in pairs:
        if content := contents.get(pair.image):
            names[content].add(pair.image)
            splits[content].add(pair.split)
    for pair in pairs:
        content = contents.get(pair.image, "")
        if others := sorted(splits[content] - {pair.split}):
            yield pair, f"its picture in another split too: {', '.join(others)}"
        if (count := len(names[content])) >= PLACEHOLDER:
            yield pair, f"one picture under several names: {count}, a placeholder?"
