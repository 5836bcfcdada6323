"""The space of features over the epochs of a run: a point a picture, a point a caption, a line a pair."""

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.show.explorers.controls import Choice, Control, Slider
from rrsitr_lib.show.explorers.run_explorer import RunExplorer
from rrsitr_lib.show.kept import kept
from rrsitr_lib.show.views.embedding import COLOURS, GAPS, LINES, space_figure
from rrsitr_lib.show.views.space_map import METHODS, SMALLEST_UMAP, SpaceMap, modality_gap, space_map, without_gap
from rrsitr_lib.training.embedding_history import EmbeddingHistory

ONCE = "umap: computed once, half a minute"


class EmbeddingExplorer(RunExplorer):
    """Pictures and captions of sampled training pairs on one map, before training and after every epoch.

    Circles are pictures, diamonds captions; a line joins the two of a pair, dashed where they are mismatched. Hover a
    point to see its pair. The gap between the modalities, the distance of their means, can be removed.
    """

    title = "The space of features"

    def missing(self) -> str:
        if self.run.embeddings is None:
            return "This run's folder has no embeddings, the features of sampled pairs: nothing to show here."
        return self.run.missing()

    def controls(self) -> Sequence[Control]:
        colours = COLOURS if "category" in self.run.ledger.columns else COLOURS[:1]
        can_umap = find_spec("umap") is not None and len(self.run.embeddings.rows) >= SMALLEST_UMAP
        return (
            Slider("epoch", "epoch", 0, self.run.epochs, 1, self.run.epochs, "0 is before training"),
            Choice("map", "map", METHODS if can_umap else METHODS[:1], METHODS[0], ONCE * can_umap),
            Choice("gap", "gap between modalities", GAPS, GAPS[0]),
            Choice("lines", "lines between pairs", LINES, LINES[0]),
            Choice("colour", "colour by", colours, colours[0]),
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

    def draw(self, epoch: int, map: str, gap: str, lines: str, colour: str) -> go.Figure:
        rows, category = self.run.embeddings.rows, None
        if colour == "category":
            category = self.run.column("category")[max(epoch, 1) - 1, rows].astype(int)
        return space_figure(self.map(map, gap), epoch, self.mismatched, lines, category, rows)

    def say(self, epoch: int, map: str, gap: str, lines: str, colour: str) -> str:
        embeddings, wrong = self.embeddings(gap), self.mismatched
        image, text = embeddings.image[epoch], embeddings.text[epoch]
        cosine, kinds = (image * text).sum(axis=-1), (("true", ~wrong), ("mismatched", wrong))
        means = [f"{cosine[kind].mean():.2f} for {kind.sum()} {name} pairs" for name, kind in kinds if kind.any()]
        width = modality_gap(self.run.embeddings.image[epoch], self.run.embeddings.text[epoch])
        removed = " before it was removed" if gap == GAPS[1] else ""
        early = " Categories are those of epoch 1." if colour == "category" and epoch == 0 else ""
        when = "Before training" if epoch == 0 else f"After epoch {epoch}"
        return (
            f"{when}, in all {image.shape[1]} dimensions: the mean cosine is {' and '.join(means)}; "
            f"the modality gap is {width:.2f}{removed}.{early}"
        )
