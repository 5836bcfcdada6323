"""Exercises that check themselves: cases, a solution, typical wrong answers and why they are wrong.

A check never says just "wrong": it says what is missing, or which usual idea the answer is and why it fails, or the
first case where the answer differs.
"""

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rrsitr_lib.errors import InputError

POINTS = {"warm-up": 1, "core": 2, "stretch": 3, "research": 4}  # by difficulty, for nbgrader
Answer = Callable[..., Any]


@dataclass(frozen=True)
class Wrong:
    """A typical wrong answer and the reason why it is wrong, in the words in which one would tell a student."""

    answer: Answer
    reason: str


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson.

    ``name`` is the function that the student writes; ``cases`` are keyword arguments to call it with; ``first_step``
    is said where nothing is written yet; ``why`` is said when it is right. ``tolerance`` is relative and absolute.
    Where many answers are right, ``measure(answer, **case)`` turns what is returned into the number that is compared.
    """

    name: str
    lesson: str
    title: str
    difficulty: str
    minutes: int
    cases: Sequence[Mapping[str, Any]]
    solution: Answer
    wrong: Sequence[Wrong]
    first_step: str
    why: str
    tolerance: float = 1e-4
    measure: Answer | None = None

    def __post_init__(self) -> None:
        if self.difficulty not in POINTS:
            raise InputError(f"{self.name}: difficulty is {self.difficulty!r}: allowed are {', '.join(POINTS)}")

    def __call__(self, mine: Answer) -> bool:
        """Check an answer and print what came of it; True when it is right."""
        right, said = self.grade(mine)
        print(f"{'[OK]' if right else '[TRY]'} {self.name}: {said}")
        return right

    def grade(self, mine: Answer) -> tuple[bool, str]:
        """Whether the answer is right, and what to tell the student. Never raises for what a student writes."""
        if renamed := self._renamed(mine):
            return False, renamed
        answers = []
        for case in self.cases:
            try:
                answers.append(self._outcome(mine, case))
            except NotImplementedError:  # the stub that nbgrader leaves
                answers.append(None)
            except Exception as error:
                return False, f"for {_shown(case)} it stops with {type(error).__name__}: {error}. {self.first_step}"
        if all(answer is None or answer is ... for answer in answers):
            return False, f"nothing is written yet. {self.first_step}"
        expected = self._outcomes(self.solution)
        if all(map(self._same, answers, expected)):
            return True, self.why
        for typical in self.wrong:
            if all(map(self._same, answers, self._outcomes(typical.answer))):
                return False, typical.reason
        return False, self._first_difference(answers, expected)

    def _renamed(self, mine: Answer) -> str:
        """What to say of a function that cannot be called by the names of its arguments; empty where it can."""
        try:
            taken = inspect.signature(mine)
        except (TypeError, ValueError):  # no function, or one that does not tell: calling it says more
            return ""
        try:
            taken.bind(**self.cases[0])
        except TypeError:
            wanted, found = ", ".join(self.cases[0]), ", ".join(taken.parameters) or "none"
            return f"it is called with the arguments {wanted}, and yours takes {found}. Keep the names as they were."
        return ""

    def _first_difference(self, answers: Sequence[Any], expected: Sequence[Any]) -> str:
        agree = list(map(self._same, answers, expected))
        number = agree.index(False)
        got, wanted = answers[number], expected[number]
        if np.shape(_array(got)) != np.shape(_array(wanted)):
            detail = f"shape {np.shape(_array(got))}, expected {np.shape(_array(wanted))}"
        else:
            detail = f"{_short(got)}, expected {_short(wanted)}"
        where = f"for {_shown(self.cases[number])} it gives {detail}"
        return f"{sum(agree)} of {len(agree)} cases agree; {where}. {self.first_step}"

    def _outcomes(self, answer: Answer) -> list[Any]:
        return [self._outcome(answer, case) for case in self.cases]

    def _outcome(self, answer: Answer, case: Mapping[str, Any]) -> Any:
        found = answer(**copy.deepcopy(dict(case)))  # it may change its arguments: the next one must not see that
        return found if self.measure is None or found is None or found is ... else self.measure(found, **case)

    def _same(self, got: Any, wanted: Any) -> bool:
        try:
            got, wanted = _array(got), _array(wanted)
            if got.shape != wanted.shape:
                return False
            if {wanted.dtype.kind, got.dtype.kind} & set("OUSc"):
                return bool((got == wanted).all())
            got, wanted = got.astype(float), wanted.astype(float)
            return np.allclose(got, wanted, self.tolerance, self.tolerance, equal_nan=True)
        except (TypeError, ValueError):
            return False


def use(mine: Answer, fallback: Answer, check: Exercise) -> Answer:
    """The student's function where it is right, else ``fallback``, so that the notebook runs to its end unsolved."""
    return mine if check.grade(mine)[0] else fallback


def _array(value: Any) -> np.ndarray:
    try:
        return value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
    except ValueError:  # rows of unequal length
        return np.asarray(value, dtype=object)


def _shown(case: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_short(value)}" for name, value in case.items())


def _short(value: Any) -> str:
    array = _array(value)
    text = f"{float(array):.4g}" if array.ndim == 0 and array.dtype.kind in "if" else " ".join(str(value).split())
    return text if len(text) <= 90 else f"{text[:87]}…"
