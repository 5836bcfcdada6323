"""A benchmark's own JSON, and how its published train, val and test arise from it."""

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rrsitr_lib.data.benchmark import Benchmark
from rrsitr_lib.data.pairs import SPLITS, PairTable, table_of
from rrsitr_lib.errors import InputError, input_error
from rrsitr_lib.exchange.benchmark_check import check_tables
from rrsitr_lib.files import read_json

SEED, TRAIN_FRACTION = 42, 0.9  # the authors'


def read_published(path: str | Path, known: Benchmark) -> dict[str, PairTable]:
    """Build train, val and test from the set's own JSON by the published rule.

    Its train and val entries, in the file's order, go through ``split_train_val``; test keeps the file's order.
    Raises ``InputError`` when the counts are not the benchmark's: the shuffle of a part of it is another split.
    """
    table, split_of = read_entries(path)
    train, val = split_train_val([image for image in table.images if split_of[image] != "test"])
    test = [image for image in table.images if split_of[image] == "test"]
    tables = {}
    for split, images in zip(SPLITS, (train, val, test), strict=True):
        place = {image: number for number, image in enumerate(images)}
        chosen = sorted((place[image], row) for row, image in enumerate(table.image_ids) if image in place)
        tables[split] = replace(table.take(np.array([row for _, row in chosen], dtype=np.int64)), split=split)
    if problems := check_tables(known, tables):
        raise InputError(f"{path}: not the whole {known.title}: {problems[0]}")
    return tables


def split_train_val(images_in_published_order: Sequence[str]) -> tuple[list[str], list[str]]:
    """Shuffle the published training list as the authors did; the first 90 %, rounded down, train, the rest validate.

    Raises ``InputError`` when an image comes twice or a part would be empty.

    >>> train, val = split_train_val([f"{number}.tif" for number in range(4291)])
    >>> len(train), len(val), train[:2]
    (3861, 430, ['1502.tif', '2921.tif'])
    """
    images = list(images_in_published_order)
    if len(set(images)) < len(images):
        raise InputError(f"{len(images)} images, {len(set(images))} different: allowed is each image once")
    random.Random(SEED).shuffle(images)
    cut = int(len(images) * TRAIN_FRACTION)
    if not 0 < cut < len(images):
        raise InputError(f"train_fraction is {TRAIN_FRACTION} of {len(images)} images: allowed leaves both parts one")
    return images[:cut], images[cut:]


def read_entries(path: str | Path) -> tuple[PairTable, dict[str, str]]:
    """Read a set's own JSON: all pairs in the file's order, and the split of every image.

    Raises ``InputError`` naming the file and the image by its number in the list, counted from 1.
    """
    path, rows = Path(path), []
    split_of: dict[str, str] = {}
    content = read_json(path)
    groups = {"image": content["images"]} if isinstance(content, dict) and "images" in content else content
    if not isinstance(groups, dict) or not groups or not all(isinstance(group, list) for group in groups.values()):
        input_error(path, "the JSON", content, 'an object with a list "images", or with a list per class')
    for group, images in groups.items():
        for number, image in enumerate(images, 1):
            where = f"{path}, {group} {number}"
            if not isinstance(image, dict) or not isinstance(image.get("filename"), str):
                input_error(where, "the image", image, "an object with filename, split, and sentences or raw")
            name, split = image["filename"].strip(), image.get("split")
            where = f"{where} ({name})"
            raw = [image[key] for key in sorted(image) if re.fullmatch(r"raw(_\d+)?", key)]
            sentences = image.get("sentences", raw)
            if not isinstance(sentences, list) or not sentences:
                input_error(where, "sentences", sentences, "a list of at least one sentence")
            if split not in SPLITS or split_of.setdefault(name, split) != split:
                first = split_of.get(name)
                input_error(where, "split", split, f"{first}, as above" if first else "train, val, test")
            rows += [(where, name, text.get("raw") if isinstance(text, dict) else text) for text in sentences]
    if not rows:
        input_error(path, "number of images", 0, "at least one")
    return table_of(path, "all", rows), split_of
