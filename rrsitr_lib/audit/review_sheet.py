"""The sheet of a review: a page to decide on without scores, a table of the same pairs, and its decisions read back."""

from pathlib import Path

import pandas as pd
from jinja2 import Environment, StrictUndefined

from rrsitr_lib.audit.mismatch_ranking import decision_entries
from rrsitr_lib.audit.read_pairs import AuditPairs
from rrsitr_lib.audit.report import thumbnail
from rrsitr_lib.audit.review import Review, sample
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import fingerprint, write_atomically, write_text

PAGE, TABLE, SUSPECTS = "review.html", "review.csv", "suspects.csv"
SIZE = 256  # pixels
TEMPLATE = Path(__file__).with_name("review_template.html")
KEYS = ("row", "image", "caption")


def check_no_review(out: Path) -> None:
    """Raises ``InputError`` where decisions lie that a new sheet would replace."""
    path = out / TABLE
    if path.exists() and any(entry["decision"] != "undecided" for _, entry in decision_entries(path)):
        raise InputError(f"{path}: it holds decisions: read them by rrsitr review, or move the file")


def write_sheet(out: Path, table: pd.DataFrame, pairs: AuditPairs, sizes: tuple[int, int], seed: int) -> None:
    """Write the page and the table of a sample of an audit's ``table``, which has a column ``left_out``.

    Scores are left out of both. Raises ``RunError`` on a full disk.
    """
    chosen = table.iloc[sample(table["left_out"].to_numpy(), sizes, seed)]
    files = dict(zip(dict.fromkeys(pairs.images), pairs.paths, strict=False))  # none where features were given
    rows = [[int(row), image, caption] for row, image, caption in chosen[list(KEYS)].itertuples(index=False)]
    shown = [
        {"caption": caption, "picture": thumbnail(files[image], SIZE) if image in files else ""}
        for _, image, caption in rows
    ]
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(TEMPLATE.read_text(encoding="utf-8"))
    name = fingerprint(*(f"{row} {image} {caption}" for row, image, caption in rows))
    write_text(out / PAGE, page.render(pairs=shown, rows=rows, name=name))
    sheet = pd.DataFrame(rows, columns=list(KEYS)).assign(score="", decision="undecided")
    write_atomically(out / TABLE, lambda file: sheet.to_csv(file, index=False))


def read_review(audit: Path, decisions: Path | None = None) -> Review:
    """The review of an audit's folder, decided in ``decisions``, by default its review.csv.

    Raises ``InputError`` naming the file and the row of a pair that the audit does not have, or of another decision.
    """
    path = decisions or audit / TABLE
    if not (audit / SUSPECTS).exists():
        raise InputError(f"{audit}: no {SUSPECTS} in it: allowed is the folder of an audit")
    table = pd.read_csv(audit / SUSPECTS, keep_default_na=False, dtype=str)
    if "left_out" not in table:
        raise InputError(f"{audit / SUSPECTS}: no column left_out: audit the pairs again")
    place = {key: number for number, key in enumerate(table[list(KEYS)].itertuples(index=False, name=None))}
    said: dict[int, str] = {}
    for where, entry in decision_entries(path):
        found = place.get(tuple(entry[name] for name in KEYS))
        if found is None:
            raise InputError(f"{where}: the audit has no such pair ({entry['image']!r}, {entry['caption'][:60]!r})")
        if found in said:
            raise InputError(f"{where}: it is there twice: allowed is one decision a pair")
        said[found] = entry["decision"]
    return Review.of((table["left_out"] == "True").to_numpy(), said)
