"""A copy of a benchmark on disk: is it whole, do splits and captions equal the published ones, do its pictures open?"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from rrsitr_lib.data.benchmarks import benchmark, check, read_benchmark
from rrsitr_lib.data.images import check_images, find_images
from rrsitr_lib.data.pairs import SPLITS, PairTable
from rrsitr_lib.errors import InputError


class Copy(NamedTuple):
    """A benchmark as found: its tables by split, the folder of its pictures, what is wrong (nothing when whole)."""

    tables: Mapping[str, PairTable]
    images: Path | None
    problems: list[str]


def check_copy(
    name: str,
    folder: str | Path,
    images: str | Path | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Copy:
    """Read a set's own JSON or its tables in ``folder``, and compare counts, captions and pictures with the descriptor.

    Every picture is decoded; ``progress(done, total)`` counts them. ``images``: where they lie, else they are looked
    for below ``folder``. Raises ``InputError`` where the captions cannot be read. Taught in: notebooks/07_real_pairs
    """
    known, folder = benchmark(name), Path(folder)
    tables = read_benchmark(name, locate_captions(folder, known.json_name))
    problems = check(known, tables)
    try:
        place = Path(images) if images is not None else locate_images(folder, tables["test"].images[0])
    except InputError as error:
        return Copy(tables, None, [*problems, str(error)])
    paths = []
    for split in SPLITS:
        try:
            paths += find_images(place, tables[split].images)
        except InputError as error:
            problems.append(f"{split}: {error}")
    return Copy(tables, place, problems + check_images(paths, progress))


def write_tables(copy: Copy, folder: str | Path) -> list[Path]:
    """Write train.csv, val.csv and test.csv of the published rule; those that are there already stay as they are.

    Taught in: notebooks/07_real_pairs
    """
    folder = Path(folder)
    wanted = [split for split in SPLITS if not _has_table(folder, split)]
    return [copy.tables[split].write_csv(folder / f"{split}.csv") for split in wanted]


def _has_table(folder: Path, split: str) -> bool:
    return any((folder / f"{split}.csv{packed}").exists() for packed in ("", ".gz"))


def locate_captions(folder: Path, json_name: str) -> Path:
    """The folder that holds the captions: ``folder`` itself where it has any, else the one below that has the JSON."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    if any(_has_table(folder, split) for split in SPLITS):
        return folder
    found = sorted(path for path in folder.rglob("*") if path.name.lower() == json_name.lower())
    return found[0].parent if found else folder


def locate_images(folder: Path, name: str) -> Path:
    """The folder of the pictures, from the place of one of them below ``folder``; class folders count as one.

    Raises ``InputError`` where there is no such picture. Taught in: notebooks/07_real_pairs
    """
    stem = name.rpartition("/")[2].rpartition(".")[0].casefold()
    found = sorted(path for path in folder.rglob("*.*") if path.stem.casefold() == stem and path.is_file())
    if not found:
        raise InputError(f"{folder}: no picture {name!r} in it or below: are the pictures unpacked?")
    parent = found[0].parent
    in_class_folder = parent != folder and stem.rpartition("_")[0] == parent.name.casefold()
    return parent.parent if in_class_folder else parent
