"""The flow of pairs between clean, ambiguous and noisy from one epoch to the next."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.methods.partition import CATEGORY_NAMES
from rrsitr_lib.show.explorers.chosen import Selection
from rrsitr_lib.show.explorers.controls import Control, Slider
from rrsitr_lib.show.explorers.pair_explorer import PairExplorer
from rrsitr_lib.show.style import TRUTH_LOOKS
from rrsitr_lib.show.views.flow import flow, flow_figure


class FlowExplorer(PairExplorer):
    """Which pairs change their category, as recorded: from a row of the map in one epoch to a column in the next.

    A colour is the share of the row. In a notebook, click a cell to see its pairs.
    """

    title = "Flow between categories"
    needs = ("category",)

    def missing(self) -> str:
        one = "This run has one epoch only: no pair can have moved."
        return super().missing() or (one if self.run.epochs < 2 else "")

    @cached_property
    def category(self) -> np.ndarray:
        """As recorded, (epochs, N)."""
        return self.run.column("category")

    def controls(self) -> Sequence[Control]:
        return (Slider("epoch", "epoch", 1, self.run.epochs - 1, 1, 1, "and the one after it"),)

    def draw(self, epoch: int) -> go.Figure:
        return flow_figure(self.category, self.run.mismatched, epoch)

    def say(self, epoch: int) -> str:
        found = flow(self.category[epoch - 1], self.category[epoch], self.run.mismatched)
        kinds = zip((name for name, *_ in TRUTH_LOOKS), found, strict=True)
        moved = [
            f"{all_.sum() - np.trace(all_):,} of {all_.sum():,} {name} changed category, {all_[:2, 2].sum():,} of them "
            f"to noisy and {all_[2, :2].sum():,} away from it"
            for name, all_ in kinds
        ]
        return f"From epoch {epoch} to {epoch + 1}: {'; '.join(moved)}."

    def behind(self, points: Mapping[int, Sequence[Any]], epoch: int) -> Selection | None:
        meant = [(kind, *points[kind][0]) for kind in (0, 1) if points.get(kind)]
        if not meant:
            return None
        ((kind, before, after),) = meant
        then, now = self.category[epoch - 1] == before, self.category[epoch] == after
        names = f"{CATEGORY_NAMES[before]} in epoch {epoch} and {CATEGORY_NAMES[after]} in epoch {epoch + 1}"
        rows = np.flatnonzero(then & now & (self.run.mismatched == bool(kind)))
        return Selection(rows, f"{TRUTH_LOOKS[kind][0]}, {names}")
