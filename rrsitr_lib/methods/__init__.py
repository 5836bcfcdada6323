"""Methods of learning from pairs that may be mismatched: one file a method, found by name.

A method is a class in a file of this folder: ``@register("name") class Mine(Method)``. Its name then stands in
``--method``, ``--help``, study files, tables, figures and explorers. ``base`` says what a method gets and gives.
"""

from rrsitr_lib.methods.base import Batch, Method, MethodSettings, Objective, RunFacts
from rrsitr_lib.registry import METHODS

register = METHODS.register
Settings = MethodSettings

__all__ = ["METHODS", "Batch", "Method", "Objective", "RunFacts", "Settings", "register"]
