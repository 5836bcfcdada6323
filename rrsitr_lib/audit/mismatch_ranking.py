"""Which pairs of a run look wrong: signals from the ledger, each as a rank, their agreement, and decisions on file.

A signal says how suspect a pair is; it never says why. Nothing here reads the injected truth, so a run on real pairs
is ranked in the same way as a run on drawn ones.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from rrsitr_lib.data.pairs import read_csv
from rrsitr_lib.data.tables.text import read_separated
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_atomically
from rrsitr_lib.methods.partition import NOISY
from rrsitr_lib.training.ledger import PAIRS_FILE, Ledger

SIGNALS = {
    "mean_loss": "mean loss over the epochs",
    "last_loss": "loss in the last epoch",
    "noisy_share": "share of the epochs in which the pair was called noisy",
    "late": "epochs before the pair was first not called noisy",
    "dissimilarity": "minus the mean similarity of image and caption (cosine)",
    "gap": "mean lead of the hardest negative over the pair's own similarity (cosine)",
}
NEEDED = ("loss", "category", "similarity", "hardest_text", "hardest_image")
TOP = 0.1
DECISIONS = ("wrong", "right", "undecided")
DECISION_COLUMNS = ("row", "image", "caption", "score", "decision")


def signals(columns: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Six signals of every pair, larger is more suspect (``SIGNALS`` says what each is, and its unit).

    **Shape** ``columns`` by the ledger's names, (epochs, N) each -> N rows, one column a signal.
    Raises ``InputError`` for a missing column, shapes that differ, or no epoch.

    >>> columns = {name: np.array([[20.0, 30.0], [10.0, 30.0]]) for name in NEEDED}
    >>> columns["category"] = np.array([[2, 2], [1, 2]])
    >>> signals(columns)[["mean_loss", "noisy_share", "late"]].values.tolist()
    [[15.0, 0.5, 1.0], [30.0, 1.0, 2.0]]
    """
    if absent := [name for name in NEEDED if name not in columns]:
        raise InputError(f"columns lack {', '.join(absent)}: needed are {', '.join(NEEDED)}")
    loss, category, similarity, *hardest = (np.asarray(columns[name]) for name in NEEDED)
    shapes = {np.shape(columns[name]) for name in NEEDED}
    if len(shapes) > 1 or loss.ndim != 2 or 0 in loss.shape:
        raise InputError(f"columns have the shapes {sorted(shapes)}: allowed is one shape (epochs, N), neither 0")
    noisy, own = category == NOISY, similarity.mean(axis=0, dtype=np.float64)
    return pd.DataFrame({
        "mean_loss": loss.mean(axis=0, dtype=np.float64),
        "last_loss": loss[-1].astype(np.float64),
        "noisy_share": noisy.mean(axis=0),
        "late": np.where(noisy.all(axis=0), len(noisy), noisy.argmin(axis=0)).astype(np.float64),
        "dissimilarity": -own,
        "gap": np.maximum(*hardest).mean(axis=0, dtype=np.float64) - own,
    })  # fmt: skip


