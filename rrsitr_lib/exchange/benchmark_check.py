"""A copy of a benchmark on disk: is it whole, do splits and captions equal the published ones, do its images open?"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from rrsitr_lib.data.benchmark import benchmark, has_table, locate_captions, locate_images
from rrsitr_lib.data.images import check_images, find_images
from rrsitr_lib.data.pairs import SPLITS, PairTable
from rrsitr_lib.errors import InputError


class Copy(NamedTuple):
    """A benchmark as found: its tables by split, the folder of its images, what is wrong (nothing when whole)."""

    tables: Mapping[str, PairTable]
    images: Path | None
    problems: list[str]


def check_copy(
    name: str,
    folder: str | Path,
    images: str | Path | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Copy:
    """Read a set's own JSON or its tables in ``folder``, and compare counts, captions and images with the descriptor.

    Every image is decoded; ``progress(done, total)`` counts them. ``images``: where they lie, else they are looked
    for below ``folder``. Raises ``InputError`` where the captions cannot be read.
    """
    known, folder = benchmark(name), Path(folder)
    tables = known.read(locate_captions(folder, known.json_name))
    problems = known.check(tables)
    try:
        found = Path(images) if images is not None else locate_images(folder, tables["test"].images[0])
    except InputError as error:
        return Copy(tables, None, [*problems, str(error)])
    paths = []
    for split in SPLITS:
        try:
            paths += find_images(found, tables[split].images)
        except InputError as error:
            problems.append(f"{split}: {error}")
    return Copy(tables, found, problems + check_images(paths, progress))


def write_tables(copy: Copy, folder: str | Path) -> list[Path]:
    """Write train.csv, val.csv and test.csv of the published rule; those that are there already stay as they are."""
    folder = Path(folder)
    wanted = [split for split in SPLITS if not has_table(folder, split)]
    return [copy.tables[split].write_csv(folder / f"{split}.csv") for split in wanted]
