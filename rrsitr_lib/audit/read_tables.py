"""Tables of pairs as people keep them: CSV, TSV, Parquet, JSON lines, tar shards; columns given, or guessed."""

import json
import re
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from rrsitr_lib.data.images import SUFFIXES
from rrsitr_lib.data.tables import read_separated, read_text
from rrsitr_lib.errors import InputError

IMAGE_NAMES = (
    "filename", "file_name", "filepath", "file_path", "image", "image_path", "image_file", "img", "path", "file",
    "image_id", "图像", "图片", "文件名", "路径",
)  # fmt: skip
CAPTION_NAMES = (
    "title", "caption", "captions", "sentence", "sentences", "text", "description", "raw", "描述", "标题", "文本",
)  # fmt: skip


class RawPairs(NamedTuple):
    """Pairs as written. ``table``: columns row (of the table read, from 1), image and caption, N rows.

    ``notes``: what was guessed or left out. ``contents``: images as bytes by name, where the table itself holds them.
    """

    table: pd.DataFrame
    notes: list[str]
    contents: dict[str, bytes]


def read_tables(paths: Sequence[Path], image_column: str | None = None, caption_column: str | None = None) -> RawPairs:
    """Read one table of any of the known forms, or the tar shards of a set together.

    A cell may hold a list of captions, and columns of captions may be numbered. Columns that are not named are guessed
    by their usual names, else by what they hold; ``notes`` says which. Raises ``InputError`` naming the file, and the
    row or column.
    """
    path = paths[0]
    form = form_of(path)
    if form == ".tar":
        frame, notes = _shards(paths)
        return _pairs(path, frame, "image", ["caption"], notes)
    if form not in READERS:
        raise InputError(f"{path}: allowed are {', '.join(FORMS)}, and .csv.gz, .tsv.gz, .jsonl.gz")
    frame = READERS[form](path)
    if not len(frame):
        raise InputError(f"{path}: no row below the header")
    frame.index = range(1, len(frame) + 1)
    for column, what in ((image_column, "image"), (caption_column, "caption")):
        if column is not None and column not in frame.columns:
            raise InputError(f"{path}: no {what} column {column!r}; there are {', '.join(map(str, frame.columns))}")
    image = image_column or _image_column(path, frame)
    captions = [caption_column] if caption_column else _caption_columns(path, frame.drop(columns=image))
    notes = [f"images from column {image!r}, captions from {', '.join(map(repr, captions))}"]
    return _pairs(path, frame, image, captions, notes)


