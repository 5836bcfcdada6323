"""Which columns hold images and captions: named, or guessed by usual names, else by what they hold."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rrsitr_lib.data.images import SUFFIXES
from rrsitr_lib.data.tables.row import Row
from rrsitr_lib.errors import InputError, printable

ADDRESS = re.compile(r"\s*(https?|s3|gs)://", re.IGNORECASE)
FETCH = "fetch the images first (img2dataset), then give the folder of its shards"

IMAGE_NAMES = (
    "filename", "file_name", "filepath", "file_path", "image", "image_path", "image_file", "image_name", "img", "path",
    "file", "images", "image_id", "url", "image_url", "img_url", "图像", "图片", "文件名", "路径",
)  # fmt: skip
CAPTION_NAMES = (
    "title", "caption", "captions", "sentence", "sentences", "text", "description", "raw", "comment", "描述", "标题",
    "文本",
)  # fmt: skip
SAMPLE = 1000  # rows by which a column is judged
SHOWN = 12  # columns in a message


def choose_columns(
    path: Path, rows: Sequence[Row], image: str | None, caption: str | None, by_content: bool, notes: Sequence[str]
) -> tuple[str, list[str]]:
    """The column of images, and one or more of captions; unless ``by_content`` only known names count.

    Raises ``InputError`` naming the columns that there are, and how the table was read (``notes``).
    """
    mend = " (" + "; ".join(["name it" if by_content else "usual names are filename, title", *notes]) + ")"
    columns = list(dict.fromkeys(str(name) for row in rows for name in row.cells))
    for given, what in ((image, "image"), (caption, "caption")):
        if given is not None and given not in columns:
            raise InputError(f"{path}: no {what} column {given!r}; there are {_listed(columns)}")
    sample = [row.cells for row in rows if row.cells][:SAMPLE] if by_content else []
    image = image or _image_column(columns, sample)
    if image is None and any(ADDRESS.match(name) for name in columns):
        raise InputError(f"{path}: its images are addresses: {FETCH}")
    if image is None:
        raise InputError(f"{path}: no column of image files among {_listed(columns)}{mend}")
    others = [name for name in columns if name != image]
    usual = _caption_columns(others)
    if not by_content:  # a further column is no further caption
        usual = [name for name in usual if name.strip().casefold() in CAPTION_NAMES][:1] or usual
    captions = [caption] if caption else usual or _wordiest(others, sample)
    if not captions:
        raise InputError(f"{path}: no column of captions among {_listed(others)}{mend}")
    return image, captions


def _listed(columns: Sequence[str]) -> str:
    return printable(", ".join(columns[:SHOWN])) + (" …" if len(columns) > SHOWN else "")


def _image_column(columns: Sequence[str], sample: Sequence[Mapping[str, Any]]) -> str | None:
    """A usual name over cells that name images, else such cells, else a usual name."""
    by_name = {name.strip().casefold(): name for name in reversed(columns)}
    named = [by_name[name] for name in IMAGE_NAMES if name in by_name]
    like = [name for name in columns if _share(name, sample, _names_an_image) > 0.5]
    return next(iter([*(name for name in named if name in like), *like, *named]), None)


def _caption_columns(columns: Sequence[str]) -> list[str]:
    """The columns of one usual name, numbered or not (``caption``, ``raw_1`` … ``raw_4``)."""
    for name in CAPTION_NAMES:
        pattern = re.compile(rf"{re.escape(name)}[ _-]?\d*")
        if found := [column for column in columns if pattern.fullmatch(column.strip().casefold())]:
            return found
    return []


def _wordiest(columns: Sequence[str], sample: Sequence[Mapping[str, Any]]) -> list[str]:
    texts = [name for name in columns if _share(name, sample, _is_text) > 0.5]
    return [max(texts, key=lambda name: sum(len(str(cells.get(name))) for cells in sample))] if texts else []


def _share(name: str, sample: Sequence[Mapping[str, Any]], test: Callable[[Any], bool]) -> float:
    return sum(test(cells.get(name)) for cells in sample) / max(1, len(sample))


def _names_an_image(value: Any) -> bool:
    value = value[0] if isinstance(value, list) and len(value) == 1 else value
    held = isinstance(value, bytes) or (isinstance(value, dict) and {"bytes", "path"} & value.keys())
    named = isinstance(value, str) and value.strip().lower().endswith(SUFFIXES)
    return bool(held) or (named and "://" not in value)


def _is_text(value: Any) -> bool:
    return isinstance(value, list) or (isinstance(value, str) and len(value) > 3)
