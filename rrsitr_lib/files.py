"""Files that are either whole or absent: write to a temporary name, then rename. What changed since is noticed."""

import hashlib
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import xxhash
from safetensors import SafetensorError

from rrsitr_lib.errors import InputError, RunError, cause
from rrsitr_lib.text_file import read_text

if TYPE_CHECKING:  # a command that only looks at files should not wait for it
    import numpy as np

CHECKSUM = "xxh3_128"  # the key under which a file holds that of its own content
CHANGED = "changed since it was written (its checksum differs)"


def write_atomically(path: str | Path, write: Callable[[Path], object], flush: bool = True) -> Path:
    """Let ``write(temporary)`` fill a file, flush it to the disk, then rename it to ``path``.

    The temporary name, ``.*.tmp`` beside it, cannot be foretold, and no link is followed. With ``flush`` False the
    system writes when it likes. Raises ``RunError`` with cause and mend when the disk refuses (full, read-only,
    something in the way); the old file, if any, is then untouched.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_atomically(folder / "a.txt", lambda temporary: temporary.write_text("whole")).read_text()
    'whole'
    """
    path = Path(path)
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    made = False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.open("xb").close()  # fails where anything has that name, were it a link; the mode is the umask's
        made = True
        write(temporary)
        if flush:
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, SafetensorError) as error:
        raise RunError(f"cannot write {path}: {cause(error)}; what was there before is kept") from error
    finally:
        if made:
            temporary.unlink(missing_ok=True)
    return path


@contextmanager
def gone_unless_finished(folder: Path) -> Iterator[None]:
    """Delete a folder, and the one around it where nothing else is in it, if what fills it does not end well.

    What was there before stays.
    """
    new = [path for path in (folder, folder.parent) if not path.exists()]
    try:
        yield
    except BaseException:
        if folder in new:
            shutil.rmtree(folder, ignore_errors=True)
        if folder.parent in new:
            with suppress(OSError):  # it was never made, or holds something else
                folder.parent.rmdir()
        raise


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


def load_arrays(path: str | Path, what: str = "an .npz file of arrays") -> dict[str, "np.ndarray"]:
    """All arrays of an ``.npz``, each compared with the archive's checksum.

    Raises ``InputError`` that names the file and says ``what`` it is not.
    """
    import numpy as np

    try:
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():  # numpy stops before the end, where zipfile would compare
                raise InputError(f"{path}: {CHANGED} in {damaged}")
        with np.load(path, allow_pickle=False) as members:
            arrays = dict(members)
        if foreign := [name for name, values in arrays.items() if not isinstance(values, np.ndarray)]:
            raise ValueError(f"{foreign[0]} in it is no array")
        return arrays
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except Exception as error:  # numpy, zipfile and zlib each complain in their own way about a foreign file
        raise InputError(f"{path}: not {what}, or damaged ({' '.join(str(error).split())})") from None


def checksum(*parts: "bytes | np.ndarray") -> str:
    """XXH3 of 128 bits over bytes and contiguous arrays, in hex: it finds damage, no forgery.

    >>> checksum(b"ab") == checksum(b"a", b"b")
    True
    """
    digest = xxhash.xxh3_128()
    for part in parts:
        digest.update(part)  # type: ignore[arg-type]  # numpy names its buffers from Python 3.12 on
    return digest.hexdigest()


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
    return write_text(path, json_text(content))


def json_text(content: Any) -> str:
    """Indented JSON, as all files have it."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be written as JSON with a checksum of itself, which ``read_json`` compares and leaves out."""
    return {**content, CHECKSUM: _of_json(content)}


def _of_json(content: Mapping[str, Any]) -> str:
    as_read = json.loads(json.dumps(content))  # numbers as keys are texts there
    return checksum(json.dumps(as_read, sort_keys=True).encode())


def read_json(path: str | Path) -> Any:
    """Read JSON; raises ``InputError`` naming the file, and the line, when it is absent, broken or changed."""
    content = parsed_json(path, read_text(path))
    if isinstance(content, dict) and CHECKSUM in content and content.pop(CHECKSUM) != _of_json(content):
        raise InputError(f"{path}: {CHANGED}")
    return content


def parsed_json(where: str | Path, text: str) -> Any:
    """JSON as Python has it. Raises ``InputError`` naming the place, and of several lines the line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = f", line {error.lineno}" if "\n" in text.strip() else ""
        raise InputError(f"{where}{line}: not JSON ({error.msg})") from None
    except RecursionError:
        raise InputError(f"{where}: not JSON that can be read (nested too deep)") from None
    except ValueError as error:  # a number without end
        raise InputError(f"{where}: not JSON that can be read ({str(error)[:100]})") from None


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
