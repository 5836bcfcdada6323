"""What was chosen among a run's pairs: one pair, a selection, pins; and how pairs are found by number or by words."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from traitlets import HasTraits, Instance, Int, Tuple

from rrsitr_lib.files import write_atomically
from rrsitr_lib.methods.partition import CATEGORY_NAMES
from rrsitr_lib.show.run_reader import RunReader
from rrsitr_lib.show.style import TRUTH_LOOKS

SAVED = ("loss", "category", "weight")  # columns of a saved selection, those of its epoch


@dataclass(frozen=True, eq=False)
class Selection:
    """Training rows ``rows`` (n,), ascending; ``origin`` says where they come from, or why there are none."""

    rows: np.ndarray
    origin: str


class Chosen(HasTraits):
    """A pair, a selection and pinned pairs; linked explorers share all three."""

    pair = Int(None, allow_none=True)
    selection: Any = Instance(Selection, allow_none=True)
    pins = Tuple()


def find_pairs(query: str, run: RunReader) -> Selection:
    """Pairs by their number, or by words in their caption or in the name of their image, which often is its class.

    A selection without rows says why.
    """
    if query.isdecimal():
        row, last = int(query), len(run.mismatched) - 1
        there = np.array([row] if row <= last else [], dtype=np.int64)
        return Selection(there, f"pair {row}" if row <= last else f"there is no pair {row}, only 0 to {last:,}")
    if run.pairs is None:
        return Selection(np.empty(0, np.int64), "captions are not in this folder: pairs are found by their number")
    words = query.casefold().split()
    sources = (run.pairs.captions, (Path(str(name)).stem for name in run.pairs.image_ids))
    in_caption, in_name = (_holding(words, texts) for texts in sources)
    rows = np.flatnonzero(in_caption | in_name)
    counts = f"{in_caption.sum():,} captions and {in_name.sum():,} names of images hold “{query}”"
    return Selection(rows, counts if len(rows) else f"no caption and no name of an image holds “{query}”")


def _holding(words: list[str], texts: Any) -> np.ndarray:
    folded = (str(text).casefold() for text in texts)
    return np.array([all(word in text for word in words) for text in folded], dtype=bool)


def in_bars(
    points: Mapping[int, Sequence[int]], first_trace: int, bar: np.ndarray, mismatched: np.ndarray
) -> tuple[np.ndarray, int, int, str] | None:
    """The pairs in bars of a histogram of true and of mismatched pairs, traces ``first_trace`` and the one after.

    **Shape** ``bar`` (N,), the bar of every pair, and ``mismatched`` (N,) -> which pairs (N,), first and last bar, and
    their kind where only one is meant. None where no bar is meant.
    """
    bars = {kind: points[first_trace + kind] for kind in (0, 1) if points.get(first_trace + kind)}
    if not bars:
        return None
    found = np.any([np.isin(bar, places) & (mismatched == bool(kind)) for kind, places in bars.items()], axis=0)
    places = np.concatenate(list(bars.values()))
    return found, int(places.min()), int(places.max()), "" if len(bars) > 1 else f"{TRUTH_LOOKS[min(bars)][0]} with "


def selection_table(run: RunReader, rows: np.ndarray, epoch: int) -> pd.DataFrame:
    """Pairs with what the ledger says of them in ``epoch`` (from 1), one a line; **Shape** rows (n,)."""
    table = pd.DataFrame({"row": rows})
    if run.pairs is not None:
        table["image"], table["caption"] = run.pairs.image_ids[rows], run.pairs.captions[rows]
    table["epoch"] = epoch
    for name in SAVED:
        if name in run.ledger.columns:
            table[name] = run.column(name)[epoch - 1, rows]
    if "category" in table:
        table["category"] = np.array(CATEGORY_NAMES)[table["category"].astype(int)]
    return table.assign(mismatched=run.mismatched[rows])


def save_selection(run: RunReader, rows: np.ndarray, epoch: int) -> Path:
    """Write ``selection_1.csv``, or the next number that is free, into the run's folder; returns the path.

    Where that folder may only be read, into the working folder. Raises ``RunError`` when the disk refuses.
    """
    table, number = selection_table(run, rows, epoch), 1
    folder = run.folder if os.access(run.folder, os.W_OK) else Path.cwd()
    while (path := folder / f"selection_{number}.csv").exists():
        number += 1
    return write_atomically(path, lambda file: table.to_csv(file, index=False, float_format="%.4f"))
