"""A finished or running run, opened for looking: everything is read from its folder, nothing needs the model."""

import base64
import html
import io
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import torch
from PIL import Image

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.images import as_image
from rrsitr_lib.data.pairs import PairTable, read_csv
from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.methods.base import MethodSettings, RunFacts
from rrsitr_lib.methods.pair_loss import chance_loss
from rrsitr_lib.registry import METHODS
from rrsitr_lib.show.kept import kept
from rrsitr_lib.show.style import WRONG_COLOUR
from rrsitr_lib.training.embedding_history import EmbeddingHistory
from rrsitr_lib.training.ledger import PAIRS_FILE, Ledger
from rrsitr_lib.training.retrieval_results import RetrievalResults
from rrsitr_lib.training.run_files import read_config, read_facts, read_metrics
from rrsitr_lib.training.run_folder import locate, open_sources

THUMBNAIL, THUMBNAIL_SCENES = 96, 64  # pixels of a shown image at most, of a scene that is drawn again
CPU = torch.device("cpu")


class RunReader:
    """What a run folder tells: its ledger, metrics, pairs as trained, images, features of a sample, retrieval results.

    ``pairs``, ``embeddings`` and ``retrieval`` are None where the folder lacks them (a run that is not finished, a bare
    ledger). Columns have shape (epochs, N).
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.folder = ledger.folder.parent if ledger.folder.name == "ledger" else ledger.folder

    @classmethod
    def open(cls, source: "str | Path | Ledger | RunReader") -> Self:
        """Open a run folder, a ledger or its folder. Raises ``InputError`` where there is no ledger."""
        if isinstance(source, RunReader):
            return source
        return cls(source if isinstance(source, Ledger) else Ledger.open(source))

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return self.ledger.epochs

    @property
    def code(self) -> str:
        """The folder as it stands in a line of code."""
        return repr(self.folder.as_posix())

    @kept(None)
    def column(self, name: str) -> np.ndarray:
        """A ledger column in memory, (epochs, N), or (N,) for ``mismatched``; read once."""
        return np.array(self.ledger.column(name))

    @property
    def mismatched(self) -> np.ndarray:
        """The injected truth, (N,) bool."""
        return self.column("mismatched")

    def missing(self, *columns: str) -> str:
        """A sentence that says which columns or epochs are not there, else nothing."""
        absent = [name for name in columns if name not in self.ledger.columns]
        if absent:
            return f"This run's ledger has no column {' and '.join(absent)}: nothing to show here."
        return "" if self.epochs else "This run has no finished epoch yet: nothing to show here."

    @cached_property
    def config(self) -> RunConfig | None:
        """The run's configuration, None for a bare ledger; its data may lie on another machine."""
        return read_config(self.folder) if (self.folder / "config.yaml").exists() else None

    def gammas(self, epoch: int) -> tuple[float, float]:
        """The thresholds with which ``epoch`` (from 1) was trained, in the unit of the loss, as metrics.csv has them.

        Where it has no such row, what the configuration gives for this epoch; the paper's for a bare ledger.
        """
        if self.metrics is not None and (self.metrics["epoch"] == epoch).any():
            return tuple(self.metrics.set_index("epoch").loc[epoch, ["gamma_1", "gamma_2"]].astype(float))
        if self.config is None:
            return MethodSettings().gamma_1, MethodSettings().gamma_2
        config, pairs = self.config, self.ledger.pairs
        warm = config.plain_epochs
        facts = RunFacts(pairs, config.batch_size, config.epochs, config.seed, CPU, warmup_epochs=warm)
        method = METHODS[self.config.method](self.config.method_settings, facts)
        method.begin_epoch(epoch - 1, {"loss": self.column("loss")[epoch - 2]} if epoch > 1 else None)
        return method.thresholds

    @property
    def chance(self) -> float:
        """Loss of a pair whose image and caption are told from no other of the batch, 4 ln B; NaN for a bare ledger."""
        if self.config is None:
            return float("nan")
        return chance_loss(self.config.batch_size) * (1.0 if self.config.method_settings.local_loss else 0.5)

    def check_same_pairs(self, other: "RunReader") -> None:
        """Raises ``InputError`` where row by row ``other`` has not the pairs of this run, true and mismatched alike."""
        fingerprints, counts = (self._fingerprints, other._fingerprints), (self.ledger.pairs, other.ledger.pairs)
        known = sorted(fingerprints[0].keys() & fingerprints[1].keys())
        differ = [name for name in known if fingerprints[0][name] != fingerprints[1][name]]
        if differ:
            why = " and ".join(f"the fingerprints of their {name}" for name in differ) + " differ"
        elif counts[0] != counts[1]:
            why = f"their ledgers have {counts[0]:,} and {counts[1]:,} pairs"
        elif not np.array_equal(self.mismatched, other.mismatched):
            why = "other rows are mismatched"
        else:
            return
        raise InputError(f"{self.folder} and {other.folder}: {why}; allowed are two runs on the same pairs")

    @cached_property
    def _fingerprints(self) -> dict[str, str]:
        """Of the training table and its noise, none for a bare ledger."""
        if not (self.folder / "run.json").exists():
            return {}
        facts = read_facts(self.folder)
        return {"table": facts["data"]["train"], "noise": facts["noise"]}

    @cached_property
    def metrics(self) -> pd.DataFrame | None:
        """One row an epoch, before the training as epoch 0."""
        return read_metrics(self.folder) if (self.folder / "metrics.csv").exists() else None

    @cached_property
    def pairs(self) -> PairTable | None:
        """The pairs as they were trained, mismatched captions included."""
        path = self.folder / PAIRS_FILE
        return read_csv(path) if path.exists() else None

    @cached_property
    def embeddings(self) -> EmbeddingHistory | None:
        """Features of a sample of training pairs, before training and after every epoch."""
        return EmbeddingHistory.open(self.folder, self.epochs)

    @cached_property
    def retrieval(self) -> RetrievalResults | None:
        """The best candidates for every query of the test split."""
        return RetrievalResults.open(self.folder)

    @cached_property
    def _sources(self) -> dict[str, object]:
        """Images by split, where the run's data can still be opened here; scenes are drawn again."""
        try:
            return dict(open_sources(self.folder, locate(self.folder), THUMBNAIL_SCENES)) if self.config else {}
        except (InputError, RunError, OSError):
            return {}

    @kept(256)
    def image(self, number: int, split: str = "train") -> np.ndarray | None:
        """Image ``number`` of a split as (h, w, 3) bytes, at most 96 wide; None where it is not at hand."""
        if split not in self._sources:
            return None
        return thumbnail(self._sources[split].images[number])

    def image_of_pair(self, row: int) -> np.ndarray | None:
        """The image of training pair ``row``; None where it is not at hand."""
        return self.image(int(self.pairs.image_of_row[row])) if self.pairs else None

    @kept(None)
    def card(self, row: int) -> str:
        """Training pair ``row`` as HTML: image, caption as trained, and whether it is mismatched."""
        wrong = bool(self.mismatched[row])
        caption = self.pairs.captions[row] if self.pairs else "(captions are not in this folder)"
        return card(f"pair {row}", caption, self.image_of_pair(row), "MISMATCHED" if wrong else "true pair", wrong)


