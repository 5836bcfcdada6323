"""Margin dynamics: move a pair and its negatives, and read margin, loss and pull; beside it what a run has recorded."""

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.methods.base import MethodSettings
from rrsitr_lib.show.explorers.base import Explorer
from rrsitr_lib.show.explorers.chosen import Selection, in_bars
from rrsitr_lib.show.explorers.controls import Control, Pair, Slider
from rrsitr_lib.show.explorers.pair_explorer import PairExplorer
from rrsitr_lib.show.explorers.run_explorer import Source, by_turns
from rrsitr_lib.show.views.margins import LAMBDA_2, HardNegatives, RecordedMargins, margins_figure, regime

ON_PAGE = (-0.5, 0.1, 0.35, 0.65, 0.95, 1.0)  # one on every step of the pull, which falls at 0.3, 0.6, 0.9
STEP = 0.05


class MarginExplorer(PairExplorer):
    """Margins, loss and pull of one pair against its hardest negatives, and the margins that a run has recorded.

    The pull says how much a loss falls per unit of the pair's own similarity: that of the triplet loss with its factor
    0.9, and that of the two global cross-entropies if each had one wrong answer. A pair that is chosen brings its
    recorded cosines with it; in a notebook, drag over the recorded margins to see their pairs, and drag the lines of
    the cosines. Where no run is open, the recorded margins, the epoch and the pair are missing; all else works.
    """

    title = "Margin dynamics"
    gesture, drags = "select", True
    needs = ("margin_text", "similarity", "hardest_text", "hardest_image")

    def __init__(self, source: Source | None = None, **given: Any) -> None:
        self.recorded: RecordedMargins | None = None
        self.opened, self.bringing = source is not None, False
        super().__init__(source, **given)

    @property
    def source(self) -> str:
        return super().source if self.opened else ""

    def missing(self) -> str:
        return super().missing() if self.opened else ""

    def controls(self) -> Sequence[Control]:
        settings = (self.opened and self.run.config) or MethodSettings()
        sigma = min(round(20 * settings.sigma) / 20, 1.5)
        own = (
            Slider("similarity", "similarity of the pair", -1.0, 1.0, STEP, 0.1, "cosine", ON_PAGE),
            Slider("hardest_text", "hardest text", -1.0, 1.0, STEP, 0.6, "cosine", (0.2, 0.6)),
            Slider("hardest_image", "hardest image", -1.0, 1.0, STEP, 0.3, "cosine", (0.3,)),
            Slider("sigma", "base margin sigma", 0.0, 1.5, STEP, sigma, "cosine", (0.0, 0.3, 0.6)),
        )
        if not self.opened:
            return own
        self.recorded = RecordedMargins(self.run.column("margin_text"), self.run.mismatched)
        self.medians = [self.recorded.quartiles(kind)[1] for kind in (False, True)]
        pairs = widest_pairs(self.recorded)
        chosen = Pair("pair", "pair", pairs, pairs[0], "brings its cosines", on_page=(pairs[0],), among=self.here)
        return (chosen, *own, Slider("epoch", "epoch", 1, self.run.epochs, 1, self.run.epochs))

    def draw(
        self,
        similarity: float,
        hardest_text: float,
        hardest_image: float,
        sigma: float,
        epoch: int = 0,
        pair: int | None = None,
    ) -> go.Figure:
        negatives = HardNegatives(hardest_text, hardest_image, sigma)
        return margins_figure(similarity, negatives, self.recorded, epoch, pair, self.selected if self.opened else ())

    def say(
        self,
        similarity: float,
        hardest_text: float,
        hardest_image: float,
        sigma: float,
        epoch: int = 0,
        pair: int | None = None,
    ) -> str:
        negatives = HardNegatives(hardest_text, hardest_image, sigma)
        text, image, loss, gentle, strong = negatives.dynamics(np.array([similarity])).ravel()
        return (
            f"Text: margin {text:.2f}, {regime(similarity, hardest_text, sigma)}. "
            f"Image: margin {image:.2f}, {regime(similarity, hardest_image, sigma)}. "
            f"Loss {loss:.2f}. Per unit of similarity, {LAMBDA_2} times the triplet loss "
            f"falls by {gentle:.2f}, the two cross-entropies by {strong:.2f}. {self._recorded(epoch, pair)}"
        )

    def _recorded(self, epoch: int, pair: int | None) -> str:
        if self.recorded is None:
            return "No run is open, so the third panel is empty."
        if np.isnan(self.recorded.margin[epoch - 1, pair]):
            return f"Pair {pair} has no recorded margin in epoch {epoch}: its method trains it without one."
        kinds = zip(("true", "mismatched"), self.medians, strict=True)
        medians = [f"{median[epoch - 1]:.2f} for {name} pairs" for name, median in kinds if np.isfinite(median).all()]
        own = f"{self.recorded.margin[epoch - 1, pair]:.2f} for pair {pair}"
        return f"Recorded margin to text in epoch {epoch}: {own}; median {' and '.join(medians)}."

    # --- what is chosen ---

    def behind(
        self, points: Mapping[int, Sequence[Any]], epoch: int = 0, pair: int | None = None, **_cosines: float
    ) -> Selection | None:
        if self.recorded is None:
            return None
        if (meant := in_bars(points, 7, self.recorded.bar_of(epoch), self.recorded.mismatched)) is None:
            return None
        found, first, last, kind = meant
        low, high = self.recorded.edges[[first, last + 1]]
        return Selection(np.flatnonzero(found), f"{kind}margin {low:.2f} to {high:.2f} in epoch {epoch}")

    def told(self, message: Mapping[str, Any]) -> None:
        super().told(message)
        if message["event"] == "dragged" and "x" in message:  # three lines in two panels; that of the run stays
            names = ("similarity", "hardest_text", "hardest_image")
            name = names[message["shape"] % 3] if message["shape"] < 6 else "similarity"
            self.drag(name, message["x"] if message["shape"] < 6 else self.values["similarity"])

    def view(self) -> widgets.Widget:
        return super().view() if self.opened else Explorer.view(self)

    def _moved(self, change: Any) -> None:
        if self.bringing:
            return
        if change is not None and change["owner"] is self.widgets.get("pair"):
            self.bringing = True  # its cosines move with it, and all four are drawn once
            try:
                with self._failures_said("control"):
                    self._bring(self.values["pair"], self.values["epoch"])
            finally:
                self.bringing = False
        super()._moved(change)

    def _bring(self, row: int, epoch: int) -> None:
        for name in self.needs[1:]:  # the widget goes to the nearest position, as for a hand
            cosine = float(np.clip(self.run.column(name)[epoch - 1, row], -1, 1))
            self.widgets[name].value = round(round(cosine / STEP) * STEP, 10)


def widest_pairs(recorded: RecordedMargins) -> tuple[int, ...]:
    """True and mismatched pairs by turns, those with the widest margin in the last epoch first."""
    order = np.argsort(-recorded.margin[-1], kind="stable")
    return by_turns(*(order[recorded.mismatched[order] == kind] for kind in (False, True)))
