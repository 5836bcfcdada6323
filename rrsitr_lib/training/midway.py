"""An epoch that is cut off goes on at the step where it was: a checkpoint of its own, every so many minutes."""

import time
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from rrsitr_lib.training.checkpoint import load_checkpoint

FILE, LAST = "within.safetensors", "last.safetensors"
COLUMN = "epoch.ledger."


class Midway(NamedTuple):
    """How far an epoch is. **Shape** ``totals`` (steps of the epoch,), objectives so far; ``columns`` (N,)."""

    steps: int
    totals: Tensor
    columns: dict[str, Tensor]

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint holds of it."""
        return {COLUMN + name: column for name, column in self.columns.items()} | {"epoch.totals": self.totals}


class Saved(NamedTuple):
    """A checkpoint as read; ``begun``: of the epoch after it, where that was cut off."""

    tensors: dict[str, Tensor]
    state: dict[str, Any]
    begun: Midway | None


class Clock:
    """Says every ``minutes`` that it is time."""

    def __init__(self, minutes: float) -> None:
        self.seconds, self.since = 60 * minutes, time.monotonic()

    def strikes(self) -> bool:
        """Whether it is time; it begins anew then."""
        if time.monotonic() - self.since < self.seconds:
            return False
        self.since = time.monotonic()
        return True


def newest(folder: Path) -> Saved | None:
    """The last checkpoint of a run: of a whole epoch, or of the one after it where that was cut off; None before both.

    Raises ``InputError`` for a damaged file.
    """
    last = load_checkpoint(folder / LAST) if (folder / LAST).exists() else None
    within = load_checkpoint(folder / FILE) if (folder / FILE).exists() else None
    if within and (not last or len(within[1]["metrics"]) == len(last[1]["metrics"])):
        tensors, state = within
        columns = {name.removeprefix(COLUMN): value for name, value in tensors.items() if name.startswith(COLUMN)}
        return Saved(tensors, state, Midway(state["steps"], tensors["epoch.totals"], columns))
    return Saved(*last, None) if last else None
