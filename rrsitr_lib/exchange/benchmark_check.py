"""A copy of a benchmark on disk: is it whole, do splits and captions equal the published ones, do its images open?"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rrsitr_lib.data.benchmark import Benchmark, has_table, locate_images
from rrsitr_lib.data.datasets import Split
from rrsitr_lib.data.images import find_images
from rrsitr_lib.data.pairs import SPLITS, PairTable
from rrsitr_lib.data.pictures import broken_images, decode
from rrsitr_lib.data.problems import Problem, problems_of
from rrsitr_lib.errors import InputError
from rrsitr_lib.registry import DATASETS

WORD = re.compile(r"[^\W_]")


def benchmark(name: str) -> Benchmark:
    """A benchmark by name; raises ``InputError`` listing the known names.

    >>> benchmark("rsicd").pairs
    {'train': 44225, 'val': 4915, 'test': 5465}
    """
    known = {name: source for name, source in DATASETS.items() if isinstance(source, Benchmark)}
    if name not in known:
        raise InputError(f"benchmark is {name!r}: allowed is {', '.join(known)}")
    return known[name]


class Copy(NamedTuple):
    """A benchmark as found: its tables by split, the folder of its images, what is wrong (nothing when whole).

    ``notes``: what is odd about its pairs, which the published set may be too.
    """

    tables: Mapping[str, PairTable]
    images: Path | None
    problems: list[str]
    notes: Sequence[Problem] = ()


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
    tables = known.read(folder)
    problems = check_tables(known, tables)
    try:
        found = Path(images) if images is not None else locate_images(folder, tables["test"].images)
    except InputError as error:
        return Copy(tables, None, [*problems, str(error)])
    splits = {}
    for split in SPLITS:
        try:
            splits[split] = Split(tables[split], find_images(found, tables[split].images))
        except InputError as error:
            problems.append(f"{split}: {error}")
    seen = decode([path for split in splits.values() for path in split.images], progress)
    problems += broken_images(seen).values()
    return Copy(tables, found, problems, problems_of(splits, seen))


def check_tables(known: Benchmark, tables: Mapping[str, PairTable]) -> list[str]:
    """Compare tables with what is published: one line a problem, none when right."""
    problems = [f"{split} is missing" for split in SPLITS if split not in tables]
    for split in (split for split in SPLITS if split in tables):
        table = tables[split]
        found = len(table.images), len(table), table.captions_sha256
        published = known.images[split], known.pairs[split], known.captions_sha256.get(split, found[2])
        compared = zip(("images", "pairs", "captions SHA-256"), found, published, strict=True)
        problems += [f"{split}: {what} {here}, published {there}" for what, here, there in compared if here != there]
        odd = [name for name in table.images if not re.fullmatch(known.filename_pattern, name.rpartition("/")[2])]
        if odd:
            problems.append(f"{split}: {len(odd)} names unlike {known.filename_pattern}, such as {odd[0]!r}")
    return problems


def write_tables(copy: Copy, folder: str | Path) -> list[Path]:
    """Write train.csv, val.csv and test.csv of the published rule; those that are there already stay as they are."""
    folder = Path(folder)
    wanted = [split for split in SPLITS if not has_table(folder, split)]
    return [copy.tables[split].write_csv(folder / f"{split}.csv") for split in wanted]


def table_report(table: PairTable) -> dict[str, Any]:
    """What is worth knowing before training; rows count from 0 (row r is line r + 2 of a plain CSV)."""
    per_image, sentences = np.bincount(table.image_of_row), Counter(table.captions)
    words = np.array([len(caption.split()) for caption in table.captions])
    return {
        "source": table.source, "split": table.split, "rows": len(table), "images": len(table.images),
        "images_by_captions": dict(sorted(Counter(per_image.tolist()).items())),
        "images_without_five": table.images[per_image != 5].tolist(),
        "wordless_rows": [row for row, caption in enumerate(table.captions) if not WORD.search(caption)],
        "words_mean": round(float(words.mean()), 2), "words_max": int(words.max()), "longest": int(words.argmax()),
        "duplicate_rows": len(table) - len(set(zip(table.image_ids, table.captions, strict=True))),
        "distinct_captions": len(sentences),
        "most_repeated": [(text, times) for text, times in sentences.most_common(5) if times > 1],
    }  # fmt: skip