def unit_rank(values: np.ndarray) -> np.ndarray:
    """Rank of every value in [0, 1], the largest near 1; equal values share the mean of their ranks.

    **Shape** (N,) -> (N,). A signal that is the same for all pairs gives 0.5 to each: it says nothing.
    Raises ``InputError`` for no value, or one that is not a number.

    >>> unit_rank(np.array([3.0, 8.0, 3.0, 9.0, 1.0])).tolist()
    [0.375, 0.75, 0.375, 1.0, 0.0]
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise InputError(f"values have the shape {values.shape}: allowed is (N,) with N at least 1")
    if np.isnan(values).any():
        raise InputError(f"the value of pair {int(np.isnan(values).argmax())} is not a number")
    return (rankdata(values) - 1) / (len(values) - 1) if len(values) > 1 else np.full(1, 0.5)


def agreement(ranks: pd.DataFrame, top: float = TOP) -> pd.DataFrame:
    """How far several signals agree: ``agreement``, their mean rank, and ``votes``, how many rank a pair in the top.

    **Shape** ``ranks`` N rows of ranks in [0, 1], one column a signal -> N rows; ``top`` a share in [0, 1].
    A signal in which more than about twice that share are tied at the top votes for none of them: it cannot choose.
    Raises ``InputError`` for a share outside [0, 1].

    >>> agreement(pd.DataFrame({"a": [0.0, 1.0, 0.5], "b": [0.0, 0.5, 1.0]}), top=0.1).values.tolist()
    [[0.0, 0.0], [0.75, 1.0], [0.75, 1.0]]
    """
    if not 0 <= top <= 1:
        raise InputError(f"top is {top}: allowed is a share from 0 to 1")
    return pd.DataFrame({"agreement": ranks.mean(axis=1), "votes": (ranks >= 1 - top).sum(axis=1)})


def mismatch_ranking(source: str | Path | Ledger, top: float = TOP) -> pd.DataFrame:
    """The pairs of a run, the most suspect first: image and caption as trained, rank by every signal, agreement, votes.

    The index is the row of the pair; ranks and agreement in [0, 1], votes 0 to 6. Sorted by agreement, then votes, then
    row. Raises ``InputError`` where there is no ledger, a column is missing, no epoch is finished, or pairs differ.
    """
    ledger = source if isinstance(source, Ledger) else Ledger.open(source)
    if not ledger.epochs:
        raise InputError(f"{ledger.folder}: no finished epoch yet, so there is nothing to rank")
    ranks = signals({name: ledger.column(name) for name in NEEDED}).apply(lambda column: unit_rank(column.to_numpy()))
    table = pd.concat([_pairs(ledger), ranks, agreement(ranks, top)], axis=1).rename_axis("row")
    return table.sort_values(["agreement", "votes"], ascending=False, kind="stable")


def precision_at(score: np.ndarray, mismatched: np.ndarray, k: int) -> float:
    """Share of truly mismatched pairs among the ``k`` with the highest score, in [0, 1].

    Of pairs tied at the border as many count as there is room, each with the mean of the tie: the order of the file
    must not decide. **Shape** (N,), (N,) bool. Raises ``InputError`` for unequal shapes or k outside 1 to N.

    >>> precision_at(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False]), k=2)
    0.75
    """
    score, mismatched = np.asarray(score, dtype=np.float64), np.asarray(mismatched, dtype=bool)
    if score.ndim != 1 or score.shape != mismatched.shape:
        raise InputError(f"score {score.shape} and mismatched {mismatched.shape}: allowed is (N,) for both")
    if not 1 <= k <= len(score):
        raise InputError(f"k is {k}: allowed is 1 to {len(score)}")
    border = np.partition(score, len(score) - k)[len(score) - k]
    above, tied = score > border, score == border
    return float((mismatched[above].sum() + (k - above.sum()) * mismatched[tied].mean()) / k)


def write_decisions(path: str | Path, decisions: Mapping[int, str], table: pd.DataFrame) -> Path:
    """Write what was decided as CSV, whole or not at all: row, image, caption, score (agreement), decision.

    ``decisions`` by row, "wrong" or "right"; the undecided are left out. ``table`` as ``mismatch_ranking`` gives it.
    Raises ``RunError`` when the disk refuses.
    """
    made = {row: said for row, said in sorted(decisions.items()) if said != "undecided"}
    chosen = table.loc[list(made), ["image", "caption", "agreement"]].rename(columns={"agreement": "score"})
    chosen = chosen.assign(decision=list(made.values())).rename_axis("row").reset_index()
    return write_atomically(path, lambda file: chosen.to_csv(file, index=False, float_format="%.4f"))


def read_decisions(path: str | Path, table: pd.DataFrame) -> dict[int, str]:
    """Decisions by row from a file that ``write_decisions`` wrote for the same pairs; undecided ones are left out.

    Raises ``InputError`` naming the file, the row and what is wrong with it.
    """
    decisions: dict[int, str] = {}
    for where, entry in decision_entries(Path(path)):
        decisions[_checked(entry, table, decisions, where)] = entry["decision"]
    return {row: said for row, said in decisions.items() if said != "undecided"}


def decision_entries(path: Path) -> list[tuple[str, dict[str, str]]]:
    """The entries of a table of decisions as texts by column, each with its place for messages.

    Raises ``InputError`` naming the file for a missing column, and the entry for another decision.
    """
    header, rows = read_separated(path, ",")
    if absent := [name for name in DECISION_COLUMNS if name not in header]:
        raise InputError(f"{path}: no column {', '.join(absent)}: needed are {', '.join(DECISION_COLUMNS)}")
    entries = [dict(zip(header, cells, strict=True)) for _, cells in rows]
    found = [(f"{path}, entry {number} (row {entry['row']})", entry) for number, entry in enumerate(entries, 1)]
    for where, entry in found:
        if (said := entry["decision"]) not in DECISIONS:
            raise InputError(f"{where}: decision is {said!r}: allowed are {', '.join(DECISIONS)}")
    return found


def _checked(entry: Mapping[str, str], table: pd.DataFrame, seen: Mapping[int, str], where: str) -> int:
    """The row of one entry of a file, or an ``InputError`` that says what is wrong with it."""
    text = entry["row"]
    if not (text.isascii() and text.isdigit()) or int(text) >= len(table):
        raise InputError(f"{where}: row is {text!r}: allowed is a whole number from 0 to {len(table) - 1}")
    if int(text) in seen:
        raise InputError(f"{where}: row {text} is there twice: allowed is one decision a pair")
    for name in ("image", "caption"):
        if entry[name] != table.at[int(text), name]:
            raise InputError(f"{where}: {name} is {entry[name][:60]!r}, but this run has {table.at[int(text), name]!r}")
    return int(text)


def _pairs(ledger: Ledger) -> pd.DataFrame:
    """Image and caption of every pair as trained, empty where the folder does not hold them."""
    path = ledger.folder.parent / PAIRS_FILE
    if ledger.folder.name != "ledger" or not path.exists():
        return pd.DataFrame({"image": [""] * ledger.pairs, "caption": ""})
    pairs = read_csv(path)
    if len(pairs) != ledger.pairs:
        raise InputError(f"{path}: {len(pairs)} pairs, but the ledger beside it has {ledger.pairs}")
    return pd.DataFrame({"image": pairs.image_ids, "caption": pairs.captions})
