"""Where a cell lies and how far it is: read from its folder alone, so that any process may ask at any time.

A folder of runs holds studies, a study holds cells: ``runs/<study>/<cell>/run.ipynb``, the run's folder ``run`` beside
it, and ``outcome.json`` once it has ended. A cell that two studies share lies in the one that trained it.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.plan import Cell, plan
from rrsitr_lib.experiments.study_file import Study
from rrsitr_lib.files import read_json, write_json

OUTCOME, NOTEBOOK, RUN = "outcome.json", "run.ipynb", "run"
STATES = ("done", "failed", "begun", "waiting")


class Place(NamedTuple):
    """A cell on the disk. ``state``: done, failed, begun (an epoch or more may be kept) or waiting; ``folder``: where
    it lies or will lie; ``outcome``: what ``outcome.json`` says, else empty."""

    state: str
    folder: Path
    outcome: Mapping[str, Any]

    @property
    def run(self) -> Path:
        """The run folder, with configuration, ledger, metrics, result."""
        return self.folder / RUN

    @property
    def epochs(self) -> int:
        """Finished epochs."""
        return epochs_of(self.run)


def locate(root: str | Path, study: str, cells: Iterable[Cell]) -> dict[str, Place]:
    """Every cell's place, by name; folders are listed once, so that thousands of cells take no time."""
    root = Path(root)
    homes: dict[str, Path] = {}
    if root.is_dir():
        studies = sorted(entry.name for entry in os.scandir(root) if entry.is_dir() and not entry.name.startswith("."))
        for name in [study, *(other for other in studies if other != study)]:
            if (root / name).is_dir():
                for entry in os.scandir(root / name):
                    homes.setdefault(entry.name, Path(entry.path))
    own = root / study
    return {cell.name: look(homes.get(cell.name) or own / cell.name, cell.name in homes) for cell in cells}


def locate_one(root: Path, study: str, name: str) -> Place:
    """The place of one cell, as ``locate`` finds it, without listing what other cells there are."""
    own = root / study / name
    others = [path for path in sorted(root.glob(f"*/{name}")) if not path.parent.name.startswith(".")]
    home = next((path for path in (own, *others) if path.exists()), None)
    return look(home or own, home is not None)


def cell_lock(root: Path, name: str) -> FileLock:
    """The lock of a cell, whichever study it belongs to; whoever finds it taken gets ``Timeout`` at once."""
    (root / ".locks").mkdir(parents=True, exist_ok=True)
    return FileLock(root / ".locks" / name, timeout=0)


class Begun(NamedTuple):
    """A study that has a folder, with its cells and their places by name."""

    study: Study
    cells: dict[str, Cell]
    places: dict[str, Place]


def study_folder(folder: str | Path) -> Path:
    """The path of a study's folder with its name and its parent, the folder of studies, in it; ``.`` has neither."""
    folder = Path(folder)
    return folder if folder.name not in ("", "..") else folder.resolve()


def open_begun(folder: str | Path) -> Begun:
    """What a study's folder says. Raises ``InputError`` where there is no study."""
    folder = study_folder(folder)
    study = Study.read(folder)
    cells = {cell.name: cell for cell in plan(study)}
    return Begun(study, cells, locate(folder.parent, folder.name, cells.values()))


def look(folder: Path, exists: bool = True) -> Place:
    """The state of one cell's folder. A damaged outcome counts as none: the cell is run again."""
    if not exists:
        return Place("waiting", folder, {})
    try:
        outcome = read_json(folder / OUTCOME)
        if outcome["state"] in ("done", "failed"):
            return Place(outcome["state"], folder, outcome)
    except (InputError, KeyError, TypeError):
        pass
    return Place("begun" if folder.is_dir() else "waiting", folder, {})


def write_outcome(folder: Path, state: str, seconds: float, reason: str = "") -> dict[str, Any]:
    """Note how a cell ended: ``done``, or ``failed`` with the reason in one line."""
    outcome = {"state": state, "seconds": round(seconds, 1), "reason": " ".join(reason.split())[:500]}
    write_json(folder / OUTCOME, outcome)
    return outcome


def epochs_of(run: Path) -> int:
    """Epochs that are committed, from the lines of the metrics; without parsing them."""
    try:
        return max(0, (run / "metrics.csv").read_bytes().count(b"\n") - 1)
    except OSError:
        return 0


def counts(places: Mapping[str, Place]) -> dict[str, int]:
    """How many cells are in each state."""
    found = Counter(place.state for place in places.values())
    return {state: found[state] for state in STATES}
