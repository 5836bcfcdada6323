"""How a bad input is made: what is written into an empty folder and read, or called whatever the folder."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

Make = Callable[[Path], object]
Cases = list[tuple[str, Make, str]]  # name, what makes and reads the input, what the message must say


def file(read: Callable, name: str, content: str | bytes | None = None, *arguments: object, **options: object) -> Make:
    """Write a file, or none where there is no content, and read it."""
    return lambda folder: read(written(folder / name, content), *arguments, **options)


def files(read: Callable, contents: dict[str, bytes], *arguments: object) -> Make:
    """Write files by their names and read their folder."""

    def make(folder: Path) -> object:
        for name, content in contents.items():
            written(folder / name, content)
        return read(folder, *arguments)

    return make


def call(function: Callable, *arguments: object, **options: object) -> Make:
    """Call it, whatever the folder."""
    return lambda folder: function(*arguments, **options)


def written(path: Path, content: str | bytes | None) -> Path:
    """The path, with its content."""
    path.parent.mkdir(exist_ok=True)
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def npy(values: object) -> bytes:
    """What ``np.save`` writes."""
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=True)
    return buffer.getvalue()
