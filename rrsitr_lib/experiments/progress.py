"""How far a study is, while it runs: epochs over all cells, with the time that remains, in a terminal or a notebook."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from rrsitr_lib.experiments.plan import Cell
from rrsitr_lib.experiments.trials import Place


class Progress:
    """A bar over the epochs of all cells; looks into the folders of cells that have not ended."""

    def __init__(self, cells: Sequence[Cell], places: Mapping[str, Place], shown: bool) -> None:
        self.epochs = {cell.name: cell.config.epochs for cell in cells}
        self.places = dict(places)
        self.open = {name for name, place in places.items() if place.state in ("begun", "waiting")}
        self.failed = sum(place.state == "failed" for place in places.values())
        self.shown = shown
        self.bar: Any = None

    def __enter__(self) -> Self:
        from tqdm.auto import tqdm

        total = sum(self.epochs.values())
        self.bar = tqdm(total=total, initial=self._reached(), unit="epoch", disable=None if self.shown else True)
        self._describe()
        return self

    def __exit__(self, *_: object) -> None:
        self.look()
        self.bar.close()

    def look(self) -> None:
        """Bring the bar up to the epochs that are in the folders now."""
        self.bar.update(max(0, self._reached() - self.bar.n))

    def ended(self, cell: str, outcome: Mapping[str, Any]) -> None:
        """A cell is done or has failed; a failure is said at once."""
        self.open.discard(cell)
        if outcome["state"] == "failed":
            self.failed += 1
            self.say(f"{cell} failed: {outcome['reason']}")
        elif self.bar.disable:  # no terminal: a line a run
            self.say(f"[{self._done()}/{len(self.epochs)}] {cell} done in {outcome['seconds']:.0f} s")
        self._describe()
        self.look()

    def say(self, message: str) -> None:
        """A line above the bar."""
        if message and self.shown:
            self.bar.write(message)

    def _reached(self) -> int:
        ended = sum(epochs for name, epochs in self.epochs.items() if name not in self.open)
        return ended + sum(min(self.places[name].epochs, self.epochs[name]) for name in self.open)

    def _done(self) -> int:
        return len(self.epochs) - len(self.open) - self.failed

    def _describe(self) -> None:
        failed = f", {self.failed} failed" if self.failed else ""
        self.bar.set_description(f"{self._done()}/{len(self.epochs)} done{failed}")
