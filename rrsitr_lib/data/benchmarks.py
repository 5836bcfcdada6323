"""The three public benchmarks: what must be in them, how their splits arise, whether a copy is whole."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from rrsitr_lib.data.images import find_images
from rrsitr_lib.data.pairs import SPLITS, PairTable
from rrsitr_lib.data.reading import read_entries, read_folder
from rrsitr_lib.errors import InputError


@dataclass(frozen=True)
class Benchmark:
    """What a whole copy of a set holds; ``images`` and ``pairs`` count per split, every image has five captions.

    Taught in: notebooks/07_real_pairs
    """

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


BENCHMARKS: dict[str, Benchmark] = {
    "rsitmd": Benchmark(
        "rsitmd", "RSITMD", {"train": 3861, "val": 430, "test": 452}, r"[a-z]+_\d+\.tif", 256, "dataset_RSITMD.json",
        "Yuan et al., Exploring a Fine-Grained Multiscale Method for Cross-Modal Remote Sensing Image Retrieval,"
        " IEEE TGRS 2021, doi 10.1109/TGRS.2021.3078451",
        "github.com/xiaoyuan1996/AMFMN, folder RSITMD",
        {"train": "0f98932e415bec245779229ca493597bd814d26caf9b181ad14511185c87d2b8",
         "val": "f4885535d13775a235c6c7ef808e8d44684aa8d215f836c932b8c7ec5848cc0f",
         "test": "12ad0fe3d638476eab1a7ef2c58d131ec3f47ccd011116ac54e43b748651cf91",
         "train_nc02": "fe6df0e0df834548a252190dfc2c18eca74ac43f086ab972ff3da3a821d9b678",
         "train_nc04": "fca7be56376093cd4275d102aaace5235bb623feff581fef7809efff956a314a"},
    ),
    "rsicd": Benchmark(
        "rsicd", "RSICD", {"train": 8845, "val": 983, "test": 1093}, r"([a-z]+_)?\d+\.jpg", 224, "dataset_rsicd.json",
        "Lu, Wang, Zheng, Li, Exploring Models and Data for Remote Sensing Image Caption Generation, IEEE TGRS 2017",
        "github.com/201528014227051/RSICD_optimal",
    ),
    "nwpu": Benchmark(
        "nwpu", "NWPU-Captions", {"train": 25515, "val": 2835, "test": 3150}, r"[a-z_]+_\d+\.jpg", 256,
        "dataset_nwpu.json",
        "Cheng et al., NWPU-Captions Dataset and MLCA-Net for Remote Sensing Image Captioning, IEEE TGRS 2022",
        "github.com/HaiyanHuang98/NWPU-Captions (pictures: NWPU-RESISC45)",
    ),
}  # fmt: skip


def benchmark(name: str) -> Benchmark:
    """The descriptor of a set; raises ``InputError`` listing the known names.

    >>> benchmark("rsicd").pairs
    {'train': 44225, 'val': 4915, 'test': 5465}

    Taught in: notebooks/07_real_pairs
    """
    if name not in BENCHMARKS:
        raise InputError(f"benchmark is {name!r}: allowed is {', '.join(BENCHMARKS)}")
    return BENCHMARKS[name]


def split_train_val(
    images_in_published_order: Sequence[str], seed: int = 42, train_share: float = 0.9
) -> tuple[list[str], list[str]]:
    """Shuffle the published training list as the authors did; the first 90 %, rounded down, train, the rest validate.

    Raises ``InputError`` when an image comes twice or a part would be empty.

    >>> train, val = split_train_val([f"{number}.tif" for number in range(4291)])
    >>> len(train), len(val), train[:2]
    (3861, 430, ['1502.tif', '2921.tif'])

    Taught in: notebooks/07_real_pairs
    """
    images = list(images_in_published_order)
    if len(set(images)) < len(images):
        raise InputError(f"{len(images)} images, {len(set(images))} different: allowed is each image once")
    random.Random(seed).shuffle(images)
    cut = int(len(images) * train_share)
    if not 0 < cut < len(images):
        raise InputError(f"train_share is {train_share} of {len(images)} images: allowed leaves both parts an image")
    return images[:cut], images[cut:]


def tables_from_json(path: str | Path, name: str) -> dict[str, PairTable]:
    """Build train, val and test from a set's own JSON by the published rule.

    Its train and val entries, in the file's order, go through ``split_train_val``; test keeps the file's order.
    Raises ``InputError`` when the counts are not the benchmark's: the shuffle of a part of it is another split.

    Taught in: notebooks/07_real_pairs
    """
    known = benchmark(name)
    table, split_of = read_entries(path)
    train, val = split_train_val([image for image in table.images if split_of[image] != "test"])
    test, tables = [image for image in table.images if split_of[image] == "test"], {}
    for split, images in zip(SPLITS, (train, val, test), strict=True):
        place = {image: index for index, image in enumerate(images)}
        place_of_row = np.array([place.get(image, -1) for image in table.image_ids])
        order = np.argsort(place_of_row, kind="stable")[np.count_nonzero(place_of_row < 0) :]
        tables[split] = replace(table.take(order), split=split)
    if problems := check(known, tables):
        raise InputError(f"{path}: not the whole {known.title}: {problems[0]}")
    return tables


def check(benchmark: Benchmark, tables: Mapping[str, PairTable], images_folder: str | Path | None = None) -> list[str]:
    """Compare tables, and the pictures' presence, with what is published: one line a problem, none when all is right.

    Taught in: notebooks/00_start_here
    """
    problems = [f"{split} is missing" for split in SPLITS if split not in tables]
    for split in (split for split in SPLITS if split in tables):
        table, pattern = tables[split], benchmark.filename_pattern
        found = len(table.images), len(table), table.captions_sha256
        published = benchmark.images[split], benchmark.pairs[split], benchmark.captions_sha256.get(split, found[2])
        compared = zip(("images", "pairs", "captions SHA-256"), found, published, strict=True)
        problems += [f"{split}: {what} {is_}, published {known}" for what, is_, known in compared if is_ != known]
        if odd := [name for name in table.images if not re.fullmatch(pattern, name.rpartition("/")[2])]:
            problems.append(f"{split}: {len(odd)} names unlike {pattern}, such as {odd[0]!r}")
        if images_folder is not None:
            try:
                find_images(images_folder, table.images)
            except InputError as error:
                problems.append(f"{split}: {error}")
    return problems


def read_benchmark(name: str, folder: str | Path) -> dict[str, PairTable]:
    """Read a set from ``folder``: train, val and test as CSV, or else the set's own JSON by the published rule.

    CSV tables may be a part of the set (``check`` tells); a JSON must be whole. Raises ``InputError`` with what is
    missing and where it comes from.

    Taught in: notebooks/07_real_pairs
    """
    known, folder = benchmark(name), Path(folder)
    there = {path.name.lower(): path for path in sorted(folder.iterdir())} if folder.is_dir() else {}
    if any(f"{split}.csv{packed}" in there for split in SPLITS for packed in ("", ".gz")):
        return read_folder(folder)
    if known.json_name.lower() in there:
        return tables_from_json(there[known.json_name.lower()], name)
    files = f"neither train.csv, val.csv, test.csv nor {known.json_name}"
    raise InputError(f"{folder}: {files} in this folder; {known.title} comes from {known.source}")
