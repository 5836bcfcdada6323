"""Free disk space: trials that no study plans any more, and, where asked, failed trials and spare checkpoints."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import Timeout

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.study_file import Study, plan
from rrsitr_lib.experiments.study_folder import STUDY_FILE, is_trial, with_name
from rrsitr_lib.experiments.trials import read_state, trial_lock


def clean(
    folder: str | Path, failed: bool = False, checkpoints: bool = False, delete: bool = False
) -> Iterator[tuple[Path, int]]:
    """Yield (path, bytes) of what goes, and delete it if ``delete``; trials that are being trained are left alone.

    A trial that another study in the same folder of runs plans stays.
    """
    folder, planned = with_name(folder), set()
    for file in sorted(folder.parent.glob(f"*/{STUDY_FILE}")):
        try:
            planned |= {trial.name for trial in plan(Study.read(file.parent))}
        except InputError as error:
            raise InputError(f"{error}; what this study needs is not known, so nothing is deleted") from None
    for trial in sorted(path for path in folder.iterdir() if is_trial(path)):
        state = read_state(trial)
        spare = state.run / "last.safetensors"
        if trial.name not in planned or (failed and state.state == "failed"):
            yield from _remove(trial, trial, delete)
        elif checkpoints and state.state == "done" and spare.exists():
            yield from _remove(trial, spare, delete)


def _remove(trial: Path, path: Path, delete: bool) -> Iterator[tuple[Path, int]]:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    try:
        with trial_lock(trial.parents[1], trial.name):
            if delete and path.is_dir():
                shutil.rmtree(path)
            elif delete:
                path.unlink()
    except Timeout:
        return
    yield path, size
