"""Free disk space: cells that no study plans any more, and, where asked, failed cells and spare checkpoints."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import Timeout

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.plan import DIGITS, plan
from rrsitr_lib.experiments.study_file import STUDY_FILE, Study
from rrsitr_lib.experiments.trials import OUTCOME, RUN, cell_lock, look, study_folder


def clean(
    folder: str | Path, failed: bool = False, checkpoints: bool = False, delete: bool = False
) -> Iterator[tuple[Path, int]]:
    """Yield (path, bytes) of what goes, and delete it if ``delete``; cells that are being trained are left alone.

    A cell that another study in the same folder of runs plans stays.
    """
    folder = study_folder(folder)
    planned = set()
    for file in sorted(folder.parent.glob(f"*/{STUDY_FILE}")):
        try:
            planned |= {cell.name for cell in plan(Study.read(file.parent))}
        except InputError as error:
            raise InputError(f"{error}; what this study needs is not known, so nothing is deleted") from None
    for cell in sorted(path for path in folder.iterdir() if _is_cell(path)):
        place = look(cell)
        if cell.name not in planned or (failed and place.state == "failed"):
            yield from _remove(folder.parent, cell, cell, delete)
        elif checkpoints and place.state == "done" and (cell / RUN / "last.safetensors").exists():
            yield from _remove(folder.parent, cell, cell / RUN / "last.safetensors", delete)


def _is_cell(path: Path) -> bool:
    """Only what a study makes: a folder with a fingerprint for a name, holding a run or an outcome."""
    is_name = len(path.name) == DIGITS and set(path.name) <= set("0123456789abcdef")
    return is_name and path.is_dir() and ((path / RUN).is_dir() or (path / OUTCOME).is_file())


def _remove(root: Path, cell: Path, path: Path, delete: bool) -> Iterator[tuple[Path, int]]:
    size = (
        sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else path.stat().st_size
    )
    try:
        with cell_lock(root, cell.name):
            if delete and path.is_dir():
                shutil.rmtree(path)
            elif delete:
                path.unlink()
    except Timeout:
        return
    yield path, size
