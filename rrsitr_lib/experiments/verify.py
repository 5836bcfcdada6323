"""Is a study what it says? Fingerprints are computed anew, and the saved weights of drawn trials are tested again."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rrsitr_lib.checksums import changed_files, file_checksum
from rrsitr_lib.data.datasets import inject_noise, open_data
from rrsitr_lib.data.noise import load_noise
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.provenance import FILE as PROVENANCE
from rrsitr_lib.experiments.run_results import FinishedRun, read_run
from rrsitr_lib.experiments.study_folder import DIGITS, NOTEBOOK, OUTCOME, STUDY_FILE, with_name
from rrsitr_lib.experiments.trials import TrialState, open_study
from rrsitr_lib.files import CHANGED, read_json
from rrsitr_lib.training.retrieval_results import FILE as RETRIEVAL
from rrsitr_lib.training.retrieval_results import RetrievalResults
from rrsitr_lib.training.run_folder import damages, locate

TOLERANCE = 1e-6  # percentage points; another kind of device may need more


class Finding(NamedTuple):
    """One thing that was checked in one trial, and what differs; ``problem`` is empty where all is well."""

    trial: str
    what: str
    problem: str


def verify(
    folder: str | Path, trials: int = 1, seed: int | None = None, tolerance: float = TOLERANCE
) -> Iterator[Finding]:
    """Check what every done trial's files say of each other, then evaluate the weights of ``trials`` drawn ones again.

    Data and noise are opened and drawn anew for the drawn trials. ``seed`` None draws other trials each time.
    Raises ``InputError`` where there is no study, or no trial of it is done.
    """
    folder = with_name(folder)
    changed = changed_files(folder)
    yield Finding(folder.name, "tables and notebooks of the study", "; ".join(changed))
    if any(STUDY_FILE in line for line in changed):  # what it plans is not known
        return
    states = open_study(folder).states
    for name, state in states.items():
        if state.state == "begun" and (state.folder / OUTCOME).exists():
            yield Finding(name, "how it ended", _problem(_outcome, state))
    done = [name for name, state in states.items() if state.state == "done"]
    if not done:
        raise InputError(f"{folder}: no trial is done, so there is nothing to verify")
    files = "files, fingerprints of configuration and noise, recalls of the retrieval results"
    for name in done:
        yield Finding(name, files, _problem(_files, states[name]))
    for name in np.random.default_rng(seed).permutation(done)[:trials].tolist():
        yield Finding(name, "fingerprints of data and noise", _problem(_sources, states[name]))
        yield Finding(name, "test recalls by the saved weights", _problem(_recalls, states[name], tolerance))


def _problem(check: Callable[..., str], *arguments: object) -> str:
    """What a check finds; where a file cannot be read, that."""
    try:
        return check(*arguments)
    except (InputError, KeyError, TypeError, OSError) as error:
        return str(error)


def _outcome(state: TrialState) -> str:
    read_json(state.folder / OUTCOME)
    return f"{state.folder / OUTCOME}: damaged"


def _files(state: TrialState) -> str:
    notebook = state.folder / NOTEBOOK
    for path in (notebook, state.run / RETRIEVAL):
        if not path.is_file():
            return f"{path} is missing"
    if state.outcome.get("notebook", file_checksum(notebook)) != file_checksum(notebook):
        return f"{notebook}: {CHANGED}"
    if (state.run / PROVENANCE).exists():
        read_json(state.run / PROVENANCE)
    run, name = read_run(state.run), state.folder.name
    if (state.run / "ledger").exists() and (changed := damages(state.run)):  # an archive holds less
        return changed[0]
    for where, found in (("config.yaml", run.config.fingerprint), ("run.json", run.facts["config"])):
        if found[:DIGITS] != name:
            return f"{where} is the configuration {found[:DIGITS]}, not {name}"
    noise, noted = load_noise(state.run / "noise.npz").fingerprint, run.facts["noise"]
    return f"noise.npz is {noise[:12]}, {noted[:12]} in run.json" if noise != noted else _ranks(state.run, run)


def _ranks(folder: Path, run: FinishedRun) -> str:
    """The retrieval results give the recalls of the run, but for one query."""
    results = RetrievalResults.open(folder)
    assert results is not None  # its file is there
    found, query, stated = results.recalls(), 100 / len(results.caption_rank), run.result["test"]
    apart = [name for name, value in found.items() if not abs(value - stated[name]) <= query]
    return ", ".join(f"{name} is {found[name]:.4f} by {RETRIEVAL}, {stated[name]} in result.json" for name in apart)


def _sources(state: TrialState) -> str:
    config, noted = locate(state.run), read_run(state.run).facts  # its data must be here
    data = open_data(config)
    found = {f"data {name}": (split.table.fingerprint, noted["data"][name]) for name, split in data.items()}
    found["noise"] = inject_noise(config, data["train"].table).fingerprint, noted["noise"]
    apart = [(name, *prints) for name, prints in found.items() if prints[0] != prints[1]]
    return ", ".join(f"{name} is {now[:12]} now, {then[:12]} when it was trained" for name, now, then in apart)


def _recalls(state: TrialState, tolerance: float) -> str:
    from rrsitr_lib.training.evaluate import evaluate
    from rrsitr_lib.training.run_folder import open_run

    model, inputs, config = open_run(state.run)
    found, noted = evaluate(model, inputs["test"], config), read_run(state.run).result["test"]
    apart = [name for name, value in found.items() if not abs(value - noted[name]) <= tolerance]
    return ", ".join(f"{name} is {found[name]:.4f} now, {noted[name]:.4f} in result.json" for name in apart)
