"""A gallery of suspects: pages of pairs by a signal, a decision for each, kept in a CSV file."""

import html
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go

from rrsitr_lib.audit.mismatch_ranking import (
    DECISIONS,
    NEEDED,
    SIGNALS,
    mismatch_ranking,
    read_decisions,
    write_decisions,
)
from rrsitr_lib.audit.review import Review, sample
from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.partition import NOISY
from rrsitr_lib.show.explorers.chosen import Chosen
from rrsitr_lib.show.explorers.controls import Choice, Control, Slider
from rrsitr_lib.show.explorers.deck import Decisions, Deck
from rrsitr_lib.show.explorers.run_explorer import RunExplorer, Source
from rrsitr_lib.show.kept import kept
from rrsitr_lib.show.run_reader import RunReader, card
from rrsitr_lib.show.views.gallery import balanced_accuracy, best_balanced_accuracy, gallery_figure, places

PAGE = 24
SORTS, SHOWS = ("agreement", *SIGNALS), ("all", "undecided", "wrong", "right", "selected")
TRUTHS = ("hidden", "blind", "shown")
BLIND_ORDER = 0  # seed: who goes on tomorrow meets the pairs in the same order


class GalleryExplorer(RunExplorer):
    """The pairs of a run by suspicion, 24 a page. In a notebook each can be called wrong or right, and saved.

    The injected truth is hidden unless asked for. Blind, the scores are hidden too and the order is drawn; when every
    pair of the page is decided, its truth is told, and how well you and the model found it. In code: ``save_to`` is the
    CSV file of the decisions, by default ``decisions.csv`` in the run's folder; a file found there is loaded, so that
    one can go on tomorrow. ``show`` takes its list when it is chosen: a pair decided since stays on its page until
    ``show``, ``sort`` or ``truth`` is chosen anew; ``selected`` are the pairs selected in another tab of
    ``explore``. Raises ``InputError`` for a file that does not fit this run's pairs.
    """

    title = "Gallery of suspects"
    cards_on_page = 1600  # a page tells a pair's truth, or hides it: two cards with one image
    needs = NEEDED

    def __init__(self, source: Source, save_to: str | Path | None = None, **given: Any) -> None:
        run = RunReader.open(source)
        self.usual = run.folder / "decisions.csv"
        self.save_to = self.usual if save_to is None else Path(save_to)
        self.chosen, self.going = Chosen(), False
        self._lists: dict[tuple[str, str], np.ndarray] = {}
        self.deck, self.saved = Deck(self), widgets.HTML()
        self.save_button = widgets.Button(description="Save decisions")
        self.save_button.on_click(self._save_clicked)
        super().__init__(run, **given)

    @property
    def source(self) -> str:
        return super().source + (f", save_to={self.save_to.as_posix()!r}" if self.save_to != self.usual else "")

    @cached_property
    def table(self) -> pd.DataFrame:
        """The ranking of all pairs."""
        return mismatch_ranking(self.run.ledger)

    @cached_property
    def decisions(self) -> Decisions:
        """Decision by row; those of the file to begin with."""
        return Decisions(read_decisions(self.save_to, self.table) if self.save_to.exists() else {})

    # --- decisions ---

    def decide(self, row: int, decision: str) -> None:
        """Call pair ``row`` "wrong", "right" or "undecided"; kept in memory until ``save``.

        Raises ``InputError`` for a row or a decision that there is not.
        """
        if self.message:
            raise InputError(self.message)
        if isinstance(row, bool) or not isinstance(row, (int, np.integer)) or not 0 <= row < len(self.table):
            raise InputError(f"row is {row!r}: allowed is a whole number from 0 to {len(self.table) - 1}")
        if decision not in DECISIONS:
            raise InputError(f"decision is {decision!r}: allowed are {', '.join(DECISIONS)}")
        self.decisions.say(int(row), decision)
        self._moved(None)

    def undo(self) -> None:
        """Take back the last decision that is not taken back, and show its page where the list has it."""
        row = self.decisions.undo()
        if row is not None:
            self._go_to(row)
            self._moved(None)

    def _go_to(self, row: int) -> None:
        """Show the page of a pair, and the hand on it, where the list has it."""
        place = np.flatnonzero(self._list(**self.values) == row)
        if len(place):
            self.going = True  # the hand is led: it chooses no pair
            self.widgets["page"].value = 1 + int(place[0]) // PAGE
            self.deck.place = int(place[0]) % PAGE
            self.going = False

    def turn(self, step: int) -> None:
        """Show the next page (1) or the one before (-1), where the list has one."""
        page = self.widgets["page"].value + step
        if 1 <= page <= -(-len(self._list(**self.values)) // PAGE):
            self.move(page=page)
            self.deck.place = 0 if step > 0 else PAGE - 1

    def save(self) -> Path:
        """Write the decisions to ``save_to``, whole or not at all; returns the path.

        Raises ``RunError`` when the disk refuses.
        """
        if self.message:
            raise InputError(self.message)
        path = write_decisions(self.save_to, self.decisions, self.table)
        self.saved.value = html.escape(f"{len(self.decisions)} decisions saved to {path.name}")
        return path

    # --- what is chosen elsewhere ---

    def follow(self, chosen: Chosen) -> None:
        self.chosen = chosen
        if not self.message:
            chosen.observe(self._elsewhere, names=["pair", "selection"])
            self.deck.observe(self._here, names="place")

    def _elsewhere(self, change: Any) -> None:
        if change.name == "pair":
            self._go_to(change.new)
            return
        self._lists = {key: rows for key, rows in self._lists.items() if key[1] != "selected"}
        if self.values["show"] == "selected":
            self._moved(None)

    def _here(self, change: Any) -> None:
        if not self.going and change.new < len(self.deck.rows):
            self.chosen.pair = int(self.deck.rows[change.new])

    # --- what an explorer says of itself ---

    def controls(self) -> Sequence[Control]:
        pages, truths = -(-len(self.table) // PAGE), TRUTHS if self.run.mismatched.any() else TRUTHS[:1]
        return (
            Choice("sort", "sort by", SORTS, "agreement", on_page=SORTS),
            Slider("page", "page", 1, pages, 1, 1, f"{PAGE} pairs each"),
            Choice("show", "show only", SHOWS, "all", "decision", on_page=("all",)),
            Choice("truth", "truth", truths, TRUTHS[0], on_page=("hidden", "shown")),
        )

    def draw(self, sort: str, page: int, show: str, truth: str) -> go.Figure:
        rows, offset = self.page_rows(sort, page, show, truth), TRUTHS.index(truth) * len(self.table)
        hidden = self.seen(rows, truth) == "blind"
        return gallery_figure(self.score(sort), rows, self.decisions, offset, hidden)

    def say(self, sort: str, page: int, show: str, truth: str) -> str:
        rows, meaning = self.page_rows(sort, page, show, truth), SIGNALS.get(sort, "mean rank over all signals")
        named = {"all": "all pairs", "selected": "the pairs selected in another tab"}
        pairs = named.get(show, f"pairs that were {show} when this list was chosen")
        there = places(self.score(sort), rows)
        where = f"places {there.min()} to {there.max()}" if len(there) else "no pair"
        order = f"By {sort}: {meaning}."
        if truth == "blind":
            order = "In an order that is drawn, the truth and all scores hidden."
            where = f"{sum(row in self.decisions for row in rows)} of {len(rows)} decided"
            where = "; ".join(filter(None, [where, self.verdict(sort, rows, truth)]))
        wrong, right = (list(self.decisions.values()).count(one) for one in ("wrong", "right"))
        return f"{order} Page {page} of {pairs}: {where}. Decided: {wrong} wrong, {right} right."

    def verdict(self, sort: str, rows: np.ndarray, truth: str) -> str:
        """How well the reader and the model found the truth of a blind page, once it is opened."""
        if truth != "blind" or self.seen(rows, truth) == "blind":
            return ""
        called = np.array([self.decisions[row] == "wrong" for row in rows])
        wrong, score = self.run.mismatched[rows], self.table.loc[rows, sort].to_numpy()
        you, model = balanced_accuracy(called, wrong), best_balanced_accuracy(score, wrong)
        said = f"you {you:.0%}, model {model:.0%} (balanced accuracy; the model's by {sort}, at its best threshold)"
        order = self._list(sort, "all", truth).tolist()
        pages = [order[start : start + PAGE] for start in range(0, len(order), PAGE)]
        opened = [page for page in pages if all(row in self.decisions for row in page)]
        looked_at = {row: self.decisions[row] for page in opened for row in page}  # others were chosen, not drawn
        try:
            rate, low, high = Review.of(self.called_noisy, looked_at).noise_rate
        except InputError:  # none of one part is decided yet
            return said
        return f"{said}; by your {len(looked_at)} looks {rate:.0%} ({low:.0%} to {high:.0%}) of all pairs are wrong"

    @cached_property
    def called_noisy(self) -> np.ndarray:
        """The pairs that the last epoch called noisy: the part that is looked at beside the others, (N,) bool."""
        return self.run.column("category")[-1] == NOISY

    def seen(self, rows: np.ndarray, truth: str) -> str:
        """How the cards of a page are shown: a blind page opens when all its pairs are decided."""
        opened = truth == "blind" and len(rows) > 0 and all(row in self.decisions for row in rows)
        return "shown" if opened else truth

    def shown(self, sort: str, page: int, show: str, truth: str) -> Sequence[int]:
        rows = self.page_rows(sort, page, show, truth)
        return (rows + TRUTHS.index(self.seen(rows, truth)) * len(self.table)).tolist()

    def card(self, key: int) -> str:
        # what a card tells is in its key: row, row + pairs (blind), row + 2 pairs (the truth)
        kind, row = divmod(key, len(self.table))
        loss, seen = self.run.column("loss")[:, row], TRUTHS[kind]
        wrong = bool(seen == "shown" and self.run.mismatched[row])
        truth = ("MISMATCHED, " if wrong else "true pair, ") if seen == "shown" else ""
        scores = "" if seen == "blind" else f"loss {loss.mean():.1f} in the mean, {loss[-1]:.1f} at the end"
        caption = self.table.at[row, "caption"] or "(captions are not in this folder)"
        return card(f"pair {row}", caption, self.run.image_of_pair(row), truth + scores, wrong)

    # --- the page ---

    @kept(len(SORTS))
    def score(self, sort: str) -> pd.Series:
        """All pairs by one signal, the most suspect first, ties as they come."""
        return self.table[sort].sort_values(ascending=False, kind="stable")

    def _list(self, sort: str, show: str, truth: str, **_page: int) -> np.ndarray:
        """All rows of the list that is shown page by page."""
        order = "blind" if truth == "blind" else sort
        if (order, show) not in self._lists:
            rows, every = self.score(sort).index.to_numpy(), len(self.table)
            if order == "blind":
                rows = sample(self.called_noisy, (every, every), BLIND_ORDER)
            if show == "selected":
                wanted = np.isin(rows, self.chosen.selection.rows if self.chosen.selection else ())
            else:
                wanted = np.array(
                    [show in ("all", self.decisions.get(row, "undecided")) for row in rows.tolist()], bool
                )
            self._lists[order, show] = rows[wanted]
        return self._lists[order, show]

    def page_rows(self, sort: str, page: int, show: str, truth: str) -> np.ndarray:
        """Rows of a page, none beyond the end of the list."""
        return self._list(sort, show, truth)[(page - 1) * PAGE : page * PAGE]

    def view(self) -> widgets.Widget:
        shown = super().view()
        if not self.message:
            saving = widgets.HBox([self.save_button, self.saved])
            shown.children = (*shown.children[:-1], self.deck, saving, shown.children[-1])
        return shown

    def show_cards(self, keys: Sequence[int]) -> None:
        """On the deck, with their buttons; the place of other explorers' cards is left to what is hovered."""
        self.cards.value = ""
        rows, values = [key % len(self.table) for key in keys], self.values
        self.deck.show(rows, [self.card(key) for key in keys], self.decisions)
        self.deck.verdict = self.verdict(values["sort"], np.array(rows, int), values["truth"])

    def _moved(self, change: Any) -> None:
        """A list is taken when ``show``, ``sort`` or ``truth`` is chosen."""
        if change is not None and change["owner"] in [self.widgets[name] for name in ("show", "sort", "truth")]:
            self._lists.clear()
        super()._moved(change)

    def _save_clicked(self, _button: widgets.Button) -> None:
        try:
            self.save()
        except Exception as error:  # the page shows only widgets: say it there, and let it go on to the log
            self.saved.value = f"<b>Not saved: {html.escape(str(error))}</b>"
            raise
