"""A sample to look at, and what its decisions say of all pairs: precision, misses and noise rate, with intervals.

Drawn at random among the pairs that were called wrong and among the others, so that a few dozen looks are enough for
both; shown without scores, so that nobody is led.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rrsitr_lib.audit.calibration import ENDS
from rrsitr_lib.errors import InputError

DRAWS = 4000  # of an interval
PRIOR = 0.5  # Jeffreys' for a share: half a pair of each kind before anything is seen
MOST = 64  # times as many looks, beyond which none are counted

Interval = tuple[float, float, float]  # the estimate, and the ends of its 95 % interval


def sizes_of(text: str) -> tuple[int, int]:
    """The two numbers of ``40+40``: looks among the pairs called wrong, and among the others.

    Raises ``InputError`` for anything else.

    >>> sizes_of("40+20")
    (40, 20)
    """
    found = re.fullmatch(r"([1-9]\d{0,4})\+([1-9]\d{0,4})", text)
    if not found:
        raise InputError(f"review is {text!r}: allowed are two numbers of pairs from 1 to 99999, as 40+40")
    return int(found[1]), int(found[2])


def sample(flagged: np.ndarray, sizes: tuple[int, int], seed: int) -> np.ndarray:
    """Pairs to look at, in an order that is drawn: so many of the ``flagged`` (N,) bool, so many others.

    Fewer where there are no more. More of them begin with the same pairs, so that one may go on.

    >>> sample(np.array([True, False, True, False]), (1, 2), seed=0).tolist()
    [1, 0, 3]
    """
    generator = np.random.default_rng(seed)
    parts = [
        generator.permutation(np.flatnonzero(flagged == kind))[:size]
        for kind, size in zip((True, False), sizes, strict=True)
    ]
    places = np.concatenate([(np.arange(len(part)) + 0.5) / max(1, len(part)) for part in parts])
    return np.concatenate(parts)[np.argsort(places, kind="stable")]


@dataclass(frozen=True)
class Review:
    """What was decided about a sample. ``flagged``, ``others``: (pairs in all, looked at, of these wrong)."""

    flagged: tuple[int, int, int]
    others: tuple[int, int, int]

    @classmethod
    def of(cls, flagged: np.ndarray, decisions: Mapping[int, str]) -> "Review":
        """Count "wrong" and "right" by pair; others are not decided. Raises ``InputError`` where a part has none.

        >>> flagged = np.arange(1000) < 200
        >>> said = {row: "wrong" for row in range(36)} | {row: "right" for row in [*range(36, 40), *range(960, 1000)]}
        >>> review = Review.of(flagged, said)
        >>> [round(share, 2) for share in review.precision], [round(share, 2) for share in review.noise_rate]
        ([0.9, 0.8, 0.96], [0.18, 0.16, 0.23])
        """
        parts = []
        for kind, name in ((True, "called wrong"), (False, "not called wrong")):
            said = [decision for row, decision in decisions.items() if flagged[row] == kind and decision != "undecided"]
            if not said and (flagged == kind).any():
                raise InputError(f"no pair that was {name} is decided: allowed is one or more of each part")
            parts.append((int((flagged == kind).sum()), len(said), said.count("wrong")))
        return cls(*parts)

    @cached_property
    def _wrong(self) -> np.ndarray:
        """Wrong pairs of both parts, as they may be given what was seen. (2, DRAWS)."""
        return _draws(self.flagged, self.others)

    @property
    def precision(self) -> Interval:
        """The share of wrong pairs among those called wrong."""
        return _share(self.flagged, self._wrong[0] / max(1, self.flagged[0]))

    @property
    def wrong_among_others(self) -> Interval:
        """The share of wrong pairs among the others."""
        return _share(self.others, self._wrong[1] / max(1, self.others[0]))

    @property
    def noise_rate(self) -> Interval:
        """The share of wrong pairs among all."""
        return (float(self._expected.sum()) / self._pairs, *_ends(self._wrong.sum(axis=0) / self._pairs))

    @property
    def missed(self) -> Interval:
        """The share of the wrong pairs that were not called wrong."""
        total = self._wrong.sum(axis=0)
        share = np.where(total > 0, self._wrong[1] / np.maximum(total, 1), 0.0)
        return (float(self._expected[1] / max(self._expected.sum(), 1e-12)), *_ends(share))

    @property
    def _pairs(self) -> int:
        return self.flagged[0] + self.others[0]

    @property
    def _expected(self) -> np.ndarray:
        return np.array([pairs * wrong / max(1, seen) for pairs, seen, wrong in (self.flagged, self.others)])

    def looks_to_halve(self) -> int | None:
        """How many more looks, spread as before, halve the interval of the noise rate; None where none do."""
        width = np.ptp(self.noise_rate[1:])
        for times in np.geomspace(1, MOST, 61)[1:]:
            more = [
                (pairs, min(pairs, round(seen * times)), round(min(pairs, round(seen * times)) * wrong / max(1, seen)))
                for pairs, seen, wrong in (self.flagged, self.others)
            ]
            if np.ptp(Review(*more).noise_rate[1:]) <= width / 2:
                return sum(seen for _, seen, _ in more) - self.flagged[1] - self.others[1]
        return None

    def in_words(self) -> str:
        """All of it in lines."""
        more = self.looks_to_halve()
        seen = self.flagged[1] + self.others[1]
        return "\n".join([
            f"{seen} pairs decided: {self.flagged[1]} of the {self.flagged[0]} called wrong, {self.others[1]} of the "
            f"{self.others[0]} others",
            f"precision: {_words(self.precision)} of those called wrong are wrong",
            f"missed: {_words(self.missed)} of the wrong ones are not called wrong ({_words(self.wrong_among_others)} "
            "of the others)",
            f"noise rate: {_words(self.noise_rate)} of all {self._pairs} pairs are wrong",
            f"{more} more looks would halve the interval of the noise rate"
            if more
            else "the interval of the noise rate cannot be halved by looking at more",
        ])  # fmt: skip


def _draws(*parts: tuple[int, int, int]) -> np.ndarray:
    """Wrong pairs of a part: those seen, and among the unseen as many as a share says that what was seen allows."""
    generator = np.random.default_rng(0)
    drawn = []
    for pairs, seen, wrong in parts:
        share = generator.beta(wrong + PRIOR, seen - wrong + PRIOR, DRAWS)
        drawn.append(wrong + generator.binomial(pairs - seen, share))
    return np.array(drawn, dtype=np.float64)


def _share(part: tuple[int, int, int], drawn: np.ndarray) -> Interval:
    return (part[2] / max(1, part[1]), *_ends(drawn))


def _ends(drawn: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(drawn, ENDS)
    return float(low), float(high)


def _words(interval: Interval) -> str:
    share, low, high = interval
    return f"{share:.0%} ({low:.0%} to {high:.0%})"
