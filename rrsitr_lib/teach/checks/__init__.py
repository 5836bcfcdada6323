"""Checks of the exercises by name: ``checks.recall_of_one(mine)``; one module a lesson, each with ``EXERCISES``."""

import importlib
import pkgutil
from functools import cache

from rrsitr_lib.teach.exercise import Exercise


@cache
def exercises() -> dict[str, Exercise]:
    """All exercises by name, in the order of the lessons. Taught in: notebooks/01_retrieval"""
    modules = sorted(info.name for info in pkgutil.iter_modules(__path__))
    found = [one for name in modules for one in importlib.import_module(f"{__name__}.{name}").EXERCISES]
    return {one.name: one for one in found}


def __getattr__(name: str) -> Exercise:
    if name.startswith("_") or name not in exercises():
        raise AttributeError(f"no exercise {name!r}; there are {', '.join(exercises())}" if name[0] != "_" else name)
    return exercises()[name]
