"""Tables of pairs as people keep them: CSV, TSV, Parquet, JSON lines, tar shards; columns given, or guessed."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from rrsitr_lib.audit.raw_pairs import CAPTION_NAMES, RawPairs
from rrsitr_lib.audit.shards import read_shard
from rrsitr_lib.data.images import SUFFIXES
from rrsitr_lib.data.tables import read_separated, read_text
from rrsitr_lib.errors import InputError

IMAGE_NAMES = (
    "filename", "file_name", "filepath", "file_path", "image", "image_path", "image_file", "img", "path", "file",
    "image_id", "图像", "图片", "文件名", "路径",
)  # fmt: skip
TABLES = (".csv", ".tsv", ".txt", ".parquet", ".jsonl", ".ndjson", ".tar")
FORMS = f"{', '.join(TABLES)}, and .csv.gz, .tsv.gz, .jsonl.gz"


def read_pairs_of(path: str | Path, image_column: str | None = None, caption_column: str | None = None) -> RawPairs:
    """Read a table of any of the known forms; a cell may hold a list of captions, and columns may be numbered.

    Columns that are not named are guessed by their usual names, else by what they hold; ``notes`` says which.
    Raises ``InputError`` naming the file, and the row or column.
    """
    path = Path(path)
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(".tar"):
        return read_shard(path)
    if name.endswith(".parquet"):
        frame = _parquet(path)
    elif name.endswith((".jsonl", ".ndjson")):
        frame = _json_lines(path)
    elif name.endswith((".csv", ".tsv", ".txt")):
        frame = _separated(path)
    else:
        raise InputError(f"{path}: allowed are {FORMS}")
    if not len(frame):
        raise InputError(f"{path}: no row below the header")
    image = _chosen(path, frame, image_column, "image") or _guess_image(path, frame)
    captions = (
        [_chosen(path, frame, caption_column, "caption")]
        if caption_column
        else _guess_captions(path, frame.drop(columns=image))
    )
    notes = [f"pictures from column {image!r}, captions from {', '.join(map(repr, captions))}"]
    return _pairs(path, frame, image, captions, notes)


def _separated(path: Path) -> pd.DataFrame:
    """A table of separated values; without the ending .tsv the separator is the one that the header has most of."""
    tabbed = path.name.lower().removesuffix(".gz").endswith(".tsv")
    names, rows = read_separated(path, "\t" if tabbed else None)
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"{path}: the header has {twice!r} twice: allowed is each column once")
    return pd.DataFrame([row for _, row in rows], columns=names)


def _json_lines(path: Path) -> pd.DataFrame:
    entries = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}, line {number}: not JSON ({error})") from None
        if not isinstance(entry, dict):
            raise InputError(f"{path}, line {number}: {type(entry).__name__}, allowed is one object a line")
        entries.append(entry)
    return pd.DataFrame(entries)


def _parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except Exception as error:  # pyarrow's own errors, and those of the system
        raise InputError(f"{path}: not readable as Parquet ({' '.join(str(error).split())[:150]})") from None


def _chosen(path: Path, frame: pd.DataFrame, column: str | None, what: str) -> str | None:
    if column is not None and column not in frame.columns:
        raise InputError(f"{path}: no {what} column {column!r}; there are {', '.join(map(str, frame.columns))}")
    return column


def _guess_image(path: Path, frame: pd.DataFrame) -> str:
    by_name = {str(name).strip().casefold(): name for name in frame.columns}
    named = [by_name[name] for name in IMAGE_NAMES if name in by_name]
    like = [name for name in frame.columns if _share(frame[name], _names_a_picture) > 0.5]
    for name in [*(name for name in named if name in like), *like, *named]:
        return name
    raise InputError(f"{path}: no column of picture files among {', '.join(map(str, frame.columns))}; name it")


def _guess_captions(path: Path, frame: pd.DataFrame) -> list[str]:
    """The columns of one usual name, numbered or not (``caption``, ``raw_1`` … ``raw_4``), else the wordiest column."""
    for name in CAPTION_NAMES:
        pattern = re.compile(rf"{re.escape(name)}[ _-]?\d*")
        if found := [column for column in frame.columns if pattern.fullmatch(str(column).strip().casefold())]:
            return found
    words = {column: frame[column].astype(str).str.len().mean() for column in frame.columns}
    words = {column: length for column, length in words.items() if _share(frame[column], _is_text) > 0.5}
    if not words:
        raise InputError(f"{path}: no column of captions among {', '.join(map(str, frame.columns))}; name it")
    return [max(words, key=words.__getitem__)]


def _share(column: pd.Series, test: Any) -> float:
    sample = column.head(1000)
    return sum(map(test, sample)) / len(sample)


def _names_a_picture(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, str) and value.strip().lower().endswith(SUFFIXES))


def _is_text(value: Any) -> bool:
    return isinstance(value, list | tuple) or hasattr(value, "tolist") or (isinstance(value, str) and len(value) > 3)


def _pairs(path: Path, frame: pd.DataFrame, image: str, captions: Sequence[str], notes: list[str]) -> RawPairs:
    raw, empty = RawPairs([], [], [], notes, {}), 0
    for row, entry in enumerate(frame[[image, *captions]].itertuples(index=False, name=None), 1):
        name = _name(path, row, entry[0], raw.pictures)
        for value in entry[1:]:
            for text in _texts(path, row, value):
                if not text.strip():
                    empty += 1
                    continue
                raw.add(name, text.strip(), row)
    if empty:
        notes.append(f"{empty} empty captions left out")
    if not raw.captions:
        raise InputError(f"{path}: every caption is empty")
    return raw


def _name(path: Path, row: int, value: Any, pictures: dict[str, bytes]) -> str:
    """The picture's name; of a picture that the cell itself holds (Parquet of the Hugging Face hub) also its bytes."""
    if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
        name = str(value.get("path") or f"row_{row}.jpg").replace("\\", "/").rpartition("/")[2]
        pictures[name] = value["bytes"]
        return name
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InputError(f"{path}, row {row}: the picture is {str(value)[:60]!r}: allowed is the name of a file")


def _texts(path: Path, row: int, value: Any) -> list[str]:
    values = value.tolist() if hasattr(value, "tolist") else value
    values = values if isinstance(values, list | tuple) else [values]
    for text in values:
        missing = text is None or (isinstance(text, float) and text != text)
        if not missing and not isinstance(text, str):
            raise InputError(f"{path}, row {row}: the caption is {str(text)[:60]!r}: allowed is text, or a list of it")
    return [text if isinstance(text, str) else "" for text in values]
