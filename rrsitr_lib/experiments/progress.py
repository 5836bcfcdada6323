"""How far many runs are, while they run: epochs over all of them, with the time that remains."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from rrsitr_lib.experiments.trials import finished_epochs


class Progress:
    """A bar over the epochs of all runs, in a terminal or a notebook; elsewhere a line a run.

    ``epochs``: of every run, by name; ``open``: the folders of those that have not ended, looked into again and again;
    ``failed``: how many of the others have failed.
    """

    def __init__(self, epochs: Mapping[str, int], open: Mapping[str, Path], failed: int, shown: bool) -> None:
        self.epochs, self.open, self.failed, self.shown = epochs, dict(open), failed, shown
        self.bar: Any = None

    def __enter__(self) -> Self:
        from tqdm.auto import tqdm

        total = sum(self.epochs.values())
        self.bar = tqdm(total=total, initial=self._reached(), unit="epoch", disable=None if self.shown else True)
        self.refresh()
        return self

    def __exit__(self, *_: object) -> None:
        self.refresh()
        self.bar.close()

    def refresh(self) -> None:
        """Bring the bar up to the epochs that are in the folders now."""
        failed = f", {self.failed} failed" if self.failed else ""
        self.bar.set_description(f"{self._done}/{len(self.epochs)} done{failed}")
        self.bar.update(max(0, self._reached() - self.bar.n))

    def ended(self, name: str, outcome: Mapping[str, Any]) -> None:
        """A run is done or has failed; a failure is said at once."""
        self.open.pop(name, None)
        if outcome["state"] == "failed":
            self.failed += 1
            self.say(f"{name} failed: {outcome['reason']}")
        elif self.bar.disable:
            self.say(f"[{self._done}/{len(self.epochs)}] {name} done in {outcome['seconds']:.0f} s")
        self.refresh()

    def say(self, message: str) -> None:
        """A line above the bar."""
        if self.shown:
            self.bar.write(message)

    @property
    def _done(self) -> int:
        return len(self.epochs) - len(self.open) - self.failed

    def _reached(self) -> int:
        ended = sum(epochs for name, epochs in self.epochs.items() if name not in self.open)
        return ended + sum(min(finished_epochs(run), self.epochs[name]) for name, run in self.open.items())
