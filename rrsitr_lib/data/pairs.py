"""Caption tables: one row per image-caption pair, unchangeable, with the ways to select, report and write them."""

import gzip
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import fingerprint, write_atomically

SPLITS = ("train", "val", "test")
WORD = re.compile(r"[^\W_]")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def numbered(values: Sequence[str] | np.ndarray) -> tuple[list[str], np.ndarray]:
    """The different values in order of appearance, and the number of each entry's value. **Shape** (N,) -> (U,), (N,).

    >>> numbered(["b", "a", "b"])[1].tolist()
    [0, 1, 0]
    """
    unique = list(dict.fromkeys(values))
    place = {value: number for number, value in enumerate(unique)}
    return unique, np.fromiter(map(place.__getitem__, values), np.int64, len(values))


@dataclass(frozen=True, eq=False)
class PairTable:
    """Image-caption pairs, unchangeable; the rows of an image need be neither five nor neighbours.

    **Shape** ``image_ids`` (N,) and ``captions`` (N,), object arrays of str, one entry per pair.
    Raises ``InputError`` when the lengths differ or are zero, or an entry is no text (NUL, half a surrogate pair).

    >>> table = PairTable(["a.jpg", "b.jpg", "a.jpg"], ["a lake .", "two roads .", "a blue lake ."], "train", "memory")
    >>> table.images.tolist(), table.image_of_row.tolist()
    (['a.jpg', 'b.jpg'], [0, 1, 0])
    """

    image_ids: np.ndarray
    captions: np.ndarray
    split: str
    source: str

    def __post_init__(self) -> None:
        for field in ("image_ids", "captions"):
            column = np.array(getattr(self, field), dtype=object)
            for row, text in enumerate(column.ravel()):
                if not isinstance(text, str) or _NO_TEXT.search(text):
                    where = f"{self.source}, row {row + 1}"
                    input_error(where, field, text, "text without NUL or half surrogate pairs")
            column.setflags(write=False)
            object.__setattr__(self, field, column)
        if self.captions.ndim != 1 or len(self) == 0 or self.image_ids.shape != self.captions.shape:
            shapes = (self.image_ids.shape, self.captions.shape)
            input_error(self.source, "shape of image_ids and captions", shapes, "(N,) for both, N at least 1")

    def __len__(self) -> int:
        return len(self.captions)

    @cached_property
    def images(self) -> np.ndarray:
        """The different image ids in order of first appearance. **Shape** (M,) object array of str."""
        return np.array(numbered(self.image_ids)[0], dtype=object)

    @cached_property
    def image_of_row(self) -> np.ndarray:
        """For each pair the place of its image in ``images``. **Shape** (N,) int64, values 0 to M - 1."""
        return numbered(self.image_ids)[1]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over ids and captions in row order."""
        # No entry holds a NUL, so the joined text stands for one table only.
        return fingerprint("\0".join(self.image_ids), "\0".join(self.captions))

    @cached_property
    def captions_sha256(self) -> str:
        r"""SHA-256 (hex) of all captions joined by ``"\n"``, the published form of the authors' splits."""
        return hashlib.sha256("\n".join(self.captions).encode()).hexdigest()

    def with_captions(self, caption_index: np.ndarray) -> Self:
        """The same rows, row i carrying ``captions[caption_index[i]]``. **Shape** (N,) integers 0 to N - 1."""
        if np.shape(caption_index) != (len(self),):
            input_error(self.source, "shape of caption_index", np.shape(caption_index), f"({len(self)},)")
        return replace(self, captions=self.take(caption_index).captions)

    def take(self, rows: np.ndarray) -> Self:
        """The pairs at ``rows``, in that order. **Shape** (K,) integers 0 to N - 1, K at least 1."""
        rows = np.asarray(rows)
        if rows.ndim != 1 or rows.dtype.kind not in "iu" or not rows.size or rows.min() < 0 or rows.max() >= len(self):
            input_error(self.source, "row selection", rows, f"integers 0 to {len(self) - 1} on one axis, at least one")
        return replace(self, image_ids=self.image_ids[rows], captions=self.captions[rows])

    def report(self) -> dict[str, Any]:
        """What is worth knowing before training; rows count from 0 (row r is line r + 2 of a plain CSV)."""
        per_image, sentences = np.bincount(self.image_of_row), Counter(self.captions)
        words = np.array([len(caption.split()) for caption in self.captions])
        return {
            "source": self.source, "split": self.split, "rows": len(self), "images": len(self.images),
            "images_by_captions": dict(sorted(Counter(per_image.tolist()).items())),
            "images_without_five": self.images[per_image != 5].tolist(),
            "wordless_rows": [row for row, caption in enumerate(self.captions) if not WORD.search(caption)],
            "words_mean": round(float(words.mean()), 2), "words_max": int(words.max()), "longest": int(words.argmax()),
            "duplicate_rows": len(self) - len(set(zip(self.image_ids, self.captions, strict=True))),
            "distinct_captions": len(sentences),
            "most_repeated": [(text, times) for text, times in sentences.most_common(5) if times > 1],
        }  # fmt: skip

    def write_csv(self, path: str | Path) -> Path:
        """Write the authors' form ``filename,title``, whole or not at all; ``.gz`` gives the same bytes every time."""
        cells = np.stack([self.image_ids, self.captions], axis=1).ravel().tolist()
        cells = ['"' + text.replace('"', '""') + '"' if re.search('[,"\r\n]', text) else text for text in cells]
        lines = ["filename,title", *map(",".join, zip(cells[::2], cells[1::2], strict=True)), ""]
        data = packed = "\n".join(lines).encode()
        if str(path).endswith(".gz"):
            # Byte 9 names the operating system, which Python versions fill differently; 255 is "unknown".
            data = (packed := gzip.compress(data, mtime=0))[:9] + b"\xff" + packed[10:]
        return write_atomically(path, lambda temporary: temporary.write_bytes(data))


def input_error(where: object, what: str, value: object, allowed: str) -> NoReturn:
    """Raise ``InputError`` in the form that all messages about tables have; a long value is shown in part."""
    shown = " ".join(repr(value).split())
    raise InputError(f"{where}: {what} is {shown if len(shown) <= 90 else shown[:87] + '...'}: allowed is {allowed}")