def form_of(path: Path) -> str:
    """The ending that says how a file is written, packed by gzip or not."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


# --- forms ---


def _separated(path: Path) -> pd.DataFrame:
    """A table of separated values; without the ending .tsv the separator is the one that the header has most of."""
    names, rows = read_separated(path, "\t" if form_of(path) == ".tsv" else None)
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"{path}: the header has {twice!r} twice: allowed is each column once")
    return pd.DataFrame([row for _, row in rows], columns=names)


def _json_lines(path: Path) -> pd.DataFrame:
    entries = []
    for number, line in enumerate(read_text(path).split("\n"), 1):  # other line ends may stand inside a caption
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


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": _separated, ".tsv": _separated, ".txt": _separated, ".parquet": _parquet, ".jsonl": _json_lines,
    ".ndjson": _json_lines,
}  # fmt: skip
FORMS = (*READERS, ".tar")


def _shards(paths: Sequence[Path]) -> tuple[pd.DataFrame, list[str]]:
    """A row for every image with a caption, under the number of its sample in all shards; notes name the others."""
    rows, notes, number = {}, ["images and captions by equal names of the shard's members"], 0
    for path in paths:
        for key, parts in _samples(path).items():
            number += 1
            suffix = next((suffix for suffix in parts if suffix in SUFFIXES), None)
            texts = _member_texts(path, key, parts)
            if suffix and texts:
                rows[number] = {"path": key.replace("/", "_") + suffix, "bytes": parts[suffix]}, texts
            else:
                notes.append(f"{key}: left out, it lacks {'a caption' if suffix else 'an image'}")
    if not rows:
        raise InputError(f"{paths[0]}: no image with a caption (.txt, .json) in it")
    return pd.DataFrame(list(rows.values()), index=list(rows), columns=["image", "caption"]), notes


def _samples(path: Path) -> dict[str, dict[str, bytes]]:
    """Members of a webdataset shard, by their name up to the first dot and the suffix behind it."""
    samples: dict[str, dict[str, bytes]] = {}
    try:
        with tarfile.open(path) as shard:
            for member in filter(tarfile.TarInfo.isfile, shard):
                folder, slash, last = member.name.rpartition("/")
                stem, _, suffix = last.partition(".")
                content = shard.extractfile(member)
                samples.setdefault(folder + slash + stem, {})[f".{suffix.lower()}"] = content.read() if content else b""
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(f"{path}: not a whole tar file ({' '.join(str(error).split())[:100]})") from None
    return samples


def _member_texts(path: Path, key: str, parts: dict[str, bytes]) -> list[Any]:
    try:
        if ".txt" in parts:
            return [line for line in parts[".txt"].decode("utf-8-sig").splitlines() if line.strip()]
        entry = json.loads(parts.get(".json", b"{}"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}, {key}: the caption is not readable ({error})") from None
    found: Any = next((entry[name] for name in CAPTION_NAMES if isinstance(entry, dict) and name in entry), [])
    return found if isinstance(found, list) else [found]


# --- columns ---


def _image_column(path: Path, frame: pd.DataFrame) -> str:
    """A usual name over cells that name images, else such cells, else a usual name."""
    by_name = {str(name).strip().casefold(): name for name in frame.columns}
    named = [by_name[name] for name in IMAGE_NAMES if name in by_name]
    like = [name for name in frame.columns if _fraction(frame[name], _names_an_image) > 0.5]
    if not (found := [*(name for name in named if name in like), *like, *named]):
        raise InputError(f"{path}: no column of image files among {', '.join(map(str, frame.columns))}; name it")
    return found[0]


def _caption_columns(path: Path, frame: pd.DataFrame) -> list[str]:
    """The columns of one usual name, numbered or not (``caption``, ``raw_1`` … ``raw_4``), else the wordiest column."""
    for name in CAPTION_NAMES:
        pattern = re.compile(rf"{re.escape(name)}[ _-]?\d*")
        if found := [column for column in frame.columns if pattern.fullmatch(str(column).strip().casefold())]:
            return found
    words = {name: frame[name].astype(str).str.len().mean() for name in frame if _fraction(frame[name], _is_text) > 0.5}
    if not words:
        raise InputError(f"{path}: no column of captions among {', '.join(map(str, frame.columns))}; name it")
    return [max(words, key=words.__getitem__)]


def _fraction(column: pd.Series, test: Callable[[Any], bool]) -> float:
    sample = column.head(1000)
    return sum(map(test, sample)) / len(sample)


def _names_an_image(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, str) and value.strip().lower().endswith(SUFFIXES))


def _is_text(value: Any) -> bool:
    return isinstance(value, list) or hasattr(value, "tolist") or (isinstance(value, str) and len(value) > 3)


# --- cells ---


def _pairs(path: Path, frame: pd.DataFrame, image: str, captions: Sequence[str], notes: list[str]) -> RawPairs:
    pairs: list[tuple[int, str, str]] = []
    contents: dict[str, bytes] = {}
    empty = 0
    for row, value, *cells in frame[[image, *captions]].itertuples(name=None):
        name = _image_name(path, row, value, contents)
        texts = [text.strip() for cell in cells for text in _texts(path, row, cell)]
        pairs += [(row, name, text) for text in texts if text]
        empty += texts.count("")
    if empty:
        notes.append(f"{empty} empty captions left out")
    if not pairs:
        raise InputError(f"{path}: every caption is empty")
    return RawPairs(pd.DataFrame(pairs, columns=["row", "image", "caption"]), notes, contents)


def _image_name(path: Path, row: int, value: Any, contents: dict[str, bytes]) -> str:
    """The image's name; of an image that the cell itself holds (Parquet of the Hugging Face hub) also its bytes."""
    if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
        name = str(value.get("path") or f"row_{row}.jpg").replace("\\", "/").rpartition("/")[2]
        contents[name] = value["bytes"]
        return name
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InputError(f"{path}, row {row}: the image is {str(value)[:60]!r}: allowed is the name of a file")


def _texts(path: Path, row: int, value: Any) -> list[str]:
    """The captions of a cell; a missing one is empty."""
    values = value.tolist() if hasattr(value, "tolist") else value
    texts = []
    for text in values if isinstance(values, list) else [values]:
        if text is None or (isinstance(text, float) and text != text):
            text = ""
        if not isinstance(text, str):
            raise InputError(f"{path}, row {row}: the caption is {str(text)[:60]!r}: allowed is text, or a list of it")
        texts.append(text)
    return texts
