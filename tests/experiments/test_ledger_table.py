"""One epoch of a ledger as a table; what cannot be shown: tests/malformed."""

import gzip

import numpy as np

from rrsitr_lib.experiments.ledger_table import ledger_table
from rrsitr_lib.training.ledger import COLUMNS, PAIRS_FILE, Ledger

MISMATCHED = np.array([True, False, False, True, False, False])
LOSS = np.array([[1, 6, 3, 4, 5, 2], [9, 2, 8, 4, 7, 3], [5, 5, 1, 0, 2, 3]], dtype=np.float32)


def test_table_of_an_epoch_is_sorted_and_knows_the_pairs(tmp_path):
    ledger = Ledger.create(tmp_path / "ledger", MISMATCHED, {})
    for loss in LOSS:
        ledger.append({name: loss if name == "loss" else np.zeros(6) for name in COLUMNS})
    lines = ["filename,title", *(f"i{row}.jpg,caption {row}" for row in range(6))]
    (tmp_path / PAIRS_FILE).write_bytes(gzip.compress("\n".join(lines).encode()))
    table = ledger_table(tmp_path, epoch=2)
    assert table["loss"].tolist() == sorted(LOSS[1], reverse=True)
    assert table["image"].tolist() == [f"i{row}.jpg" for row in table.index]
    assert table["caption"].tolist() == [f"caption {row}" for row in table.index]
    assert table["mismatched"].tolist() == MISMATCHED[table.index].tolist()
    assert ledger_table(tmp_path)["loss"].max() == LOSS[2].max()
    assert ledger_table(tmp_path, epoch=-3).equals(ledger_table(tmp_path, epoch=1))
