"""How far the trials of a study are: read from their folders alone, so that any process may ask at any time.

A trial that two studies share lies in the one that trained it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock

from rrsitr_lib.checksums import file_checksum
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.study_file import Study, Trial, plan
from rrsitr_lib.experiments.study_folder import NOTEBOOK, OUTCOME, RUN, refuse_earlier, with_name
from rrsitr_lib.files import read_json, sealed, write_json

STATES = ("done", "failed", "begun", "waiting")


class TrialState(NamedTuple):
    """A trial on the disk. ``state``: done, failed, begun (an epoch or more may be kept) or waiting; ``folder``: where
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
        return finished_epochs(self.run)


class OpenStudy(NamedTuple):
    """A study in its folder, with its trials and their states by name."""

    study: Study
    folder: Path
    trials: dict[str, Trial]
    states: dict[str, TrialState]


def open_study(study: Study | str | Path, root: str | Path = "") -> OpenStudy:
    """A study below ``root``, whether begun or not; or one that was begun, by the path of its folder.

    Raises ``InputError`` where there is no study, and for trials of a version that named them otherwise.
    """
    if isinstance(study, Study):
        folder = Path(root) / study.name
        refuse_earlier(folder)
    else:
        folder = with_name(study)
        study = Study.read(folder)
    trials = {trial.name: trial for trial in plan(study)}
    return OpenStudy(study, folder, trials, locate(folder, trials))


def locate(study: Path, names: Iterable[str]) -> dict[str, TrialState]:
    """The state of trials by name, in the study's folder, else in that of the first other study that has them.

    Folders are listed once, so that thousands of trials take no time.
    """
    studies = sorted(study.parent.glob("[!.]*/"), key=lambda folder: (folder != study, folder.name), reverse=True)
    homes = {trial.name: trial for folder in studies for trial in folder.iterdir()}  # the first study comes last
    return {name: read_state(homes.get(name, study / name)) for name in names}


def read_state(folder: Path) -> TrialState:
    """The state of one trial's folder. A damaged outcome counts as none: the trial is run again."""
    try:
        outcome = read_json(folder / OUTCOME)
        if outcome["state"] in ("done", "failed"):
            return TrialState(outcome["state"], folder, outcome)
    except (InputError, KeyError, TypeError):
        pass
    return TrialState("begun" if folder.is_dir() else "waiting", folder, {})


def trial_lock(root: Path, name: str) -> FileLock:
    """The lock of a trial, whichever study it belongs to; whoever finds it taken gets ``Timeout`` at once."""
    (root / ".locks").mkdir(parents=True, exist_ok=True)
    return FileLock(root / ".locks" / name, timeout=0)


def write_outcome(folder: Path, state: str, seconds: float, reason: str = "", processes: int = 1) -> dict[str, Any]:
    """Note how a trial ended: ``done``, or ``failed`` with the reason in one line; and by how many processes."""
    outcome = {"state": state, "seconds": round(seconds, 1), "reason": " ".join(reason.split())[:500]}
    outcome |= {"processes": processes} if processes > 1 else {}
    if (folder / NOTEBOOK).exists():
        outcome["notebook"] = file_checksum(folder / NOTEBOOK)
    write_json(folder / OUTCOME, sealed(outcome))
    return outcome


def finished_epochs(run: Path) -> int:
    """Epochs that are committed, from the lines of the metrics without their head and epoch 0; without parsing them."""
    try:
        return max(0, (run / "metrics.csv").read_bytes().count(b"\n") - 2)
    except OSError:
        return 0


def counts(states: Mapping[str, TrialState]) -> dict[str, int]:
    """How many trials are in each state."""
    found = Counter(one.state for one in states.values())
    return {state: found[state] for state in STATES}
