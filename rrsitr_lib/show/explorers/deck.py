"""Cards that are called wrong or right by keys or buttons, and what was said of them, with a way back."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import anywidget
import traitlets

from rrsitr_lib.audit.mismatch_ranking import DECISIONS


class Decisions(dict[int, str]):
    """What was said by row, "wrong" or "right"; whatever is not there is undecided.

    >>> said = Decisions({4: "right"})
    >>> said.say(4, "wrong"); said.say(7, "right")
    >>> said.undo(), said.undo(), said.undo(), said
    (7, 4, None, {4: 'right'})
    """

    def __init__(self, found: Mapping[int, str] | None = None) -> None:
        super().__init__(found or {})
        self._past: list[tuple[int, str]] = []

    def say(self, row: int, decision: str) -> None:
        """Set or change one; it can be taken back."""
        self._past.append((row, self.get(row, "undecided")))
        self._set(row, decision)

    def undo(self) -> int | None:
        """Take back what was said last; its row, None where nothing was said."""
        if not self._past:
            return None
        row, before = self._past.pop()
        self._set(row, before)
        return row

    def _set(self, row: int, decision: str) -> None:
        self.pop(row, None)
        if decision != "undecided":
            self[row] = decision


class Judge(Protocol):
    """Whoever shows a deck: it is told what a hand decided, and that it left the cards at either end."""

    def decide(self, row: int, decision: str) -> None:
        """Call the pair ``row`` "wrong", "right" or "undecided"."""

    def undo(self) -> None:
        """Take the last decision back."""

    def turn(self, step: int) -> None:
        """Show the cards after (1) or before (-1) these, where there are any."""


class Deck(anywidget.AnyWidget):
    """Cards as HTML, in a grid or (``single``) one at a time; keys w, r, u and arrows, once one has clicked on it.

    ``verdict`` stands above the cards, which are scrolled back to it when it comes.
    """

    _esm, _css = (Path(__file__).with_name(f"deck.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
    cards = traitlets.List(traitlets.Unicode()).tag(sync=True)
    said = traitlets.List(traitlets.Unicode()).tag(sync=True)
    place = traitlets.Int(0).tag(sync=True)
    single = traitlets.Bool(False).tag(sync=True)
    verdict = traitlets.Unicode("").tag(sync=True)

    def __init__(self, judge: Judge, **given: Any) -> None:
        super().__init__(**given)
        self.judge, self.rows = judge, []
        self.on_msg(self._told)

    def show(self, rows: Sequence[int], cards: Sequence[str], decisions: Mapping[int, str]) -> None:
        """Lay out one card a row; the hand stays where it is, and begins anew with other rows."""
        same, self.rows = self.rows == list(rows), list(rows)
        with self.hold_sync():
            self.cards, self.said = list(cards), [decisions.get(row, "undecided") for row in rows]
            self.place = self.place if same else 0

    def _told(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        """What a key or a button asked for, at a place."""
        what, place = content["what"], content["place"]
        if what == "undo":
            self.judge.undo()
        elif what in ("next", "previous"):
            self._step(1 if what == "next" else -1)
        elif 0 <= place < len(self.rows):
            self.place = place
            if what in DECISIONS:
                self.judge.decide(self.rows[place], what)
                on = what != "undecided" and not self.verdict
                self.place = min(place + on, len(self.rows) - 1)

    def _step(self, step: int) -> None:
        if 0 <= self.place + step < len(self.rows):
            self.place += step
        else:
            self.judge.turn(step)
