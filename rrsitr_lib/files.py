"""Files that are either whole or absent: write to a temporary name, then rename."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from rrsitr_lib.errors import InputError, RunError

if TYPE_CHECKING:  # a command that only looks at files should not wait for it
    import numpy as np


def write_atomically(path: str | Path, write: Callable[[Path], object]) -> Path:
    """Let ``write(temporary)`` fill a file, flush it to the disk, then rename it to ``path``.

    Raises ``RunError`` when the disk refuses (full, read-only); the old file, if any, is then untouched.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_atomically(folder / "a.txt", lambda temporary: temporary.write_text("whole")).read_text()
    'whole'
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}; nothing was changed") from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def write_text(path: str | Path, text: str) -> Path:
    """Write ``text`` as UTF-8, whole or not at all. Raises ``RunError`` when the disk refuses."""
    return write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def save_array(path: str | Path, values: "np.ndarray") -> Path:
    """Write one array as ``.npy``, whole or not at all."""
    import numpy as np

    return _through_file(path, lambda file: np.save(file, values, allow_pickle=False))


def save_arrays(path: str | Path, arrays: Mapping[str, "np.ndarray"]) -> Path:
    """Write arrays by name as a compressed ``.npz``, whole or not at all."""
    import numpy as np

    return _through_file(path, lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]


def _through_file(path: str | Path, write: Callable[[BinaryIO], object]) -> Path:
    def through(temporary: Path) -> None:
        with open(temporary, "wb") as file:  # by name, numpy would add an ending
            write(file)

    return write_atomically(path, through)


def cache_folder() -> Path:
    """``$RRSITR_CACHE``, else ``rrsitr`` in the user's cache folder."""
    return Path(os.environ.get("RRSITR_CACHE") or Path.home() / ".cache" / "rrsitr")


def write_json(path: str | Path, content: Any) -> Path:
    """Write ``content`` as indented JSON, whole or not at all."""
    return write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read JSON; raises ``InputError`` naming the file, and the line, when it is absent or broken."""
    try:
        return json.loads(Path(path).read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}: not JSON ({error.msg})") from None
    except (ValueError, RecursionError, OSError) as error:  # no UTF-8, a number without end, too deep, a folder
        raise InputError(f"{path}: not JSON that can be read ({error})") from None


def fingerprint(*parts: "bytes | str | np.ndarray") -> str:
    """SHA-256 over texts, bytes and arrays (with their shape and type), in hex.

    >>> fingerprint("a", "b") == fingerprint("ab")
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            part = part.encode()
        elif not isinstance(part, bytes):
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            part = part.tobytes()  # in C order, however it lies in memory
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()
