"""The processes of a run: one, unless ``torchrun`` has started several."""

import os

import numpy as np
from torch import nn

from rrsitr_lib.model.similarity import Features
from rrsitr_lib.registry import extension


class OneProcess:
    """A run by one process. ``speed.distributed`` has several, which share every batch."""

    rank, size = 0, 1

    def wait(self) -> None:
        """Until all processes are here."""

    def own_rows(self, rows: np.ndarray) -> np.ndarray:
        """This process's part of a batch. **Shape** (B,) -> (B / processes,)."""
        return rows

    def gather(self, features: Features) -> Features:
        """Features of the whole batch, in its order; the gradient reaches this process's part only."""
        return features

    def sum_gradients(self, model: nn.Module) -> None:
        """Add up every parameter's gradient over the processes."""


ONE_PROCESS = OneProcess()


def join_processes() -> OneProcess:
    """The processes that ``torchrun`` started, or this one alone."""
    return extension("speed.distributed").join() if "RANK" in os.environ else ONE_PROCESS
