"""A gallery of suspects: pages of pairs by a signal, a decision for each, kept in a CSV file."""

import html
from collections.abc import Sequence
from functools import cached_property, partial
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
from rrsitr_lib.errors import InputError
from rrsitr_lib.show.explorers.controls import Choice, Control, Slider
from rrsitr_lib.show.explorers.run_explorer import RunExplorer, Source
from rrsitr_lib.show.kept import kept
from rrsitr_lib.show.run_reader import RunReader, card
from rrsitr_lib.show.views.gallery import gallery_figure, places

PAGE = 6
SORTS, SHOWS = ("agreement", *SIGNALS), ("all", "undecided", "wrong", "right")


class GalleryExplorer(RunExplorer):
    """The pairs of a run by suspicion, six a page. In a notebook each can be called wrong or right, and saved.

    The injected truth is hidden unless asked for. In code: ``save_to`` is the CSV file of the decisions, by default
    ``decisions.csv`` in the run's folder; a file found there is loaded, so that one can go on tomorrow. ``show`` takes
    its list when it is chosen: a pair decided since stays on its page until ``show`` or ``sort`` is chosen anew.
    Raises ``InputError`` for a file that does not fit this run's pairs.
    """

    title = "Gallery of suspects"
    needs = NEEDED

    def __init__(self, source: Source, save_to: str | Path | None = None, **given: Any) -> None:
        run = RunReader.open(source)
        self.usual = run.folder / "decisions.csv"
        self.save_to = self.usual if save_to is None else Path(save_to)
        self._lists: dict[tuple[str, str], np.ndarray] = {}
        self._build_buttons()
        super().__init__(run, **given)

    @property
    def source(self) -> str:
        return super().source + (f", save_to={self.save_to.as_posix()!r}" if self.save_to != self.usual else "")

    @cached_property
    def table(self) -> pd.DataFrame:
        """The ranking of all pairs."""
        return mismatch_ranking(self.run.ledger)

    @cached_property
    def decisions(self) -> dict[int, str]:
        """Decision by row; those of the file to begin with."""
        return read_decisions(self.save_to, self.table) if self.save_to.exists() else {}

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
        self.decisions.pop(int(row), None)
        if decision != "undecided":
            self.decisions[int(row)] = decision
        self._moved(None)

    def save(self) -> Path:
        """Write the decisions to ``save_to``, whole or not at all; returns the path.

        Raises ``RunError`` when the disk refuses.
        """
        if self.message:
            raise InputError(self.message)
        path = write_decisions(self.save_to, self.decisions, self.table)
        self.saved.value = html.escape(f"{len(self.decisions)} decisions saved to {path.name}")
        return path

    # --- what an explorer says of itself ---

    def controls(self) -> Sequence[Control]:
        pages = -(-len(self.table) // PAGE)
        return (
            Choice("sort", "sort by", SORTS, "agreement"),
            Slider("page", "page", 1, pages, 1, 1, f"{PAGE} pairs each"),
            Choice("show", "show only", SHOWS, "all", "decision"),
            Choice("truth", "truth", ("hidden", "shown") if self.run.mismatched.any() else ("hidden",), "hidden"),
        )

    def draw(self, sort: str, page: int, show: str, truth: str) -> go.Figure:
        return gallery_figure(self.score(sort), self.page_rows(sort, page, show), self.decisions, truth == "shown")

    def say(self, sort: str, page: int, show: str, truth: str) -> str:
        meaning = SIGNALS.get(sort, "mean rank over all signals")
        there = places(self.score(sort), self.page_rows(sort, page, show))
        pairs = "all pairs" if show == "all" else f"pairs that were {show} when this list was chosen"
        where = f"places {there.min()} to {there.max()}" if len(there) else "no pair"
        wrong, right = (list(self.decisions.values()).count(one) for one in ("wrong", "right"))
        return f"By {sort}: {meaning}. Page {page} of {pairs}: {where}. Decided: {wrong} wrong, {right} right."

    def shown(self, sort: str, page: int, show: str, truth: str) -> Sequence[int]:
        return [~row if truth == "shown" else row for row in self.page_rows(sort, page, show).tolist()]

    def card(self, key: int) -> str:
        # a key below 0 is the row's complement, and its card tells the truth
        row, reveal = (key, False) if key >= 0 else (~key, True)
        loss = self.run.column("loss")[:, row]
        wrong = bool(reveal and self.run.mismatched[row])
        truth = ("MISMATCHED, " if wrong else "true pair, ") if reveal else ""
        called = self.decisions.get(row, "undecided")
        note = f"{truth}loss {loss.mean():.1f} in the mean, {loss[-1]:.1f} at the end, {called}"
        caption = self.table.at[row, "caption"] or "(captions are not in this folder)"
        return card(f"pair {row}", caption, self.run.image_of_pair(row), note, wrong)

    # --- the page, its buttons ---

    @kept(len(SORTS))
    def score(self, sort: str) -> pd.Series:
        """All pairs by one signal, the most suspect first, ties as they come."""
        return self.table[sort].sort_values(ascending=False, kind="stable")

    def page_rows(self, sort: str, page: int, show: str) -> np.ndarray:
        """Rows of a page, at most six, none beyond the end of the list."""
        if (sort, show) not in self._lists:
            rows = self.score(sort).index
            chosen = [show in ("all", self.decisions.get(row, "undecided")) for row in rows]
            self._lists[sort, show] = rows[chosen].to_numpy()
        return self._lists[sort, show][(page - 1) * PAGE : page * PAGE]

    def view(self) -> widgets.Widget:
        shown = super().view()
        if self.message:
            return shown
        rows = [widgets.HBox(pair) for pair in zip(self.names, self.toggles, strict=True)]
        saving = widgets.HBox([self.save_button, self.saved])
        shown.children = (*shown.children[:-1], widgets.VBox(rows), saving, shown.children[-1])
        return shown

    def _build_buttons(self) -> None:
        layout = {"width": "7rem"}
        self.names = [widgets.Label(layout=layout) for _ in range(PAGE)]
        self.toggles = [widgets.ToggleButtons(options=DECISIONS, style={"button_width": "6rem"}) for _ in range(PAGE)]
        self.save_button, self.saved = widgets.Button(description="Save decisions"), widgets.HTML()
        for place, toggle in enumerate(self.toggles):
            toggle.observe(partial(self._toggled, place), names="value")
        self.save_button.on_click(self._save_clicked)
        self._filling, self._on_buttons = False, []

    def _describe(self) -> None:
        """Also bring the buttons in step with the page."""
        super()._describe()
        values = self.values
        self._on_buttons = rows = self.page_rows(values["sort"], values["page"], values["show"]).tolist()
        self._filling = True
        try:
            for place, (name, toggle) in enumerate(zip(self.names, self.toggles, strict=True)):
                there = place < len(rows)
                name.value = f"pair {rows[place]}" if there else ""
                toggle.disabled = not there
                toggle.value = self.decisions.get(rows[place], "undecided") if there else "undecided"
        finally:
            self._filling = False

    def _moved(self, change: Any) -> None:
        """A list is taken when ``show`` or ``sort`` is chosen."""
        if change is not None and change["owner"] in (self.widgets["show"], self.widgets["sort"]):
            self._lists.clear()
        super()._moved(change)

    def _toggled(self, place: int, change: Any) -> None:
        if not self._filling:
            self.decide(self._on_buttons[place], change["new"])

    def _save_clicked(self, _button: widgets.Button) -> None:
        try:
            self.save()
        except Exception as error:  # the page shows only widgets: say it there, and let it go on to the log
            self.saved.value = f"<b>Not saved: {html.escape(str(error))}</b>"
            raise
