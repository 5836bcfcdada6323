"""Ledgers of drawn numbers, for tests that need no training."""

import numpy as np

from rrsitr_lib.files import read_json, write_json
from rrsitr_lib.training.ledger import COLUMNS, Ledger


def drawn_ledger(folder, epochs=4, pairs=30, mismatched=None, **columns):
    """The ledger of a run ``folder``, every third pair mismatched; uniform numbers where ``columns`` gives none."""
    generator = np.random.default_rng(3)
    wrong = np.arange(pairs) % 3 == 0 if mismatched is None else mismatched
    written = Ledger.create(folder / "ledger", wrong, {"seed": 3})
    for epoch in range(epochs):
        rows = {name: generator.random(pairs) for name in COLUMNS} | {"category": generator.integers(0, 3, pairs)}
        written.append(rows | {name: values[epoch] for name, values in columns.items()})
    return written


def forget(folder, column):
    """Take a column out of the ledger of a run ``folder``."""
    header = read_json(folder / "ledger" / "header.json")
    del header["columns"][column]
    write_json(folder / "ledger" / "header.json", header)
