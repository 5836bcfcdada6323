"""From a folder or table to pairs whose pictures are found and open: what cannot be used is listed, not hidden."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rrsitr_lib.audit.raw_pairs import RawPairs
from rrsitr_lib.audit.tables import FORMS, TABLES, read_pairs_of
from rrsitr_lib.data.images import broken_images, match_images
from rrsitr_lib.data.pairs import SPLITS
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_atomically

TABLE_NAMES = (*SPLITS, "pairs", "captions", "metadata", "labels")


@dataclass(frozen=True)
class AuditPairs:
    """Pairs to judge. **Shape** ``images`` (N,) names, ``captions`` (N,), ``rows`` (N,) rows of the table from 1.

    ``paths``: the file of every different picture, in order of first appearance; ``notes``: what was guessed;
    ``problems``: (row, picture, what is wrong) of every row that was left out.
    """

    images: list[str]
    captions: list[str]
    rows: list[int]
    paths: list[Path]
    notes: list[str]
    problems: list[tuple[int, str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.captions)


def open_pairs(
    source: str | Path,
    scratch: Path,
    images: str | Path | None = None,
    image_column: str | None = None,
    caption_column: str | None = None,
    bad: str = "skip",
    need_pictures: bool = True,
) -> AuditPairs:
    """Read the pairs of ``source``, a table or a folder, and find their pictures.

    ``images``: their folder, else beside the table; ``scratch`` receives pictures that the table itself holds.
    ``bad``: "skip" lists missing and undecodable pictures in ``problems``, "fatal" makes the first an error.
    Raises ``InputError`` naming file, row and column. Taught in: notebooks/07_real_pairs
    """
    if bad not in ("skip", "fatal"):
        raise InputError(f"bad is {bad!r}: allowed are skip, fatal")
    tables = _tables_of(Path(source))
    raw = _joined([read_pairs_of(table, image_column, caption_column) for table in tables], tables)
    if not need_pictures:
        return AuditPairs(raw.images, raw.captions, raw.rows, [], raw.notes)
    if raw.pictures:
        for name, content in raw.pictures.items():
            write_atomically(scratch / Path(name).name, lambda file, content=content: file.write_bytes(content))
        folder = scratch
    else:
        folder = Path(images) if images else _pictures_beside(tables[0])
    found, lost = _find(folder, list(dict.fromkeys(raw.images)))
    lost |= _undecodable(found)
    return _usable(raw, found, lost, bad, folder)


def _tables_of(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise InputError(f"{source}: no such file or folder")
    there = sorted(path for path in source.iterdir() if _is_table(path))
    named = [path for name in TABLE_NAMES for path in there if path.name.partition(".")[0].casefold() == name]
    shards = [path for path in there if path.suffix == ".tar"]
    chosen = [path for path in named if path.name.partition(".")[0] == "train"] or named or shards or there
    if not chosen or (chosen is there and len(there) > 1):
        said = f"{len(there)} tables, name one" if there else f"no table in it ({FORMS})"
        raise InputError(f"{source}: {said}")
    return chosen if chosen is shards else chosen[:1]


def _is_table(path: Path) -> bool:
    return path.is_file() and path.name.lower().removesuffix(".gz").endswith(TABLES)


def _joined(parts: Sequence[RawPairs], tables: Sequence[Path]) -> RawPairs:
    first = parts[0]
    notes = [f"read {', '.join(table.name for table in tables[:3])}{' …' if len(tables) > 3 else ''}", *first.notes]
    for part in parts[1:]:
        start = max(first.rows)
        first.images.extend(part.images), first.captions.extend(part.captions)
        first.rows.extend(start + row for row in part.rows)
        first.pictures.update(part.pictures)
    return RawPairs(first.images, first.captions, first.rows, notes, first.pictures)


def _pictures_beside(table: Path) -> Path:
    beside = table.parent / "images"
    return beside if beside.is_dir() else table.parent


def _find(folder: Path, names: list[str]) -> tuple[dict[str, Path], dict[str, str]]:
    """The file of every name that has exactly one, and what is wrong with the others."""
    found, lost, owner = {}, {}, {}
    for name, paths in match_images(folder, names).items():
        if len(paths) != 1:
            several = ", ".join(path.relative_to(folder).as_posix() for path in paths[:3])
            lost[name] = f"several files fit: {several}" if paths else f"no such file in {folder}"
        elif owner.setdefault(paths[0], name) != name:
            lost[name] = f"the same file as {owner[paths[0]]!r}: one picture needs one name"
        else:
            found[name] = paths[0]
    return found, lost


def _undecodable(found: dict[str, Path]) -> dict[str, str]:
    broken = broken_images(list(found.values()))
    return {name: broken[path].removeprefix(f"{path}: ") for name, path in found.items() if path in broken}


def _usable(raw: RawPairs, found: dict[str, Path], lost: dict[str, str], bad: str, folder: Path) -> AuditPairs:
    problems = [(row, name, lost[name]) for row, name in zip(raw.rows, raw.images, strict=True) if name in lost]
    if problems and (bad == "fatal" or len(problems) == len(raw.images)):
        row, name, reason = problems[0]
        raise InputError(
            f"{folder}: {len(lost)} of {len(set(raw.images))} pictures cannot be used; row {row}, {name!r}: {reason}"
        )
    keep = [place for place, name in enumerate(raw.images) if name not in lost]
    images, captions, rows = ([column[place] for place in keep] for column in (raw.images, raw.captions, raw.rows))
    return AuditPairs(images, captions, rows, [found[name] for name in dict.fromkeys(images)], raw.notes, problems)
