"""Checks of the exercises by name, ``checks.hit_of_question(mine)``: read from the sources, a lesson at once."""

import re
from functools import cache
from pathlib import Path

from rrsitr_lib.teach.exercise import Exercise
from rrsitr_lib.teach.exercise_source import read_exercises
from rrsitr_lib.teach.sources import exercise_sources

CHECKED = re.compile(r"^checks\.(\w+)\(\w+\)$", re.M)  # the cell that checks an answer
_of_lesson = cache(read_exercises)


@cache
def _sources() -> dict[str, Path]:
    """The source of every exercise by name. No lesson is executed, as another lesson's libraries take seconds."""
    return {name: one for one in exercise_sources() for name in CHECKED.findall(one.read_text(encoding="utf-8"))}


def __getattr__(name: str) -> Exercise:
    if name.startswith("_"):
        raise AttributeError(name)
    if name not in _sources():
        raise AttributeError(f"no exercise {name!r}; there are {', '.join(_sources())}")
    return _of_lesson(_sources()[name])[name]
