"""A public benchmark: what must be in it, how its splits arise, where a copy on disk has its captions and images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import DataSet, Split, with_images
from rrsitr_lib.data.pairs import SPLITS, PairTable, read_folder
from rrsitr_lib.errors import InputError
from rrsitr_lib.registry import extension


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
        tables = self.read(folder)
        return with_images(tables, locate_images(folder, tables["train"].images), config.bad)

    def count_pairs(self, config: RunConfig) -> dict[str, int]:
        """As published."""
        return self.pairs

    def read(self, folder: str | Path) -> dict[str, PairTable]:
        """Train, val and test from CSV tables in ``folder``, or else from the set's own JSON in it or below.

        CSV tables may be a part of the set, those beside the JSON count too; a JSON must be whole, and is split by the
        published rule. Raises ``InputError`` with what is missing and where it comes from.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder")
        published = sorted(path for path in folder.rglob("*") if path.name.lower() == self.json_name.lower())
        for place in (folder, *(path.parent for path in published[:1])):
            if any(has_table(place, split) for split in SPLITS):
                return read_folder(place)
        if published:
            return extension("exchange.published_json").read_published(published[0], self)
        files = f"neither train.csv, val.csv, test.csv nor {self.json_name}"
        raise InputError(f"{folder}: {files} in this folder or below; {self.title} comes from {self.source}")


def has_table(folder: Path, split: str) -> bool:
    """Whether a folder holds the CSV table of a split."""
    return any((folder / f"{split}.csv{packed}").exists() for packed in ("", ".gz"))


def locate_images(folder: Path, names: Sequence[str] | np.ndarray) -> Path:
    """The folder of the images, from the place of the first that is below ``folder``; class folders count as one.

    Raises ``InputError`` where none is there.
    """
    places = {path.stem.casefold(): path.parent for path in sorted(folder.rglob("*.*"), reverse=True) if path.is_file()}
    stems = [name.rpartition("/")[2].rpartition(".")[0].casefold() for name in names]
    stem = next((stem for stem in stems if stem in places), None)
    if stem is None:
        raise InputError(f"{folder}: no image such as {names[0]!r} in it or below: are the images unpacked?")
    parent = places[stem]
    in_class_folder = parent != folder and stem.rpartition("_")[0] == parent.name.casefold()
    return parent.parent if in_class_folder else parent
