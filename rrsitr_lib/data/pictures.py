"""Every picture of a set decoded once: which are broken, and what their bytes are; remembered between runs."""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL
from filelock import FileLock

from rrsitr_lib.data.images import THREADS, match_images, one_file_each, open_image
from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.files import cache_folder, fingerprint, read_json, sealed, write_json
from rrsitr_lib.progress import progress_bar

RULES = "2"  # another number where open_image begins to refuse or to take other files than before


class Picture(NamedTuple):
    """``content``: fingerprint of the file's bytes; ``problem``: why it cannot be decoded, empty where it can."""

    content: str
    problem: str


def broken_images(seen: Mapping[Path, Picture]) -> dict[Path, str]:
    """Of the files that were decoded those that cannot be, each in a line that says why."""
    return {path: f"{path}: {picture.problem}" for path, picture in seen.items() if picture.problem}


def decode(paths: Sequence[Path], progress: Callable[[int, int], object] | None = None) -> dict[Path, Picture]:
    """Every file decoded now. ``progress(done, total)`` is called after every image."""
    seen = {}
    with ThreadPoolExecutor(THREADS) as pool:
        for path, picture in zip(paths, pool.map(_look, paths), strict=True):
            seen[path] = picture
            if progress:
                progress(len(seen), len(paths))
    return seen


def pictures(paths: Sequence[Path]) -> dict[Path, Picture]:
    """Every file as it was when it was decoded: now, or in an earlier run where size and time of change are the same.

    Nothing cheaper finds a file that is cut short. With progress; from then on it is a look at the folder. Kept in the
    cache folder, which may be deleted.
    """
    if not len(paths):
        return {}
    above = os.path.commonpath([path.absolute().parent for path in paths])
    kept = cache_folder() / "pictures" / f"{fingerprint(RULES, PIL.__version__, above)}.json"
    with contextlib.suppress(OSError):  # a cache that cannot be written
        kept.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(kept.with_suffix(".lock")):
            return _remembered(paths, kept)
    return _decode_shown(paths)


def _remembered(paths: Sequence[Path], kept: Path) -> dict[Path, Picture]:
    """As kept in a file, which is brought up to date."""
    known, now = _read(kept), {path: _state(path) for path in paths}
    if new := [path for path, state in now.items() if known.get(str(path.absolute()), [""])[0] != state]:
        known |= {str(path.absolute()): (now[path], *picture) for path, picture in _decode_shown(new).items()}
        with contextlib.suppress(RunError):  # a full disk: what must be written will say so
            write_json(kept, sealed(known))
    return {path: Picture(*known[str(path.absolute())][1:]) for path in paths}


def _decode_shown(paths: Sequence[Path]) -> dict[Path, Picture]:
    with progress_bar(len(paths), "pictures decoded", "picture") as bar:
        return decode(paths, lambda done, total: bar.update())


def usable_images(folder: str | Path, names: Sequence[str] | np.ndarray) -> tuple[dict[str, Path], dict[str, str]]:
    """The file of every name that has one of its own, which opens; and what is wrong with the other names.

    Raises ``InputError`` where there is no such folder.
    """
    found, lost = one_file_each(match_images(folder, names), Path(folder))
    return without_broken(found, lost, pictures(list(found.values())))


def without_broken(
    found: Mapping[str, Path], lost: Mapping[str, str], seen: Mapping[Path, Picture]
) -> tuple[dict[str, Path], dict[str, str]]:
    """The same files less those that cannot be decoded, which join the lost names with the reason."""
    broken = {name: seen[path].problem for name, path in found.items() if seen[path].problem}
    return {name: path for name, path in found.items() if name not in broken}, {**lost, **broken}


def _look(path: Path) -> Picture:
    try:
        open_image(path)
        return Picture(fingerprint(path.read_bytes()), "")
    except (InputError, OSError) as error:
        return Picture("", str(error).removeprefix(f"{path}: "))


def _state(path: Path) -> str:
    """Size and time of change; of a file that is not there nothing that could equal a kept one."""
    try:
        stat = path.stat()
    except OSError:
        return "gone"
    return f"{stat.st_size} {stat.st_mtime_ns}"


def _read(kept: Path) -> dict[str, tuple[str, str, str]]:
    """State, content and problem by path; nothing where the file is not there or damaged: all are decoded anew."""
    with contextlib.suppress(InputError, TypeError, ValueError, AttributeError):
        return {path: (state, content, problem) for path, (state, content, problem) in read_json(kept).items()}
    return {}
