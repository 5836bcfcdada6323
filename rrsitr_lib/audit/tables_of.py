"""Which files of a folder are its table of pairs."""

import re
from collections.abc import Sequence
from pathlib import Path

from rrsitr_lib.config import is_shards
from rrsitr_lib.data.pairs import SPLITS
from rrsitr_lib.data.shards import shard_files
from rrsitr_lib.data.tables import FORMS, SHEETS, form_of
from rrsitr_lib.data.tables.samples import STATISTICS, texts_beside
from rrsitr_lib.errors import InputError

NAMES = (*SPLITS, "pairs", "captions", "metadata", "labels")
PART = re.compile(r"-\d+-of-(?P<parts>\d+)(-[0-9a-f]+)?$|^(part-)?\d{4,}$")  # train-00000-of-00002, 0000
ABOUT = ("dataset_infos.json", "dataset_info.json", "readme.txt", "license.txt")  # a set, not its pairs
SHOWN = 3  # names in a note


def tables_of(source: Path) -> tuple[list[Path], list[str]]:
    """The table that the source is or holds, all its parts, and which were read, in words.

    A pattern of shards (``{0000..0009}.tar``) is all of them. Of a folder in this order: a table of a usual name, all
    shards, the only table, images with texts beside them, the same in its folder ``data``. Raises ``InputError`` where
    there is none, or several.
    """
    if source.is_file():
        return [source], [f"read {source.name}"]
    if is_shards(source) and not source.is_dir():
        shards = shard_files(source)
        return shards, [f"read {_shown(shards)}"]
    if not source.is_dir():
        raise InputError(f"{source}: no such file or folder")
    texts = texts_beside(source)
    files = sorted(path for path in source.iterdir() if path.is_file() and path.name not in texts)
    there = [path for path in files if form_of(path) in FORMS and not _is_about(path)]
    shards, groups = [path for path in there if form_of(path) == ".tar"], list(_parts(there).values())
    chosen = _of_usual_name(there) or shards or (groups[0] if len(groups) == 1 else [])
    if not chosen and (texts or any(texts_beside(folder) for folder in source.iterdir() if folder.is_dir())):
        return [source], ["read images with texts beside them"]
    if not there and (source / "data").is_dir():
        return tables_of(source / "data")
    if not there and (sheets := [path for path in files if path.suffix.lower() in SHEETS]):
        return sheets[:1], []
    if not chosen:
        none, several = f"no table in it ({', '.join(FORMS)}, or by gzip)", f"{len(groups)} tables, name one"
        raise InputError(f"{source}: {several}: {_shown(there)}" if there else f"{source}: {none}")
    _check_parts(source, chosen)
    return chosen, [f"read {_shown(chosen)}", *_left(there, chosen)]


def _is_about(path: Path) -> bool:
    """Whether a file describes a set, or, as img2dataset leaves them, how the images beside it were fetched."""
    beside = [path.with_suffix(ending) for ending in ("", ".tar")] if path.suffix == ".parquet" else []
    name = path.name.lower()
    return name in ABOUT or name.endswith(STATISTICS) or any(one.exists() for one in beside)


def _of_usual_name(there: Sequence[Path]) -> list[Path]:
    """The table of the first usual name with all its parts; of several forms the first, unpacked before packed."""
    groups = _parts(there)
    keys = [(name, form + packed) for name in NAMES for form in FORMS for packed in ("", ".gz")]
    return next((groups[key] for key in keys if key in groups), [])


def _parts(there: Sequence[Path]) -> dict[tuple[str, str], list[Path]]:
    """Tables by name and ending; files that are numbered are parts of one."""
    groups: dict[tuple[str, str], list[Path]] = {}
    for path in there:
        stem, dot, ending = path.name.casefold().partition(".")
        groups.setdefault((PART.sub("", stem), dot + ending), []).append(path)
    return groups


def _check_parts(source: Path, chosen: Sequence[Path]) -> None:
    """A set of which a part is missing is not read as if it were whole."""
    found = PART.search(chosen[0].name.partition(".")[0])
    if found and found["parts"] and int(found["parts"]) != len(chosen):
        said = f"{len(chosen)} of {int(found['parts'])} parts are there: {_shown(chosen)}"
        raise InputError(f"{source}: {said}; fetch the others, or name one file to read it alone")


def _shown(paths: Sequence[Path]) -> str:
    return ", ".join(path.name for path in paths[:SHOWN]) + (f" … ({len(paths)} files)" if len(paths) > SHOWN else "")


def _left(there: Sequence[Path], chosen: Sequence[Path]) -> list[str]:
    rest = [path for path in there if path not in chosen]
    return [f"not read: {_shown(rest)}"] if rest else []
