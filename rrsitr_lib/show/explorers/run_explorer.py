"""What the explorers of a run share: they open it, say which columns it lacks, and show its pairs as cards."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from rrsitr_lib.show.explorers.base import Explorer
from rrsitr_lib.show.run_reader import RunReader
from rrsitr_lib.training.ledger import Ledger

Source = str | Path | Ledger | RunReader


class RunExplorer(Explorer):
    """An explorer of a run: ``source`` is its folder, its ledger, or the run as it is read.

    Raises ``InputError`` where there is no ledger.
    """

    needs: ClassVar[tuple[str, ...]] = ()  # columns of the ledger

    def __init__(self, source: Source, **given: Any) -> None:
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
