"""What the explorers of a run share: they open it, say which columns it lacks, and show its pairs as cards."""

from collections.abc import Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from rrsitr_lib.show.explorers.base import Explorer
from rrsitr_lib.show.run_reader import RunReader
from rrsitr_lib.training.ledger import Ledger

Source = str | Path | Ledger | RunReader
CHOSEN_PAIRS = 12


class RunExplorer(Explorer):
    """An explorer of a run: ``source`` is its folder, its ledger, or the run as it is read; ``run`` is there with it.

    Raises ``InputError`` where there is no ledger.
    """

    needs: ClassVar[tuple[str, ...]] = ()  # columns of the ledger

    run: RunReader

    def __init__(self, source: Source | None, **given: Any) -> None:
        if source is not None:
            self.run = RunReader.open(source)
        super().__init__(**given)

    @property
    def source(self) -> str:
        return self.run.code

    def missing(self) -> str:
        return self.run.missing(*self.needs)

    def shown(self, **values: Any) -> Sequence[int]:
        return (values["pair"],) if "pair" in values else ()

    def card(self, key: int) -> str:
        return self.run.card(key)


def by_turns(*orders: np.ndarray) -> tuple[int, ...]:
    """Up to 12 pairs worth looking at: the first of every order, then the second of every order, each pair once.

    >>> by_turns(np.array([5, 3]), np.array([5]), np.array([1, 3, 0]))
    (5, 1, 3, 0)
    """
    turns = chain(*zip_longest(*(order[:CHOSEN_PAIRS].tolist() for order in orders)))
    return tuple(dict.fromkeys(row for row in turns if row is not None))[:CHOSEN_PAIRS]
