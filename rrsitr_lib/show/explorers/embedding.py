"""The space of features over the epochs of a run: a point an image, a point a caption, a line a pair."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.data.noise.hard import class_in_name
from rrsitr_lib.show.explorers.chosen import Selection
from rrsitr_lib.show.explorers.controls import Choice, Control, Pair, Slider
from rrsitr_lib.show.explorers.pair_explorer import PairExplorer
from rrsitr_lib.show.explorers.run_explorer import by_turns
from rrsitr_lib.show.kept import kept
from rrsitr_lib.show.views.embedding import CATEGORY_LOOKS, COLOURS, GAPS, LINES, by_class, nearest, space_figure
from rrsitr_lib.show.views.space_map import METHODS, SMALLEST_UMAP, SpaceMap, modality_gap, space_map, without_gap
from rrsitr_lib.training.embedding_history import EmbeddingHistory

NEIGHBOURS = 4
ONCE = "umap: computed once, half a minute"


class EmbeddingExplorer(PairExplorer):
    """Images and captions of sampled training pairs on one map, before training and after every epoch.

    Circles are images, diamonds captions; a line joins the two of a pair, dashed where they are mismatched. Hover a
    point to see its pair; in a notebook, draw a lasso around points to see theirs. The gap between the modalities, the
    distance of their means, can be removed. Cards: the pair, then those whose images are nearest to its own. Where file
    names carry classes, points can be coloured by the pair's class and the one nearest to it.
    """

    title = "The space of features"
    gesture = "lasso"

    def missing(self) -> str:
        if self.run.embeddings is None:
            return "This run's folder has no embeddings, the features of sampled pairs: nothing to show here."
        return self.run.missing()

    def controls(self) -> Sequence[Control]:
        there = {"truth": True, "category": "category" in self.run.ledger.columns, "class": self.classes is not None}
        colours = tuple(name for name in COLOURS if there[name])
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

    @cached_property
    def classes(self) -> np.ndarray | None:
        """The class of every sampled pair's image, (n,); None where not every name carries one, or all the same."""
        if self.run.pairs is None:
            return None
        names = [class_in_name(str(one)).strip("_") for one in self.run.pairs.image_ids[self.run.embeddings.rows]]
        return np.array(names) if all(names) and len(set(names)) > 1 else None

    def neighbours(self, epoch: int, gap: str, pair: int, **_values: Any) -> np.ndarray:
        """Pairs of other images, those nearest to the image of ``pair`` first, (4,) or fewer."""
        rows = self.run.embeddings.rows
        place = int(np.flatnonzero(rows == pair)[0])
        images = rows if self.run.pairs is None else self.run.pairs.image_of_row[rows]
        _, first = np.unique(images, return_index=True)
        same = (images == images[place]) | ~np.isin(np.arange(len(rows)), first)
        return rows[nearest(self.embeddings(gap).image[epoch], place, same, NEIGHBOURS)]

    def shown(self, **values: Any) -> Sequence[int]:
        return (values["pair"], *self.neighbours(**values).tolist())

    def draw(self, epoch: int, map: str, gap: str, lines: str, colour: str, pair: int) -> go.Figure:
        rows, group, looks = self.run.embeddings.rows, None, CATEGORY_LOOKS
        place = int(np.flatnonzero(rows == pair)[0])
        if colour == "category":
            group = self.run.column("category")[max(epoch, 1) - 1, rows].astype(int)
        elif colour == "class":
            group, looks = by_class(self.embeddings(gap).image[epoch], self.classes, self.classes[place])
        marks = place, np.flatnonzero(np.isin(rows, self.selected))
        return space_figure(self.map(map, gap), epoch, self.mismatched, lines, group, looks, rows, *marks)

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
        named = ", ".join(f"pair {row}" for row in self.neighbours(epoch, gap, pair)) or "no other pair"
        return (
            f"{when}, in all {image.shape[1]} dimensions: the mean cosine is {' and '.join(means)}, "
            f"that of pair {pair} is {cosine[rows == pair][0]:.2f}; the modality gap is {width:.2f}{removed}.{early} "
            f"The images nearest to its own are those of {named}."
        )


def most_moving_pairs(embeddings: EmbeddingHistory, mismatched: np.ndarray) -> tuple[int, ...]:
    """True and mismatched pairs by turns, those first whose cosine changes most from the first to the last epoch.

    **Shape** ``mismatched`` (n,), of the sampled pairs.
    """
    cosine = [(embeddings.image[epoch] * embeddings.text[epoch]).sum(axis=-1) for epoch in (0, -1)]
    order = np.argsort(-np.abs(cosine[1] - cosine[0]), kind="stable")
    return by_turns(*(embeddings.rows[order[mismatched[order] == kind]] for kind in (False, True)))
