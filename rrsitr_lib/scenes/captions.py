"""Captions of scene facts: random true texts of the grammar with their claims, so that truth is a bit test."""

import re
from bisect import bisect
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

import numpy as np

from rrsitr_lib.scenes.words import ATTRIBUTES, GRAMMAR, Production

SLOT = re.compile(r"\{(\w+)\}")
# the columns that decide which productions of a slot are true: all that the cache below must know
RELEVANT = {slot: sorted({column for _, claims, _ in texts for column, _ in claims}) for slot, texts in GRAMMAR.items()}


@lru_cache(maxsize=20_000)
def _options(slot: str, facts: tuple[int, ...]) -> tuple[list[Production], list[int]]:
    """The productions of a slot that are true of a scene (its relevant facts), and their running weights."""
    fact = dict(zip(RELEVANT[slot], facts, strict=True))
    fitting = [one for one in GRAMMAR[slot] if all(bits >> fact[column] & 1 for column, bits in one[1])]
    return fitting, list(accumulate(weight for _, _, weight in fitting))


def _expand(slot: str, codes: Sequence[int], claims: list[int], rng: np.random.Generator) -> str:
    """A random true text for ``slot``; what it claims is added to ``claims`` in place."""
    fitting, running = _options(slot, tuple([codes[column] for column in RELEVANT[slot]]))
    text, claimed, _ = fitting[bisect(running, rng.random() * running[-1])]
    for column, bits in claimed:
        claims[column] &= bits
    return SLOT.sub(lambda match: _expand(match[1], codes, claims, rng), text) if "{" in text else text


def write_captions(codes: Sequence[int], count: int, rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    """Write ``count`` captions that are true of a scene, each 5 to 20 words, different while the grammar lasts.

    **Shape**: codes (attributes,), the facts as positions in ``words.VALUES``; returns ``count`` texts and their
    claims (count, attributes) int64, a bit for every value that the caption allows.

    >>> write_captions([0] * len(ATTRIBUTES), 1, np.random.default_rng(0))[0][0][-2:]
    ' .'
    """
    texts: list[str] = []
    claims, tries = [], 0
    while len(texts) < count:
        said = [-1] * len(ATTRIBUTES)  # every bit set: nothing said yet
        words = _expand("sentence", codes, said, rng).split()
        text = re.sub(r"\ba (?=[aeiou])", "an ", " ".join(words)) + " ."
        tries += 1
        if 5 <= len(words) <= 20 and (text not in texts or tries > 4 * count):
            texts.append(text)
            claims.append(said)
    return texts, np.array(claims, np.int64)