def thumbnail(source: np.ndarray | Image.Image | Path) -> np.ndarray:
    """An image, (H, W, 3) uint8, decoded or its file, as (h, w, 3) bytes, at most 96 wide and high."""
    shown = as_image(source)
    shown.thumbnail((THUMBNAIL, THUMBNAIL))
    return np.asarray(shown)


def card(title: str, caption: str, image: np.ndarray | None, note: str = "", framed: bool = False) -> str:
    """An image (h, w, 3) uint8 with its caption as a small block of HTML; ``framed`` draws a dashed frame.

    >>> "a lake" in card("pair 0", "a lake", None)
    True
    """
    style, shown = f"2px dashed {WRONG_COLOUR}" if framed else "2px solid #ccc", ""
    if image is not None:
        Image.fromarray(image).save(jpeg := io.BytesIO(), "JPEG", quality=70)
        source = f"data:image/jpeg;base64,{base64.b64encode(jpeg.getvalue()).decode()}"
        shown = f"<img src='{source}' width='{THUMBNAIL}' alt='image, {html.escape(title)}'>"  # a caption may lie
    return (
        f"<div style='border:{style};padding:4px;width:9.5rem;font:12px/1.3 sans-serif'>{shown}"
        f"<br><b>{html.escape(title)}</b> {html.escape(note)}<br>{html.escape(str(caption))}</div>"
    )
