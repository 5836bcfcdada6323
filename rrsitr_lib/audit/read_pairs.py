"""From a folder or table to pairs whose images are found and open: what cannot be used is listed, not hidden."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rrsitr_lib.audit.read_tables import FORMS, RawPairs, form_of, read_tables
from rrsitr_lib.data.images import match_images
from rrsitr_lib.data.pairs import SPLITS
from rrsitr_lib.data.pictures import broken_images
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_atomically

TABLE_NAMES = (*SPLITS, "pairs", "captions", "metadata", "labels")


@dataclass(frozen=True)
class AuditPairs:
    """Pairs to audit. **Shape** ``images`` (N,) names, ``captions`` (N,), ``rows`` (N,) rows of the table from 1.

    ``paths``: the file of every different image, in order of first appearance; ``notes``: what was guessed;
    ``problems``: (row, image, what is wrong) of every row that was left out.
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
    need_images: bool = True,
) -> AuditPairs:
    """Read the pairs of ``source``, a table or a folder, and find their images.

    ``images``: their folder, else beside the table; ``scratch`` receives images that the table itself holds.
    ``bad``: "skip" lists missing and undecodable images in ``problems``, "fatal" makes the first an error.
    Raises ``InputError`` naming file, row and column.
    """
    if bad not in ("skip", "fatal"):
        raise InputError(f"bad is {bad!r}: allowed are skip, fatal")
    tables = _tables_of(Path(source))
    raw = read_tables(tables, image_column, caption_column)
    raw.notes.insert(0, f"read {', '.join(table.name for table in tables[:3])}{' …' if len(tables) > 3 else ''}")
    if not need_images:
        return _usable(raw, {}, {})
    for name, content in raw.contents.items():
        write_atomically(scratch / name, partial(Path.write_bytes, data=content))
    beside = tables[0].parent
    usual = beside / "images" if (beside / "images").is_dir() else beside
    folder = scratch if raw.contents else Path(images or usual)
    found, lost = _find(folder, raw.table["image"].unique().tolist())
    if lost and (bad == "fatal" or not found):
        row, name = next((row, name) for row, name, _ in raw.table.itertuples(index=False) if name in lost)
        many = f"{len(lost)} of {len(found) + len(lost)}"
        raise InputError(f"{folder}: {many} images cannot be used; row {row}, {name!r}: {lost[name]}")
    return _usable(raw, found, lost)


def _tables_of(source: Path) -> list[Path]:
    """The table that the source is or holds: one of a usual name, else all shards, else the only one."""
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise InputError(f"{source}: no such file or folder")
    there = sorted(path for path in source.iterdir() if path.is_file() and form_of(path) in FORMS)
    for name in TABLE_NAMES:
        if named := [path for path in there if path.name.partition(".")[0].casefold() == name]:
            return named[:1]
    if shards := [path for path in there if form_of(path) == ".tar"]:
        return shards
    if len(there) != 1:
        said = f"{len(there)} tables, name one" if there else f"no table in it ({', '.join(FORMS)}, or these by gzip)"
        raise InputError(f"{source}: {said}")
    return there


def _find(folder: Path, names: list[str]) -> tuple[dict[str, Path], dict[str, str]]:
    """The file of every name that has one of its own, which opens, and what is wrong with the others."""
    name_of: dict[Path, str] = {}
    lost: dict[str, str] = {}
    for name, paths in match_images(folder, names).items():
        if len(paths) != 1:
            several = ", ".join(path.relative_to(folder).as_posix() for path in paths[:3])
            lost[name] = f"several files fit: {several}" if paths else f"no such file in {folder}"
        elif name_of.setdefault(paths[0], name) != name:
            lost[name] = f"the same file as {name_of[paths[0]]!r}: one image needs one name"
    for path, said in broken_images(list(name_of)).items():
        lost[name_of.pop(path)] = said.removeprefix(f"{path}: ")
    return {name: path for path, name in name_of.items()}, lost


def _usable(raw: RawPairs, found: dict[str, Path], lost: dict[str, str]) -> AuditPairs:
    bad = raw.table["image"].isin(list(lost))
    problems = [(row, name, lost[name]) for row, name, _ in raw.table[bad].itertuples(index=False)]
    rows, images, captions = (raw.table.loc[~bad, name].tolist() for name in ("row", "image", "caption"))
    paths = [found[name] for name in dict.fromkeys(images) if name in found]
    return AuditPairs(images, captions, rows, paths, raw.notes, problems)
