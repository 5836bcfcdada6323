"""From a folder or table to pairs whose images are found and open: what cannot be used is listed, not hidden."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rrsitr_lib.audit.tables_of import tables_of
from rrsitr_lib.data.images import SUFFIXES, match_images, one_file_each
from rrsitr_lib.data.pictures import decode, without_broken
from rrsitr_lib.data.stretch import range_notes, with_range
from rrsitr_lib.data.tables import EMPTY, RawPair, RawPairs, read_tables
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_atomically

REPEATED = 0.5  # share of pairs with one caption, above which a ranking says little


class Problem(NamedTuple):
    """A row of problems.csv: why a pair was left out, or what is odd about one that was kept."""

    row: int
    image: str
    problem: str


@dataclass(frozen=True)
class AuditPairs:
    """Pairs to audit. **Shape** ``images`` (N,) names, ``captions`` (N,), ``rows`` (N,) rows of the table from 1.

    ``paths``: the file of every different image, in order of first appearance; ``notes``: what was guessed;
    ``problems``: every row or caption that was left out; ``remarks``: what is odd about those that were kept.
    """

    images: list[str]
    captions: list[str]
    rows: list[int]
    paths: list[Path]
    notes: list[str]
    problems: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.captions)


def open_pairs(
    source: str | Path,
    scratch: Path,
    images: str | Path | None = None,
    image_column: str | None = None,
    caption_column: str | None = None,
    bad: str = "skip",
    need_images: bool = True,
) -> AuditPairs:
    """Read the pairs of ``source``, a table or a folder, and find their images.

    ``images``: their folder, else beside the table; ``scratch`` receives images that the table itself holds.
    ``bad``: "skip" lists in ``problems`` what cannot be used, "fatal" makes the first an error.
    Raises ``InputError`` naming file, row and column.
    """
    if bad not in ("skip", "fatal"):
        raise InputError(f"bad is {bad!r}: allowed are skip, fatal")
    tables, notes = tables_of(Path(source))
    raw = read_tables(tables, image_column, caption_column)
    wrong = [pair for pair in raw.pairs if pair.problem]
    if bad == "fatal" and (worse := [pair for pair in wrong if pair.problem != EMPTY]):
        raise InputError(f"{worse[0].where}: {worse[0].problem}")
    if len(wrong) == len(raw.pairs):
        raise InputError(f"no pair is left of {len(wrong)}; {wrong[0].where}: {wrong[0].problem}")
    beside = tables[0] if tables[0].is_dir() else tables[0].parent
    found, lost = _files(raw, scratch, beside, Path(images) if images else None) if need_images else ({}, {})
    if lost and (bad == "fatal" or not found):
        first = next(pair for pair in raw.pairs if pair.image in lost)
        many = f"{len(lost)} of {len(found) + len(lost)}"
        raise InputError(f"{many} images cannot be used; row {first.row}, {first.image!r}: {lost[first.image]}")
    return _usable(raw, [*notes, *raw.notes, *range_notes(list(found.values()))], found, lost)


def _files(raw: RawPairs, scratch: Path, beside: Path, images: Path | None) -> tuple[dict[str, Path], dict[str, str]]:
    """The file of every name that has one of its own, which opens, and what is wrong with the others."""
    names = list(dict.fromkeys(pair.image for pair in raw.pairs if not pair.problem))
    held = [name for name in names if name in raw.held]
    for name in held:
        write_atomically(scratch / name, partial(Path.write_bytes, data=raw.held[name]))
    others = [name for name in names if name not in raw.held]
    found, lost = _find(others, beside, images) if others else ({}, {})
    found |= dict(zip(held, with_range([scratch / name for name in held]), strict=True))
    return without_broken(found, lost, decode(list(found.values())))


def _find(names: Sequence[str], beside: Path, images: Path | None) -> tuple[dict[str, Path], dict[str, str]]:
    """Files by name in the folder of the images, else right from the table, and what is wrong with other names."""
    usual = beside / "images" if (beside / "images").is_dir() else beside
    folder = images or usual
    found = match_images(folder, names)
    if not images:
        found = {name: paths or _from_table(beside, name) for name, paths in found.items()}
    return one_file_each(found, folder)


def _from_table(beside: Path, name: str) -> list[Path]:
    """A file that the name leads to from the table's own folder, never outside it."""
    path = (beside / name).resolve()
    inside = path.is_relative_to(beside.resolve()) and path.suffix.lower() in SUFFIXES
    return [path] if inside and os.path.isfile(path) else []


def _usable(raw: RawPairs, notes: list[str], found: dict[str, Path], lost: dict[str, str]) -> AuditPairs:
    why = [pair.problem or lost.get(pair.image, "") for pair in raw.pairs]
    problems = [Problem(pair.row, pair.image, said) for pair, said in zip(raw.pairs, why, strict=True) if said]
    kept = [pair for pair, said in zip(raw.pairs, why, strict=True) if not said]
    images, captions = [pair.image for pair in kept], [pair.caption for pair in kept]
    paths = [found[name] for name in dict.fromkeys(images) if name in found]
    notes = [*notes, *_repeated(captions)]
    return AuditPairs(images, captions, [pair.row for pair in kept], paths, notes, problems, _twice(kept))


def _twice(pairs: Sequence[RawPair]) -> list[Problem]:
    """Pairs that were there before, image and caption."""
    first: dict[tuple[str, str], int] = {}
    remarks = []
    for pair in pairs:
        if (key := (pair.image, pair.caption)) in first:
            remarks.append(Problem(pair.row, pair.image, f"kept, but the same pair as in row {first[key]}"))
        first.setdefault(key, pair.row)
    return remarks


def _repeated(captions: Sequence[str]) -> list[str]:
    """A note where one caption is at most of the images."""
    caption, times = Counter(captions).most_common(1)[0]
    if times <= REPEATED * len(captions):
        return []
    said = f"{times} of {len(captions)} pairs have the same caption, {caption[:60]!r}"
    return [f"{said}: among them no ranking is possible"]
