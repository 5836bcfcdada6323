"""Images that cannot be decoded, among many."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rrsitr_lib.data.images import THREADS, open_image
from rrsitr_lib.errors import InputError


def broken_images(paths: Sequence[Path], progress: Callable[[int, int], object] | None = None) -> dict[Path, str]:
    """What is wrong with each file that cannot be decoded, as ``open_image`` says it. Decodes everything.

    ``progress(done, total)`` is called after every image.
    """

    def problem(path: Path) -> str | None:
        try:
            open_image(path)
        except InputError as error:
            return str(error)
        return None

    broken = {}
    with ThreadPoolExecutor(THREADS) as pool:
        for done, (path, line) in enumerate(zip(paths, pool.map(problem, paths), strict=True), 1):
            if line:
                broken[path] = line
            if progress:
                progress(done, len(paths))
    return broken
