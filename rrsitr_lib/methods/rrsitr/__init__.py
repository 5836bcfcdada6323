"""RRSITR, the paper's method: partition, self-paced weights, robust triplet, objective, one idea a file."""

from rrsitr_lib.methods.rrsitr.method import Rrsitr, RrsitrSettings
from rrsitr_lib.methods.rrsitr.objective import Components, rrsitr_objective
from rrsitr_lib.methods.rrsitr.self_paced import regulariser, weight

__all__ = ["Components", "Rrsitr", "RrsitrSettings", "regulariser", "rrsitr_objective", "weight"]
