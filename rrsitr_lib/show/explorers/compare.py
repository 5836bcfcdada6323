"""Two runs, or two methods, on the same pairs: whose loss is the smaller one, and who moved to which category."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.errors import InputError
from rrsitr_lib.methods.partition import CATEGORY_NAMES
from rrsitr_lib.show.explorers.chosen import Selection, in_bars
from rrsitr_lib.show.explorers.controls import Control, Pair, Slider
from rrsitr_lib.show.explorers.pair_explorer import PairExplorer
from rrsitr_lib.show.explorers.run_explorer import Source, by_turns
from rrsitr_lib.show.run_reader import RunReader
from rrsitr_lib.show.views.compare import bar_of_gain, compare_figure, scale_of, sides
from rrsitr_lib.show.views.flow import flow


class CompareExplorer(PairExplorer):
    """The loss of every pair in run A against its loss in run B, epoch by epoch, and its category in both.

    Above the diagonal B has the larger loss. Where a method does not train by the thresholds they say what RRSITR would
    call a pair. In a notebook, draw a lasso around points, or click a point, a bar or a cell of the map, to see their
    pairs. In code: ``source`` is A and ``other`` B. Raises ``InputError`` for runs on different pairs.
    """

    title = "Two runs on the same pairs"
    gesture = "lasso"
    needs = ("loss", "category")

    def __init__(self, source: Source, other: Source | None = None, **given: Any) -> None:
        if other is None:
            raise InputError("one run is given: a comparison needs two, on the same pairs")
        self.runs = (RunReader.open(source), RunReader.open(other))
        self.runs[0].check_same_pairs(self.runs[1])
        super().__init__(self.runs[0], **given)

    @property
    def source(self) -> str:
        return ", ".join(run.code for run in self.runs)

    def missing(self) -> str:
        said = [f"{name}: {run.missing(*self.needs)}" for name, run in zip("AB", self.runs, strict=True)]
        return next((words for words in said if len(words) > len("A: ")), "")

    def controls(self) -> Sequence[Control]:
        epochs = min(run.epochs for run in self.runs)
        self.loss, self.category = (
            np.stack([run.column(name)[:epochs] for run in self.runs], axis=1) for name in self.needs
        )
        self.scale = scale_of(self.loss[:, 0], self.loss[:, 1])
        self.names = [f"{name} ({run.folder.name})" for name, run in zip("AB", self.runs, strict=True)]
        gain, wrong = np.abs(self.loss[-1, 1] - self.loss[-1, 0]), self.run.mismatched
        order = np.argsort(-gain, kind="stable")
        pairs = by_turns(*(order[wrong[order] == kind] for kind in (True, False)))
        own = Pair("pair", "pair", pairs, pairs[0], on_page=(pairs[0],), among=self.here)
        return (Slider("epoch", "epoch", 1, epochs, 1, epochs), own)

    def draw(self, epoch: int, pair: int) -> go.Figure:
        limits = np.array([(*run.gammas(epoch), run.chance) for run in self.runs])
        now = self.loss[epoch - 1], self.category[epoch - 1]
        return compare_figure(*now, self.run.mismatched, self.scale, limits, self.names, pair, self.selected)

    def behind(self, points: Mapping[int, Sequence[Any]], epoch: int, pair: int) -> Selection | None:
        wrong, categories = self.run.mismatched, self.category[epoch - 1]
        if len(rows := self.keyed({trace: points[trace] for trace in (0, 1) if trace in points})):
            return Selection(rows, f"points of the comparison in epoch {epoch}")
        if points.get(6):
            a, b = points[6][0]
            found = (categories[0] == a) & (categories[1] == b)
            origin = f"{CATEGORY_NAMES[a]} in A and {CATEGORY_NAMES[b]} in B in epoch {epoch}"
            return Selection(np.flatnonzero(found), origin)
        loss = self.loss[epoch - 1]
        edges, bar = bar_of_gain(loss[1] - loss[0], self.scale.gain)
        if (meant := in_bars(points, 7, bar, wrong)) is None:
            return None
        found, first, last, kind = meant
        origin = f"{kind}loss in B minus loss in A {edges[first]:.1f} to {edges[last + 1]:.1f} in epoch {epoch}"
        return Selection(np.flatnonzero(found), origin)

    def say(self, epoch: int, pair: int) -> str:
        loss, wrong = self.loss[epoch - 1], self.run.mismatched
        kinds, gain = zip(("true", "mismatched"), (~wrong, wrong), sides(loss, wrong), strict=True), loss[1] - loss[0]
        counts = [
            f"{larger:,} of {rows.sum():,} {name} pairs "
            f"({smaller:,} below; median of B minus A {np.median(gain[rows]):.1f})"
            for name, rows, (larger, _, smaller) in kinds
            if rows.any()
        ]
        table = flow(*self.category[epoch - 1], wrong).sum(axis=0)
        moved = f"{table.sum() - np.trace(table):,} pairs have another category in B than in A."
        above = f"Epoch {epoch}: above the diagonal, where B has the larger loss, lie {' and '.join(counts)}."
        own = f"Pair {pair} has loss {loss[0, pair]:.1f} in A and {loss[1, pair]:.1f} in B."
        return f"{above} {moved} {own}{self._left_out()}"

    def _left_out(self) -> str:
        """What is not drawn, of the pairs and of the longer run."""
        drawn = f" One of {self.scale.step} pairs is drawn; all are counted." * (self.scale.step > 1)
        epochs = [run.epochs for run in self.runs]
        return drawn + f" A has {epochs[0]} epochs, B {epochs[1]}." * (epochs[0] != epochs[1])

    def card(self, key: int) -> str:
        """From the run that has captions."""
        return next((run for run in self.runs if run.pairs), self.run).card(key)
