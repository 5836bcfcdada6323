"""What is odd about the pairs that are to be learned from: found before the first epoch, counted, listed, said once."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rrsitr_lib.data.images import found_otherwise
from rrsitr_lib.data.pictures import Picture, broken_images, pictures
from rrsitr_lib.data.shards.pairs import ShardImages
from rrsitr_lib.data.stretch import range_notes
from rrsitr_lib.data.tables.cells import no_caption
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import fingerprint, write_atomically

if TYPE_CHECKING:
    from rrsitr_lib.data.datasets import Split

FILE = "problems.csv"
LEFT_OUT = "pair left out"
FEW_PICTURES = 100  # of a validation set: a query then moves a recall by a point or more


class Problem(NamedTuple):
    """``row`` counts from 1 in the table as read, None for the whole split; ``problem``: its kind, or kind: detail."""

    split: str
    row: int | None
    image: str
    problem: str


def problems_of(splits: Mapping[str, "Split"], seen: Mapping[Path, Picture] | None = None) -> list[Problem]:
    """Pairs left out, captions without a word, rows that are there twice, equal pictures in two splits, a small val.

    Also what was done with 16-bit images. ``seen``: the pictures as decoded; else they are decoded here, once for all
    runs of a data set. Raises ``InputError`` naming those that cannot be.
    """
    seen = decodable(splits) if seen is None else seen
    found = [problem for split in splits.values() for problem in split.left_out]
    for name, split in splits.items():
        found += _of_rows(name, split)
    for name, paths in _files(splits).items():
        notes = [*found_otherwise(dict(zip(splits[name].table.images, paths, strict=True))), *range_notes(paths)]
        found += [Problem(name, None, "", note) for note in notes]
    found += _equal_pictures(splits, seen)
    if "val" in splits and (images := len(splits["val"].table.images)) < FEW_PICTURES:
        said = f"one query is {100 / images:.2g} points of a recall, too much to choose an epoch by"
        found.append(Problem("val", None, "", f"only {images} pictures to validate with: {said}"))
    return found


def decodable(splits: Mapping[str, "Split"]) -> dict[Path, Picture]:
    """All pictures, decoded. Raises ``InputError`` that counts those that cannot be, and names the first three."""
    seen = _seen(splits)
    if broken := list(broken_images(seen).values()):
        count = f"{len(broken)} of {len(seen)} images cannot be used, such as {', '.join(broken[:3])}"
        raise InputError(f"{count}; mend them, or leave their pairs out with bad=skip (--bad skip)")
    return seen


def picture_prints(splits: Mapping[str, "Split"], seen: Mapping[Path, Picture] | None = None) -> dict[str, str]:
    """A fingerprint of the bytes of all pictures of a split, where they are files; ``seen``: as decoded already."""
    seen = _seen(splits) if seen is None else seen
    return {name: fingerprint(*(seen[path].content for path in paths)) for name, paths in _files(splits).items()}


def cut_captions(splits: Mapping[str, "Split"], cut: Mapping[str, np.ndarray]) -> list[Problem]:
    """Captions whose end an encoder does not read. Shape: ``cut`` (N,) bool a split."""
    said = "caption cut: it has more tokens than the encoder reads"
    return [
        Problem(name, int(split.rows[row]), split.table.image_ids[row], said)
        for name, split in splits.items()
        for row in np.flatnonzero(cut[name])
    ]


def in_words(problems: Sequence[Problem]) -> str:
    """One line: how often there is what, and in full what is there once.

    >>> in_words([Problem("train", 3, "a.jpg", "caption without a word")] * 2)
    '2 x caption without a word'
    """
    counts = Counter(problem.problem.partition(":")[0] for problem in problems)
    once = {problem.problem.partition(":")[0]: problem for problem in problems}
    return "; ".join(f"{n} x {kind}" if n > 1 else _in_full(once[kind]) for kind, n in counts.items())


def check_left_out(path: Path, problems: Sequence[Problem]) -> None:
    """Raises ``InputError`` where a run, whose problems ``path`` lists, began with other pairs left out than now."""
    listed = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    before, now = (
        {(*map(str, row[:3]),) for row in rows if "".join(row[3:4]).startswith(LEFT_OUT)}
        for rows in (list(csv.reader(listed)), problems)
    )
    if changed := sorted(before ^ now):
        split, row, image = changed[0]
        left_out = "was left out when the run began, now it could be used"
        done = left_out if changed[0] in before else "must be left out now"
        others = f" ({len(changed)} such pairs)" if len(changed) > 1 else ""
        raise InputError(f"{image}, row {row} of {split}: {done}{others}: make it as it was, or begin in a new folder")


def write_problems(problems: Sequence[Problem], path: Path) -> None:
    """As CSV with the columns split, row, image, problem."""

    def write(temporary: Path) -> None:
        with open(temporary, "w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([Problem._fields, *problems])

    write_atomically(path, write)


def _of_rows(name: str, split: "Split") -> Iterator[Problem]:
    first: dict[tuple[str, str], int] = {}
    held = not isinstance(split.images, ShardImages)  # of shards are more pairs than memory holds
    for row, image, caption in zip(map(int, split.rows), split.table.image_ids, split.table.captions, strict=True):
        if said := no_caption(caption):
            yield Problem(name, row, image, said)
        if held and first.setdefault((image, caption), row) != row:
            yield Problem(name, row, image, f"pair that is there twice: as row {first[image, caption]}")


def _equal_pictures(splits: Mapping[str, "Split"], seen: Mapping[Path, Picture]) -> Iterator[Problem]:
    first: dict[str, tuple[str, str]] = {}
    for name, paths in _files(splits).items():
        table = splits[name].table
        rows = np.unique(table.image_of_row, return_index=True)[1]
        for image, path, row in zip(table.images, paths, rows, strict=True):
            other, twin = first.setdefault(seen[path].content, (name, image))
            if other != name and seen[path].content:
                said = f"picture of another split: the same file as {twin} in {other}"
                yield Problem(name, int(splits[name].rows[row]), image, said)


def _files(splits: Mapping[str, "Split"]) -> dict[str, Sequence[Path]]:
    """The splits whose pictures are files, neither drawn nor in shards."""
    return {
        name: split.images for name, split in splits.items() if not isinstance(split.images, np.ndarray | ShardImages)
    }


def _seen(splits: Mapping[str, "Split"]) -> dict[Path, Picture]:
    return pictures([path for paths in _files(splits).values() for path in paths])


def _in_full(problem: Problem) -> str:
    place = " ".join(filter(None, (problem.split, f"row {problem.row}" if problem.row else "", problem.image)))
    return f"{problem.problem} ({place})"
