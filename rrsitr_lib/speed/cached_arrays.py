"""Arrays that take long to compute: kept on disk, read by memory map, built batch by batch and gone on with.

A finished set is a folder ``<name>/`` of ``.npy`` files; one being built is ``<name>.partial/`` with a count of what is
finished, so that a killed build goes on. A file lock keeps two builders apart. Checksums of a finished set are compared
whenever it is opened.
"""

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.lib.format import open_memmap

from rrsitr_lib.checksums import changed_files, note_checksums
from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.files import read_json, sealed, write_json
from rrsitr_lib.progress import progress_bar

Compute = Callable[[range], Mapping[str, np.ndarray]]


def cached_arrays(
    folder: Path, name: str, items: int, compute: Compute, batch: int, what: str
) -> dict[str, np.ndarray]:
    """Arrays by name, a row an item, read-only; computed now where they are not there yet, with progress.

    ``compute(range)`` gives the rows of each, of one type and shape. Raises ``RunError`` when the disk refuses; what is
    finished is kept. Raises ``InputError`` for a file that changed since.

    >>> import tempfile
    >>> squares = lambda items: {"square": np.array(items) ** 2}
    >>> cached_arrays(Path(tempfile.mkdtemp()), "squares", 5, squares, batch=2, what="squares")["square"]
    memmap([ 0,  1,  4,  9, 16])
    """
    final, partial = folder / name, folder / f"{name}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{name}.lock"):
            if not final.exists():
                partial.mkdir(exist_ok=True)
                _build(partial, items, compute, batch, what)
                note_checksums(partial, *(path.name for path in partial.glob("*.npy")))
                partial.rename(final)
    except OSError as error:
        raise RunError(f"cannot write {what} in {folder}: {error.strerror or error}; what is done is kept") from error
    return _open(final)


def _open(final: Path) -> dict[str, np.ndarray]:
    """The arrays of a finished set, unless a file is not what was written; it may be deleted then, and is made anew."""
    try:
        if changed := changed_files(final):
            raise InputError(changed[0])
        return {path.stem: open_memmap(path, mode="r") for path in sorted(final.glob("*.npy"))}
    except (ValueError, EOFError, OSError, AttributeError) as error:  # InputError is a ValueError
        where = error if isinstance(error, InputError) else f"{final}: damaged ({error})"
        raise InputError(f"{where}: delete the folder {final}, it is made anew") from None


def _build(partial: Path, items: int, compute: Compute, batch: int, what: str) -> None:
    done = _finished(partial, items)
    with progress_bar(items, what, "item", done) as bar:
        for start in range(done, items, batch):
            part = range(start, min(start + batch, items))
            for name, rows in compute(part).items():
                path = partial / f"{name}.npy"
                if not start:
                    _reserve(path, rows.dtype, (items, *rows.shape[1:]))
                array = open_memmap(path, mode="r+")
                array[start : part.stop] = rows
                array.flush()
            write_json(partial / "done.json", sealed({"items": part.stop}))
            bar.update(len(part))


def _finished(partial: Path, items: int) -> int:
    """Items that an earlier call has finished; none where its count or its arrays cannot be read."""
    with contextlib.suppress(InputError, KeyError, TypeError, ValueError, EOFError):
        done = int(read_json(partial / "done.json")["items"])
        if all(len(open_memmap(path, mode="r")) == items for path in partial.glob("*.npy")):
            return done
    return 0


def _reserve(path: Path, kind: np.dtype, shape: tuple[int, ...]) -> None:
    """Reserve the bytes now: a memory map onto a full disk would end the process without a message."""
    open_memmap(path, mode="w+", dtype=kind, shape=shape)
    if hasattr(os, "posix_fallocate"):
        with open(path, "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
