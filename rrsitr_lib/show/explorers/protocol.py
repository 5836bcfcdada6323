"""Noise protocols on a table of pairs: what a nominal rate leaves of the captions; needs no training."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import plotly.graph_objects as go

from rrsitr_lib.data.datasets import open_data
from rrsitr_lib.data.noise import PROTOCOLS, Noise
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.show.explorers.base import Explorer
from rrsitr_lib.show.explorers.controls import Choice, Control, Slider
from rrsitr_lib.show.explorers.run_explorer import Source
from rrsitr_lib.show.kept import kept
from rrsitr_lib.show.run_reader import RunReader
from rrsitr_lib.show.views.protocol import good_captions, injected, protocol_figure, ruined

LARGEST_ROWS = 20_000
SEEDS = 99


class ProtocolExplorer(Explorer):
    """Inject noise into clean pairs, and count: images by good captions, and those that are left without any.

    The source is a table of clean pairs, or a run, whose own data are opened again. Above 20,000 rows only the first
    20,000 take part, and the figure says so.
    """

    title = "Noise protocols"

    def __init__(self, source: Source | PairTable, **given: Any) -> None:
        self.run = None if isinstance(source, PairTable) else RunReader.open(source)
        self.table, self._lacks = (source, "") if isinstance(source, PairTable) else _clean_pairs(self.run)
        self.note = ""
        if self.table is not None and len(self.table) > LARGEST_ROWS:
            self.note = f"; the first {LARGEST_ROWS:,} of {len(self.table):,} rows"
            self.table = self.table.take(np.arange(LARGEST_ROWS))
        super().__init__(**given)

    @property
    def source(self) -> str:
        return self.run.code if self.run else "table"

    def missing(self) -> str:
        if self.table is not None and len(self.table.images) < 2:
            return "All rows show one image, so no caption can be wrong: nothing to show here."
        return self._lacks

    def controls(self) -> Sequence[Control]:
        names = tuple(PROTOCOLS)
        rate, protocol, seed = 0.4, names[0], 42
        config = self.run.config if self.run else None
        if config is not None:
            rate, protocol = round(20 * config.noise_rate) / 20, config.protocol
            seed = config.noise_seed if config.noise_seed <= SEEDS else seed
        return (
            Slider("rate", "nominal rate", 0.0, 1.0, 0.05, rate, "share of rows"),
            Choice("protocol", "protocol", names, protocol),
            Slider("seed", "noise seed", 0, SEEDS, 1, seed, on_page=(42, 43)),
        )

    @kept(64)
    def noise(self, rate: float, protocol: str, seed: int) -> Noise | str:
        """An injection, or why there is none."""
        return injected(self.table, rate, protocol, seed)

    @cached_property
    def curves(self) -> np.ndarray:
        """All protocols at six rates, drawn once with the noise seed at the start: a new seed moves the star only."""
        return ruined(self.table, self.specs[-1].start)

    def draw(self, rate: float, protocol: str, seed: int) -> go.Figure:
        noise = self.noise(rate, protocol, seed)
        note = f"lines: noise seed {self.specs[-1].start}{self.note}"
        return protocol_figure(self.table, noise, self.curves, rate, note)

    def say(self, rate: float, protocol: str, seed: int) -> str:
        noise = self.noise(rate, protocol, seed)
        if isinstance(noise, str):
            return f"Not possible with these pairs: {noise}."
        without = int((good_captions(noise.mismatched, self.table.image_of_row) == 0).sum())
        rows = f"{int(noise.mismatched.sum())} of {len(noise)} rows"
        return (
            f"{protocol} at a nominal {rate:.0%} (seed {seed}): realised {noise.realised_rate:.2%}, {rows}; "
            f"{without} of {len(self.table.images)} images have no good caption left; "
            f"fingerprint {noise.fingerprint[:12]}."
        )


def _clean_pairs(run: RunReader) -> tuple[PairTable | None, str]:
    """The run's training pairs before the injection, or the sentence that says why they are not at hand."""
    if run.config is None:
        return None, "This run has no config.yaml, so its clean captions are not known: nothing to show here."
    try:
        return open_data(run.config)["train"].table, ""
    except (InputError, RunError, OSError) as error:
        return None, f"The data of this run cannot be opened here ({error}): nothing to show here."
