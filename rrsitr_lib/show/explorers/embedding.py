"""The space of features over the epochs of a run: a point an image, a point a caption, a line a pair."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.show.explorers.chosen import Selection
from rrsitr_lib.show.explorers.controls import Choice, Control, Pair, Slider
from rrsitr_lib.show.explorers.pair_explorer import PairExplorer
from rrsitr_lib.show.explorers.run_explorer import by_turns
from rrsitr_lib.show.kept import kept
from rrsitr_lib.show.views.embedding import COLOURS, GAPS, LINES, space_figure
from rrsitr_lib.show.views.space_map import METHODS, SMALLEST_UMAP, SpaceMap, modality_gap, space_map, without_gap
from rrsitr_lib.training.embedding_history import EmbeddingHistory

ONCE = "umap: computed once, half a minute"


class EmbeddingExplorer(PairExplorer):
    """Pictures and captions of sampled training pairs on one map, before training and after every epoch.

    Circles are images, diamonds captions; a line joins the two of a pair, dashed where they are mismatched. Hover a
    point to see its pair; in a notebook, draw a lasso around points to see theirs. The gap between the modalities, the
    distance of their means, can be removed.
    """

    title = "The space of features"
    gesture = "lasso"

    def missing(self) -> str:
        if self.run.embeddings is None:
            return "This run's folder has no embeddings, the features of sampled pairs: nothing to show here."
        return self.run.missing()

    def controls(self) -> Sequence[Control]:
        colours = COLOURS if "category" in self.run.ledger.columns else COLOURS[:1]
        can_umap = find_spec("umap") is not None and len(self.run.embeddings.rows) >= SMALLEST_UMAP
        pairs = most_moving_pairs(self.run.embeddings, self.mismatched)
        return (
            Slider("epoch", "epoch", 0, self.run.epochs, 1, self.run.epochs, "0 is before training"),
            Choice("map", "map", METHODS if can_umap else METHODS[:1], METHODS[0], ONCE * can_umap),
            Choice("gap", "gap between modalities", GAPS, GAPS[0]),
            Choice("lines", "lines between pairs", LINES, LINES[0]),
            Choice("colour", "colour by", colours, colours[0]),
            Pair("pair", "pair", pairs, pairs[0], on_page=(pairs[0],), among=self.here),
        )

    @kept(len(GAPS))
    def embeddings(self, gap: str) -> EmbeddingHistory:
        """The features that are shown."""
        return self.run.embeddings if gap == GAPS[0] else without_gap(self.run.embeddings)

    @kept(len(METHODS) * len(GAPS))
    def map(self, method: str, gap: str) -> SpaceMap:
        """The map of all epochs, computed at its first choice."""
        config = self.run.config
        return space_map(self.embeddings(gap), method, seed=0 if config is None else config.seed)

    @property
    def mismatched(self) -> np.ndarray:
        """The truth of the sampled pairs, (n,) bool."""
        return self.run.mismatched[self.run.embeddings.rows].astype(bool)

    @cached_property
    def here(self) -> np.ndarray:
        return np.sort(self.run.embeddings.rows)

    def draw(self, epoch: int, map: str, gap: str, lines: str, colour: str, pair: int) -> go.Figure:
        rows, category = self.run.embeddings.rows, None
        if colour == "category":
            category = self.run.column("category")[max(epoch, 1) - 1, rows].astype(int)
        marks = int(np.flatnonzero(rows == pair)[0]), np.flatnonzero(np.isin(rows, self.selected))
        return space_figure(self.map(map, gap), epoch, self.mismatched, lines, category, rows, *marks)

    def behind(self, points: Mapping[int, Sequence[Any]], epoch: int, **values: Any) -> Selection | None:
        rows = self.keyed(points)
        if points and not len(rows):
            return None
        when = "before training" if epoch == 0 else f"after epoch {epoch}"
        return Selection(rows, f"points of the {values['map']} map {when}")

    def say(self, epoch: int, map: str, gap: str, lines: str, colour: str, pair: int) -> str:
        embeddings, wrong = self.embeddings(gap), self.mismatched
        image, text, rows = embeddings.image[epoch], embeddings.text[epoch], embeddings.rows
        cosine, kinds = (image * text).sum(axis=-1), (("true", ~wrong), ("mismatched", wrong))
        means = [f"{cosine[kind].mean():.2f} for {kind.sum()} {name} pairs" for name, kind in kinds if kind.any()]
        width = modality_gap(self.run.embeddings.image[epoch], self.run.embeddings.text[epoch])
        removed = " before it was removed" if gap == GAPS[1] else ""
        early = " Categories are those of epoch 1." if colour == "category" and epoch == 0 else ""
        when = "Before training" if epoch == 0 else f"After epoch {epoch}"
        return (
            f"{when}, in all {image.shape[1]} dimensions: the mean cosine is {' and '.join(means)}, "
            f"that of pair {pair} is {cosine[rows == pair][0]:.2f}; the modality gap is {width:.2f}{removed}.{early}"
        )


def most_moving_pairs(embeddings: EmbeddingHistory, mismatched: np.ndarray) -> tuple[int, ...]:
    """True and mismatched pairs by turns, those first whose cosine changes most from the first to the last epoch.

    **Shape** ``mismatched`` (n,), of the sampled pairs.
    """
    cosine = [(embeddings.image[epoch] * embeddings.text[epoch]).sum(axis=-1) for epoch in (0, -1)]
    order = np.argsort(-np.abs(cosine[1] - cosine[0]), kind="stable")
    return by_turns(*(embeddings.rows[order[mismatched[order] == kind]] for kind in (False, True)))
