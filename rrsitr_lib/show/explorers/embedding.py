"""The space of features over the epochs of a run: a point a picture, a point a caption, a line a pair."""

from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.errors import InputError
from rrsitr_lib.show.explorers.base import Choice, Control, Explorer, Slider
from rrsitr_lib.show.record import RunRecord
from rrsitr_lib.show.views.embedding import (
    COLOURS,
    GAPS,
    LINES,
    METHODS,
    SMALLEST_UMAP,
    SpaceMap,
    modality_gap,
    space_figure,
    space_map,
    without_gap,
)
from rrsitr_lib.training.embedding_history import EmbeddingHistory
from rrsitr_lib.training.ledger import Ledger

ONCE = "umap: computed once, half a minute"


class EmbeddingExplorer(Explorer):
    """Pictures and captions of sampled training pairs on one map, before training and after every epoch.

    Circles are pictures, diamonds captions; a line joins the two of a pair, dashed where they are mismatched. Hover a
    point to see its pair. The gap between the modalities, the distance of their means, can be removed.
    Taught in: notebooks/08_the_space
    """

    title = "The space of features"

    def __init__(self, source: str | Path | Ledger | RunRecord, maps: Sequence[str] = METHODS, **given: Any) -> None:
        """``maps`` are the maps on offer; UMAP only where it is installed and there are 10 pairs."""
        self.record = RunRecord.open(source)
        if not maps or not set(maps) <= set(METHODS):
            raise InputError(f"maps is {maps!r}: allowed are one or both of {', '.join(METHODS)}")
        self.source = self.record.code + (f", maps={tuple(maps)!r}" if tuple(maps) != METHODS else "")
        self.maps = tuple(name for name in maps if name != "umap" or self._can_umap()) or ("pca",)
        self.album = lru_cache(maxsize=len(GAPS))(self._album)
        self.map = lru_cache(maxsize=len(METHODS) * len(GAPS))(self._map)
        self.begin(given)

    def _can_umap(self) -> bool:
        album = self.record.album
        return find_spec("umap") is not None and album is not None and len(album.rows) >= SMALLEST_UMAP

    def missing(self) -> str:
        """The album is needed, and the truth."""
        if self.record.album is None:
            return "This run's folder has no album, the features of sampled pairs: nothing to show here."
        return self.record.missing()

    def controls(self) -> Sequence[Control]:
        """Epoch, map, gap, lines, colours."""
        colours = COLOURS if "category" in self.record.ledger.columns else COLOURS[:1]
        return (
            Slider("epoch", "epoch", 0, self.record.epochs, 1, self.record.epochs, "0 is before training"),
            Choice("map", "map", self.maps, self.maps[0], ONCE if "umap" in self.maps else ""),
            Choice("gap", "gap between modalities", GAPS, GAPS[0]),
            Choice("lines", "lines between pairs", LINES, LINES[0]),
            Choice("colour", "colour by", colours, colours[0]),
        )

    def _album(self, gap: str) -> EmbeddingHistory:
        """The features that are shown."""
        return self.record.album if gap == GAPS[0] else without_gap(self.record.album)

    def _map(self, method: str, gap: str) -> SpaceMap:
        """The map of all epochs, computed at its first choice and kept."""
        config = self.record.config
        return space_map(self.album(gap), method, seed=0 if config is None else config.seed)

    @property
    def mismatched(self) -> np.ndarray:
        """The truth of the sampled pairs, (n,) bool."""
        return self.record.mismatched[self.record.album.rows].astype(bool)

    def draw(self, epoch: int, map: str, gap: str, lines: str, colour: str) -> go.Figure:
        """The map in one epoch; before training, pairs have the category of the first epoch."""
        rows, category = self.record.album.rows, None
        if colour == "category":
            category = self.record.column("category")[max(epoch, 1) - 1, rows].astype(int)
        return space_figure(self.map(map, gap), epoch, self.mismatched, lines, category, rows)

    def say(self, epoch: int, map: str, gap: str, lines: str, colour: str) -> str:
        """Mean cosines by truth and the modality gap, counted in all dimensions; they do not depend on the map."""
        album, wrong = self.album(gap), self.mismatched
        image, text = album.image[epoch], album.text[epoch]
        cosine = (image * text).sum(axis=-1)
        kinds = (("true", ~wrong), ("mismatched", wrong))
        means = [f"{cosine[kind].mean():.2f} for {kind.sum()} {name} pairs" for name, kind in kinds if kind.any()]
        width = modality_gap(self.record.album.image[epoch], self.record.album.text[epoch])
        removed = " before it was removed" if gap == GAPS[1] else ""
        early = " Categories are those of epoch 1." if colour == "category" and epoch == 0 else ""
        when = "Before training" if epoch == 0 else f"After epoch {epoch}"
        return (
            f"{when}, in all {image.shape[1]} dimensions: the mean cosine is {' and '.join(means)}; "
            f"the modality gap is {width:.2f}{removed}.{early}"
        )

    def card(self, key: int) -> str:
        """Picture and caption of a training row."""
        return self.record.card(key)
