"""Margin dynamics: move a pair and its negatives, and read margin, loss and pull; beside it what a run has recorded."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.methods.base import MethodSettings
from rrsitr_lib.show.explorers.base import Explorer
from rrsitr_lib.show.explorers.controls import Control, Slider
from rrsitr_lib.show.explorers.run_explorer import Source
from rrsitr_lib.show.run_reader import RunReader
from rrsitr_lib.show.views.margins import LAMBDA_2, HardNegatives, RecordedMargins, margins_figure, regime

ON_PAGE = (-0.5, 0.1, 0.35, 0.65, 0.95, 1.0)  # one on every step of the pull, which falls at 0.3, 0.6, 0.9


class MarginExplorer(Explorer):
    """Margins, loss and pull of one pair against its hardest negatives, and the margins that a run has recorded.

    The pull says how much a loss falls per unit of the pair's own similarity: that of the triplet loss with its factor
    0.9, and that of the two global cross-entropies if each had one wrong answer. Where no run is open, the recorded
    margins and the epoch are missing; all else works.
    """

    title = "Margin dynamics"
    needs = ("margin_text",)

    def __init__(self, source: Source | None = None, **given: Any) -> None:
        self.run = None if source is None else RunReader.open(source)
        self.recorded: RecordedMargins | None = None
        if self.run and not self.missing():
            self.recorded = RecordedMargins(self.run.column("margin_text"), self.run.mismatched)
            self.medians = [self.recorded.quartiles(kind)[1] for kind in (False, True)]
        super().__init__(**given)

    @property
    def source(self) -> str:
        return self.run.code if self.run else ""

    def missing(self) -> str:
        return self.run.missing(*self.needs) if self.run else ""

    def controls(self) -> Sequence[Control]:
        settings = (self.run and self.run.config) or MethodSettings()
        sigma = min(round(20 * settings.sigma) / 20, 1.5)
        own = (
            Slider("similarity", "similarity of the pair", -1.0, 1.0, 0.05, 0.1, "cosine", ON_PAGE),
            Slider("hardest_text", "hardest text", -1.0, 1.0, 0.05, 0.6, "cosine", (0.2, 0.6)),
            Slider("hardest_image", "hardest image", -1.0, 1.0, 0.05, 0.3, "cosine", (0.3,)),
            Slider("sigma", "base margin sigma", 0.0, 1.5, 0.05, sigma, "cosine", (0.0, 0.3, 0.6)),
        )
        if self.recorded is None:
            return own
        return (*own, Slider("epoch", "epoch", 1, self.run.epochs, 1, self.run.epochs))

    def draw(
        self, similarity: float, hardest_text: float, hardest_image: float, sigma: float, epoch: int = 0
    ) -> go.Figure:
        return margins_figure(similarity, HardNegatives(hardest_text, hardest_image, sigma), self.recorded, epoch)

    def say(self, similarity: float, hardest_text: float, hardest_image: float, sigma: float, epoch: int = 0) -> str:
        negatives = HardNegatives(hardest_text, hardest_image, sigma)
        text, image, loss, gentle, strong = negatives.dynamics(np.array([similarity])).ravel()
        return (
            f"Text: margin {text:.2f}, {regime(similarity, hardest_text, sigma)}. "
            f"Image: margin {image:.2f}, {regime(similarity, hardest_image, sigma)}. "
            f"Loss {loss:.2f}. Per unit of similarity, {LAMBDA_2} times the triplet loss "
            f"falls by {gentle:.2f}, the two cross-entropies by {strong:.2f}. {self._recorded(epoch)}"
        )

    def _recorded(self, epoch: int) -> str:
        if self.recorded is None:
            return "No run is open, so the third panel is empty."
        kinds = zip(("true", "mismatched"), self.medians, strict=True)
        medians = [f"{median[epoch - 1]:.2f} for {name} pairs" for name, median in kinds if np.isfinite(median).all()]
        return f"Median recorded margin in epoch {epoch}: {' and '.join(medians)}."
