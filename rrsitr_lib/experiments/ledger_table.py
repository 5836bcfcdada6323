"""A run's ledger as a table for people: one epoch, with the image and caption of every pair."""

from pathlib import Path

import numpy as np
import pandas as pd

from rrsitr_lib.data.pairs import read_csv
from rrsitr_lib.errors import InputError
from rrsitr_lib.training.ledger import PAIRS_FILE, Ledger


def ledger_table(folder: str | Path, epoch: int = -1, sort: str = "loss") -> pd.DataFrame:
    """One epoch of a run's ledger as a table, highest ``sort`` first, with each pair's image and caption as trained.

    ``epoch`` counts from 1, or from the end below 0. Raises ``InputError`` for an epoch or a column that is not there.
    """
    ledger = Ledger.open(folder)
    place = epoch - 1 if epoch > 0 else ledger.epochs + epoch
    if epoch == 0 or not 0 <= place < ledger.epochs:
        raise InputError(f"epoch is {epoch}: the ledger holds epochs 1 to {ledger.epochs}")
    names = [name for name in ledger.columns if name != "mismatched"]
    if sort not in ledger.columns:
        raise InputError(f"sort is {sort!r}: allowed are {', '.join(ledger.columns)}")
    table = pd.DataFrame({name: np.array(ledger.column(name)[place]) for name in names})
    table.insert(0, "mismatched", ledger.column("mismatched"))
    pairs_file = ledger.folder.parent / PAIRS_FILE
    if pairs_file.exists():
        pairs = read_csv(pairs_file)
        table.insert(0, "image", pairs.image_ids)
        table["caption"] = pairs.captions
    return table.sort_values(sort, ascending=False, kind="stable")
