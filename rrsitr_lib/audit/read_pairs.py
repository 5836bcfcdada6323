"""From a folder or table to pairs whose images are found and open: what cannot be used is listed, not hidden."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rrsitr_lib.audit.oddities import Problem, remarks, repeated
from rrsitr_lib.audit.tables_of import tables_of
from rrsitr_lib.data.images import SUFFIXES, found_otherwise, match_images, one_file_each
from rrsitr_lib.data.pictures import decode, without_broken
from rrsitr_lib.data.stretch import range_notes, with_range
from rrsitr_lib.data.tables import EMPTY, RawPairs, read_tables
from rrsitr_lib.data.tables.cells import no_caption
from rrsitr_lib.data.tables.row import Stored
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_atomically


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
    split: str | None = None,
) -> AuditPairs:
    """Read the pairs of ``source``, a table or a folder, and find their images.

    ``images``: their folder, else beside the table; ``scratch`` receives images that the table itself holds.
    ``bad``: "skip" lists in ``problems`` what cannot be used, "fatal" makes the first an error. ``split``: only the
    pairs of which the column ``split`` says so.
    Raises ``InputError`` naming file, row and column.
    """
    if bad not in ("skip", "fatal"):
        raise InputError(f"bad is {bad!r}: allowed are skip, fatal")
    tables, notes = tables_of(Path(source))
    raw = _of_split(read_tables(tables, image_column, caption_column), split, tables[0])
    if bad == "fatal" and (worse := [pair for pair in raw.pairs if pair.problem not in ("", EMPTY)]):
        raise InputError(f"{worse[0].where}: {worse[0].problem}")
    raw = raw._replace(pairs=[pair._replace(problem=pair.problem or no_caption(pair.caption)) for pair in raw.pairs])
    wrong = [pair for pair in raw.pairs if pair.problem]
    if len(wrong) == len(raw.pairs):
        raise InputError(f"no pair is left of {len(wrong)}; {wrong[0].where}: {wrong[0].problem}")
    beside = tables[0] if tables[0].is_dir() else tables[0].parent
    files = _files(raw, scratch, beside, Path(images) if images else None) if need_images else _Files({}, {}, {})
    found, lost, _ = files
    if lost and (bad == "fatal" or not found):
        first = next(pair for pair in raw.pairs if pair.image in lost)
        many = f"{len(lost)} of {len(found) + len(lost)}"
        where = "" if found or images else " (--images names their folder)"
        raise InputError(f"{many} images cannot be used; row {first.row}, {first.image!r}: {lost[first.image]}{where}")
    others = {name: path for name, path in found.items() if name not in raw.held}
    notes += [*raw.notes, *found_otherwise(others), *range_notes(list(found.values()))]
    return _usable(raw, notes, files)


def _of_split(raw: RawPairs, split: str | None, path: Path) -> RawPairs:
    there = list(dict.fromkeys(pair.split for pair in raw.pairs if pair.split))
    if split is None:
        return raw._replace(notes=[*raw.notes, f"all splits: {', '.join(there)}"]) if len(there) > 1 else raw
    if split not in there:
        raise InputError(f"{path}: no split {split!r}; there are {', '.join(there) or 'none, as no column is split'}")
    return raw._replace(pairs=[pair for pair in raw.pairs if pair.split == split])


class _Files(NamedTuple):
    """The file of every name that has one of its own, which opens; what is wrong with others; fingerprints by name."""

    found: dict[str, Path]
    lost: dict[str, str]
    contents: dict[str, str]


def _files(raw: RawPairs, scratch: Path, beside: Path, images: Path | None) -> _Files:
    names = list(dict.fromkeys(pair.image for pair in raw.pairs if not pair.problem))
    held = [name for name in names if name in raw.held]
    for name in held:
        image = raw.held[name]
        content = image.read() if isinstance(image, Stored) else image
        write_atomically(scratch / name, partial(Path.write_bytes, data=content))
    others = [name for name in names if name not in raw.held]
    found, lost = _find(others, beside, images) if others else ({}, {})
    found |= dict(zip(held, with_range([scratch / name for name in held]), strict=True))
    seen = decode(list(found.values()))
    return _Files(*without_broken(found, lost, seen), {name: seen[path].content for name, path in found.items()})


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


def _usable(raw: RawPairs, notes: list[str], files: _Files) -> AuditPairs:
    why = [pair.problem or files.lost.get(pair.image, "") for pair in raw.pairs]
    problems = [Problem(pair.row, pair.image, said) for pair, said in zip(raw.pairs, why, strict=True) if said]
    kept = [pair for pair, said in zip(raw.pairs, why, strict=True) if not said]
    images, captions = [pair.image for pair in kept], [pair.caption for pair in kept]
    paths = [files.found[name] for name in dict.fromkeys(images) if name in files.found]
    notes, odd = [*notes, *repeated(captions)], remarks(kept, files.contents)
    return AuditPairs(images, captions, [pair.row for pair in kept], paths, notes, problems, odd)
