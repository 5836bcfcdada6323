"""Records by name: JSON lines, JSON of the usual sets (a list, COCO, Karpathy, dialogues as LLaVA's), Parquet."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rrsitr_lib.data.images import SUFFIXES
from rrsitr_lib.data.tables.columns import CAPTION_NAMES
from rrsitr_lib.data.tables.row import Row
from rrsitr_lib.data.tables.text import read_text
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import parsed_json

MOST_ROWS = 20_000_000
DIALOGUES = ("conversations", "messages")  # of LLaVA, and of chat templates
ANSWERS = ("gpt", "assistant")


def json_lines(path: Path, notes: list[str]) -> list[Row]:
    """One object a line; other line ends may stand inside a caption."""
    lines = [(f"{path}, line {number}", line) for number, line in enumerate(read_text(path).split("\n"), 1)]
    return _answers([_record(where, parsed_json(where, line)) for where, line in lines if line.strip()], notes)


def json_file(path: Path, notes: list[str]) -> list[Row]:
    """A list of objects; COCO's captions; lists of objects by name, as Karpathy's and NWPU's; captions by image."""
    content = parsed_json(path, read_text(path))
    if isinstance(content, dict) and isinstance(content.get("annotations"), list):
        return _coco(path, content)
    if isinstance(content, dict) and _is_by_image(content):
        told = {name: one if isinstance(one, dict) else {"caption": one} for name, one in content.items()}
        return [Row(f"{path}, {name!r}", {**one, "image": name}) for name, one in told.items()]
    if isinstance(content, dict):
        lists = [content["images"]] if "images" in content else list(content.values())
    else:
        lists = [content]
    if not all(isinstance(one, list) for one in lists):
        raise InputError(f"{path}: {str(content)[:60]!r}: allowed is a list of objects, or lists of them by name")
    entries = [entry for one in lists for entry in one]
    rows = [_karpathy(_record(f"{path}, entry {number}", entry)) for number, entry in enumerate(entries, 1)]
    return _answers(rows, notes)


def parquet(path: Path, notes: list[str]) -> list[Row]:
    """Parquet, some rows after another: what a damaged head counts is never asked for at once."""
    from pyarrow.parquet import ParquetFile

    records: list[dict[str, Any]] = []
    try:
        with ParquetFile(path) as file:
            names = file.schema_arrow.names
            for batch in file.iter_batches(batch_size=10_000):
                records += batch.to_pylist()
                if len(records) > MOST_ROWS:  # a few bytes can say a row billions of times
                    raise InputError(f"{path}: more than {MOST_ROWS:,} rows: allowed are as many in a file")
    except InputError:
        raise
    except Exception as error:  # pyarrow's own errors, and those of the system
        raise InputError(f"{path}: not readable as Parquet ({' '.join(str(error).split())[:150]})") from None
    if len(set(names)) < len(names):
        raise InputError(f"{path}: the columns are {', '.join(names)}: allowed is each column once")
    return _answers([Row(f"{path}, row {number}", record) for number, record in enumerate(records, 1)], notes)


def _record(where: str, entry: Any) -> Row:
    if isinstance(entry, dict):
        return Row(where, entry)
    return Row(where, {}, f"{str(entry)[:60]!r} is no object: allowed is one with an image and a caption")


def _karpathy(row: Row) -> Row:
    """Folder and name of an image are two fields there; one name may be in two folders."""
    folder, name = row.cells.get("filepath"), row.cells.get("filename")
    if "sentences" in row.cells and isinstance(folder, str) and isinstance(name, str):
        return row._replace(cells={**row.cells, "filename": f"{folder}/{name}", "filepath": None})
    return row


def _answers(rows: list[Row], notes: list[str]) -> list[Row]:
    """Where rows hold a dialogue about an image, its first answer becomes their caption."""
    found = []
    for row in rows:
        turns = next((row.cells[name] for name in DIALOGUES if isinstance(row.cells.get(name), list)), None)
        if turns is None or any(name in row.cells for name in CAPTION_NAMES):
            found.append(row)
            continue
        notes.append("captions from the first answer of each dialogue")
        said = [_text(turn) for turn in _objects(turns) if turn.get("from", turn.get("role")) in ANSWERS]
        cells = {**row.cells, "caption": said[0] if said else None}
        found.append(row._replace(cells={name: cell for name, cell in cells.items() if name not in DIALOGUES}))
    return found


def _text(turn: dict[str, Any]) -> Any:
    """What a turn says, less the marks of images; parts of text one after another."""
    said = turn.get("value", turn.get("content"))
    if isinstance(said, list):
        said = " ".join(str(part["text"]) for part in _objects(said) if "text" in part)
    return said.replace("<image>", " ").strip() if isinstance(said, str) else said


def _is_by_image(content: dict[str, Any]) -> bool:
    """Whether names of image files lead to captions, one or a list each, or to objects that hold them."""
    named = sum(name.lower().endswith(SUFFIXES) for name in content)
    said = [one for value in content.values() for one in (value if isinstance(value, list) else [value])]
    return 2 * named > len(content) and all(isinstance(one, str | dict) for one in said)


def _coco(path: Path, content: dict[str, Any]) -> list[Row]:
    """A row for every annotation, then one without caption for every image that has none."""
    files: dict[Any, list[Any]] = {}
    for image in _objects(content.get("images")):
        files.setdefault(_key(image.get("id")), []).append(image.get("file_name"))
    rows, used = [], set()
    for number, entry in enumerate(content["annotations"], 1):
        where, cells = f"{path}, annotation {number}", entry if isinstance(entry, dict) else {}
        key = _key(cells.get("image_id"))
        used.add(key)
        names = files.get(key, [])
        problem = "" if len(names) == 1 else f"image_id {key!r} names {len(names)} images: allowed is one"
        cells = {"image": names[0] if names else None, "caption": cells.get("caption")}
        rows.append(Row(where, cells, problem))
    alone = [(key, name) for key, names in files.items() if key not in used for name in names]
    return rows + [Row(f"{path}, image {key!r}", {"image": name, "caption": None}) for key, name in alone]


def _objects(values: Any) -> Sequence[dict[str, Any]]:
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def _key(value: Any) -> Any:
    """What a dictionary can be asked for."""
    return value if isinstance(value, int | str) else repr(value)
