"""Records by name: JSON lines, JSON of the usual sets (a list, COCO, Karpathy), Parquet."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rrsitr_lib.data.tables.row import Row
from rrsitr_lib.data.tables.text import read_text
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import parsed_json

MOST_ROWS = 20_000_000


def json_lines(path: Path, notes: list[str]) -> list[Row]:
    """One object a line; other line ends may stand inside a caption."""
    lines = [(f"{path}, line {number}", line) for number, line in enumerate(read_text(path).split("\n"), 1)]
    return [_record(where, parsed_json(where, line)) for where, line in lines if line.strip()]


def json_file(path: Path, notes: list[str]) -> list[Row]:
    """A list of objects; COCO's captions; or lists of objects by name, as in Karpathy's and NWPU's files."""
    content = parsed_json(path, read_text(path))
    if isinstance(content, dict) and isinstance(content.get("annotations"), list):
        return _coco(path, content)
    if isinstance(content, dict):
        lists = [content["images"]] if "images" in content else list(content.values())
    else:
        lists = [content]
    if not all(isinstance(one, list) for one in lists):
        raise InputError(f"{path}: {str(content)[:60]!r}: allowed is a list of objects, or lists of them by name")
    entries = [entry for one in lists for entry in one]
    return [_karpathy(_record(f"{path}, entry {number}", entry)) for number, entry in enumerate(entries, 1)]


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
    return [Row(f"{path}, row {number}", record) for number, record in enumerate(records, 1)]


def _record(where: str, entry: Any) -> Row:
    if isinstance(entry, dict):
        return Row(where, entry)
    return Row(where, {}, f"{str(entry)[:60]!r} is no object: allowed is one with an image and a caption")


def _karpathy(row: Row) -> Row:
    """Folder and name of an image are two fields there; one name may be in two folders."""
    folder, name = row.cells.get("filepath"), row.cells.get("filename")
    if "sentences" in row.cells and isinstance(folder, str) and isinstance(name, str):
        return row._replace(cells={"filename": f"{folder}/{name}", "sentences": row.cells["sentences"]})
    return row


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
