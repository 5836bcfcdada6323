"""A public benchmark: what must be in it, how its splits arise, where a copy on disk has its captions and images."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import DataSet, Split
from rrsitr_lib.data.images import find_images
from rrsitr_lib.data.pairs import SPLITS, PairTable
from rrsitr_lib.data.tables import read_entries, read_folder
from rrsitr_lib.errors import InputError
from rrsitr_lib.registry import DATASETS


@dataclass(frozen=True)
class Benchmark(DataSet):
    """What a whole copy of a set holds; ``images`` and ``pairs`` count per split, every image has five captions."""

    name: str
    title: str
    images: Mapping[str, int]
    filename_pattern: str
    image_size: int
    json_name: str
    citation: str
    source: str
    captions_sha256: Mapping[str, str] = field(default_factory=dict)  # of the splits whose hash is published
    licence: str = "no licence stated, citation requested: for your own research, never redistribute"

    @property
    def pairs(self) -> dict[str, int]:
        """Pairs per split."""
        return {split: 5 * count for split, count in self.images.items()}

    def open(self, config: RunConfig, image_size: int) -> dict[str, Split]:
        """The set in the folder ``config.images``, captions and images wherever they lie below it."""
        folder = Path(str(config.images))
        tables = self.read(locate_captions(folder, self.json_name))
        images = locate_images(folder, tables["train"].images[0])
        return {name: Split(table, find_images(images, table.images)) for name, table in tables.items()}

    def read(self, folder: str | Path) -> dict[str, PairTable]:
        """Train, val and test from CSV tables in ``folder``, or else from the set's own JSON by the published rule.

        CSV tables may be a part of the set (``check`` tells); a JSON must be whole. Raises ``InputError`` with what is
        missing and where it comes from.
        """
        folder = Path(folder)
        there = {path.name.lower(): path for path in sorted(folder.iterdir())} if folder.is_dir() else {}
        if any(f"{split}.csv{packed}" in there for split in SPLITS for packed in ("", ".gz")):
            return read_folder(folder)
        if self.json_name.lower() in there:
            return self.split_json(there[self.json_name.lower()])
        files = f"neither train.csv, val.csv, test.csv nor {self.json_name}"
        raise InputError(f"{folder}: {files} in this folder; {self.title} comes from {self.source}")

    def split_json(self, path: str | Path) -> dict[str, PairTable]:
        """Build train, val and test from the set's own JSON by the published rule.

        Its train and val entries, in the file's order, go through ``split_train_val``; test keeps the file's order.
        Raises ``InputError`` when the counts are not the benchmark's: the shuffle of a part of it is another split.
        """
        table, split_of = read_entries(path)
        train, val = split_train_val([image for image in table.images if split_of[image] != "test"])
        test, tables = [image for image in table.images if split_of[image] == "test"], {}
        for split, images in zip(SPLITS, (train, val, test), strict=True):
            number = {image: index for index, image in enumerate(images)}
            number_of_row = np.array([number.get(image, -1) for image in table.image_ids])
            order = np.argsort(number_of_row, kind="stable")[np.count_nonzero(number_of_row < 0) :]
            tables[split] = replace(table.take(order), split=split)
        if problems := self.check(tables):
            raise InputError(f"{path}: not the whole {self.title}: {problems[0]}")
        return tables

    def check(self, tables: Mapping[str, PairTable], images_folder: str | Path | None = None) -> list[str]:
        """Compare tables, and the images' presence, with what is published: one line a problem, none when right."""
        problems = [f"{split} is missing" for split in SPLITS if split not in tables]
        for split in (split for split in SPLITS if split in tables):
            table = tables[split]
            found = len(table.images), len(table), table.captions_sha256
            published = self.images[split], self.pairs[split], self.captions_sha256.get(split, found[2])
            compared = zip(("images", "pairs", "captions SHA-256"), found, published, strict=True)
            problems += [f"{split}: {what} {is_}, published {known}" for what, is_, known in compared if is_ != known]
            odd = [name for name in table.images if not re.fullmatch(self.filename_pattern, name.rpartition("/")[2])]
            if odd:
                problems.append(f"{split}: {len(odd)} names unlike {self.filename_pattern}, such as {odd[0]!r}")
            if images_folder is not None:
                try:
                    find_images(images_folder, table.images)
                except InputError as error:
                    problems.append(f"{split}: {error}")
        return problems


def benchmarks() -> dict[str, Benchmark]:
    """All registered benchmarks by name."""
    return {name: source for name, source in DATASETS.items() if isinstance(source, Benchmark)}


def benchmark(name: str) -> Benchmark:
    """A benchmark by name; raises ``InputError`` listing the known names.

    >>> benchmark("rsicd").pairs
    {'train': 44225, 'val': 4915, 'test': 5465}
    """
    if name not in benchmarks():
        raise InputError(f"benchmark is {name!r}: allowed is {', '.join(benchmarks())}")
    return benchmarks()[name]


def split_train_val(
    images_in_published_order: Sequence[str], seed: int = 42, train_fraction: float = 0.9
) -> tuple[list[str], list[str]]:
    """Shuffle the published training list as the authors did; the first 90 %, rounded down, train, the rest validate.

    Raises ``InputError`` when an image comes twice or a part would be empty.

    >>> train, val = split_train_val([f"{number}.tif" for number in range(4291)])
    >>> len(train), len(val), train[:2]
    (3861, 430, ['1502.tif', '2921.tif'])
    """
    images = list(images_in_published_order)
    if len(set(images)) < len(images):
        raise InputError(f"{len(images)} images, {len(set(images))} different: allowed is each image once")
    random.Random(seed).shuffle(images)
    cut = int(len(images) * train_fraction)
    if not 0 < cut < len(images):
        raise InputError(f"train_fraction is {train_fraction} of {len(images)} images: allowed leaves both parts one")
    return images[:cut], images[cut:]


def has_table(folder: Path, split: str) -> bool:
    """Whether a folder holds the CSV table of a split."""
    return any((folder / f"{split}.csv{packed}").exists() for packed in ("", ".gz"))


def locate_captions(folder: Path, json_name: str) -> Path:
    """The folder that holds the captions: ``folder`` itself where it has any, else the one below that has the JSON."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    if any(has_table(folder, split) for split in SPLITS):
        return folder
    found = sorted(path for path in folder.rglob("*") if path.name.lower() == json_name.lower())
    return found[0].parent if found else folder


def locate_images(folder: Path, name: str) -> Path:
    """The folder of the images, from the place of one of them below ``folder``; class folders count as one.

    Raises ``InputError`` where there is no such image.
    """
    stem = name.rpartition("/")[2].rpartition(".")[0].casefold()
    found = sorted(path for path in folder.rglob("*.*") if path.stem.casefold() == stem and path.is_file())
    if not found:
        raise InputError(f"{folder}: no image {name!r} in it or below: are the images unpacked?")
    parent = found[0].parent
    in_class_folder = parent != folder and stem.rpartition("_")[0] == parent.name.casefold()
    return parent.parent if in_class_folder else parent
