"""What the files of a folder held when they were written, noted beside them: damage is noticed, and the file named."""

import contextlib
import hashlib
from collections.abc import Mapping
from pathlib import Path

import xxhash

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import CHANGED, read_json, sealed, write_json

CHECKSUMS = "checksums.json"


def file_checksum(path: str | Path) -> str:
    """``checksum`` of a file's content. Raises ``InputError`` where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, xxhash.xxh3_128).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


def write_checksums(folder: Path, checksums: Mapping[str, str]) -> Path:
    """Note what files of a folder hold, by name, for ``changed_files``."""
    return write_json(folder / CHECKSUMS, sealed({"files": dict(checksums)}))


def note_checksums(folder: Path, *names: str) -> Path:
    """``write_checksums`` of files as they are now; what was noted of others stays."""
    noted: dict[str, str] = {}
    with contextlib.suppress(InputError):  # nothing was noted yet, or it is damaged
        noted = _noted(folder)
    return write_checksums(folder, noted | {name: file_checksum(folder / name) for name in names})


def changed_files(folder: str | Path, *names: str) -> list[str]:
    """A line for each file, of ``names`` or all, that is not what ``write_checksums`` noted; none without notes."""
    folder = Path(folder)
    if not (folder / CHECKSUMS).exists():
        return []
    noted, lines = _noted(folder), []
    for name in names or noted:
        if name in noted and not (folder / name).exists():
            lines.append(f"{folder / name}: missing")
        elif name in noted and file_checksum(folder / name) != noted[name]:
            lines.append(f"{folder / name}: {CHANGED}")
    return lines


def _noted(folder: Path) -> dict[str, str]:
    content = read_json(folder / CHECKSUMS)
    if not isinstance(content, dict) or set(content) != {"files"}:
        raise InputError(f"{folder / CHECKSUMS}: {CHANGED}")
    return content["files"]
