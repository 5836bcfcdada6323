"""An explorer in which pairs are chosen: by hand in its figure, by number, by words; what was chosen can be shared."""

import html
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import ipywidgets as widgets
import numpy as np
from traitlets import link

from rrsitr_lib.show.explorers.base import strip
from rrsitr_lib.show.explorers.chosen import Chosen, Selection, find_pairs, save_selection
from rrsitr_lib.show.explorers.run_explorer import RunExplorer, Source
from rrsitr_lib.show.explorers.watcher import forget_gesture

CARDS, PINS = 12, 6
HINT = "number, words of a caption, or class"


class PairExplorer(RunExplorer):
    """A subclass says in ``behind`` which pairs stand behind points of its figure; it draws ``selected`` itself."""

    def __init__(self, source: Source | None, **given: Any) -> None:
        self.chosen = Chosen()
        self._build_panel()
        super().__init__(source, **given)
        self.chosen.observe(self._chosen, names=["pair", "selection", "pins"])

    # --- what a subclass says of itself ---

    def behind(self, points: Mapping[int, Sequence[Any]], **values: Any) -> Selection | None:
        """The pairs behind ``points``, of each trace by its number; None where they stand for no pairs."""
        raise NotImplementedError

    @cached_property
    def here(self) -> np.ndarray:
        """Rows of the pairs that this explorer shows, (n,) ascending."""
        return np.arange(len(self.run.mismatched))

    # --- what follows from it ---

    def keyed(self, points: Mapping[int, Sequence[Any]]) -> np.ndarray:
        """Rows of the pairs whose cards ``points`` of the figure show, (n,) ascending, each once."""
        keys = {trace: self._shown["data"][trace].get("customdata") for trace in points}
        found = [keys[trace][place] for trace, places in points.items() if keys[trace] is not None for place in places]
        return np.unique(np.array(found, np.int64))

    @property
    def selected(self) -> np.ndarray:
        """Rows of the selection as far as they are shown here, (n,)."""
        rows = self.chosen.selection.rows if self.chosen.selection else np.empty(0, np.int64)
        return rows[np.isin(rows, self.here)]

    def follow(self, chosen: Chosen) -> None:
        if not self.message:
            for name in ("pair", "selection", "pins"):
                link((chosen, name), (self.chosen, name))

    def told(self, message: Mapping[str, Any]) -> None:
        if message["event"] not in ("selected", "clicked"):
            return
        points = {int(trace): where for trace, where in message["points"].items()}
        if (found := self.behind(points, **self.values)) is not None:
            self.choose(found)
        if message["event"] == "selected":
            forget_gesture(self.figure)

    def choose(self, selection: Selection) -> None:
        """Take a selection; of a single pair also the pair."""
        self.chosen.selection = selection
        if len(selection.rows) == 1:
            self.chosen.pair = int(selection.rows[0])

    def find(self, query: str) -> None:
        """Select the pairs of this number, or that hold these words, and go to the first of them."""
        found = find_pairs(query.strip(), self.run)
        rows = found.rows[np.isin(found.rows, self.here)]
        hidden = "" if len(rows) == len(found.rows) else f"; of {len(found.rows):,}, these are shown here"
        self.chosen.selection = Selection(rows, found.origin + hidden)
        if len(rows):
            self.chosen.pair = int(rows[0])

    def view(self) -> widgets.Widget:
        shown = super().view()
        if not self.message:
            buttons = (self.find_field, self.pin_button, self.save_button, self.clear_button, self.note)
            row = widgets.Box(buttons, layout={"flex_flow": "row wrap", "align_items": "center"})
            panel = (row, self.chosen_text, self.chosen_cards, self.pinned)
            shown.children = (*shown.children[:-1], *panel, shown.children[-1])
        return shown

    # --- the panel ---

    def _build_panel(self) -> None:
        named = {"placeholder": HINT, "description": "find pairs", "tooltip": f"find pairs by {HINT}"}
        look = {"layout": {"width": "22rem"}, "style": {"description_width": "initial"}}
        self.find_field = widgets.Text(continuous_update=False, **look, **named)
        self.pin_button, self.save_button, self.clear_button = (
            widgets.Button(description=words, layout={"width": "auto"})
            for words in ("Pin this pair", "Save as CSV", "Clear")
        )
        self.note, self.chosen_text, self.chosen_cards, self.pinned = (widgets.HTML() for _ in range(4))
        self.save_button.disabled = self.clear_button.disabled = True
        self.find_field.observe(lambda change: change.new.strip() and self._done(self.find, change.new), "value")
        self.pin_button.on_click(lambda _: self._done(self.pin))
        self.save_button.on_click(lambda _: self._done(self.save))
        self.clear_button.on_click(lambda _: self._done(self.choose, Selection(np.empty(0, np.int64), "")))

    def _done(self, act: Any, *given: Any) -> None:
        with self._failures_said("button"):
            self.note.value = ""
            act(*given)

    def pin(self) -> None:
        """Keep the present pair as a card, of at most six; a pinned one is let go."""
        pair, pins = self.values.get("pair", self.chosen.pair), self.chosen.pins
        if pair is None:
            self.note.value = "No pair is chosen yet."
            return
        self.chosen.pins = tuple(one for one in pins if one != pair) if pair in pins else (*pins, pair)[-PINS:]

    def save(self) -> None:
        """Write the selection as CSV, and say where."""
        path = save_selection(self.run, self.selected, max(1, self.values.get("epoch", self.run.epochs)))
        self.note.value = html.escape(f"{len(self.selected):,} pairs saved to {path}")

    def _moved(self, change: Any) -> None:
        super()._moved(change)
        if change is not None and change["owner"] is self.widgets.get("pair"):
            self.chosen.pair = self.values["pair"]

    def _chosen(self, change: Any) -> None:
        with self._failures_said("choice"):
            if change.name == "pair":
                self._go_to(change.new)
            elif change.name == "selection":
                self._moved(None)
                self._show_selection()
            self.pinned.value = f"<b>Pinned</b>{strip(map(self.card, self.chosen.pins))}" if self.chosen.pins else ""

    def _go_to(self, pair: int) -> None:
        if "pair" in self.widgets and pair is not None and pair in self.here:
            self.move(pair=pair)
        elif "pair" in self.widgets:
            self.note.value = f"Pair {pair} is not among the {len(self.here):,} pairs that are shown here."

    def _show_selection(self) -> None:
        rows, origin = self.selected, self.chosen.selection.origin
        self.save_button.disabled = self.clear_button.disabled = not len(rows)
        said, cards = f"No pair is selected{f': {origin}' * bool(origin)}.", ()
        if len(rows):
            wrong, every = self.run.mismatched[rows], self.run.mismatched[self.here]
            kinds = f"{wrong.sum():,} of them mismatched ({wrong.mean():.0%}; of all pairs {every.mean():.0%})"
            part = f" {CARDS} of them, evenly spread over the rows:" if len(rows) > CARDS else ""
            said = f"{len(rows):,} selected: {origin}. {kinds}.{part}"
            places = np.linspace(0, len(rows) - 1, min(CARDS, len(rows))).round().astype(int)
            cards = (self.card(int(row)) for row in rows[places])
        self.chosen_text.value, self.chosen_cards.value = html.escape(said, quote=False), strip(cards)
