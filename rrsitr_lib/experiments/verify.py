"""Is a study what it says? Fingerprints are computed anew, and the saved weights of drawn cells are tested again."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import inject_noise, open_data
from rrsitr_lib.data.noise import load_noise
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.plan import DIGITS, Cell
from rrsitr_lib.experiments.trials import NOTEBOOK, Place, open_begun
from rrsitr_lib.files import read_json
from rrsitr_lib.training.retrieval_results import FILE as RETRIEVAL
from rrsitr_lib.training.retrieval_results import RetrievalResults

TOLERANCE = 1e-6  # percentage points; another kind of device may need more


class Finding(NamedTuple):
    """One thing that was checked in one cell, and what differs; ``problem`` is empty where all is well."""

    cell: str
    what: str
    problem: str


def verify(
    folder: str | Path, cells: int = 1, seed: int | None = None, tolerance: float = TOLERANCE
) -> Iterator[Finding]:
    """Check what every done cell's files say of each other, then evaluate the weights of ``cells`` drawn ones again.

    Data and noise are opened and drawn anew for the drawn cells. ``seed`` None draws other cells each time.
    Raises ``InputError`` where there is no study, or no cell of it is done. Taught in: notebooks/09_reproduction
    """
    folder = Path(folder)
    _, planned, places = open_begun(folder)
    done = [name for name, place in places.items() if place.state == "done"]
    if not done:
        raise InputError(f"{folder}: no cell is done, so there is nothing to verify")
    for name in done:
        problem = _configuration(planned[name], places[name]) or _records(places[name])
        yield Finding(name, "files, fingerprints of configuration and noise, recalls of the retrieval results", problem)
    for name in _drawn(done, cells, seed):
        yield Finding(name, "fingerprints of data and noise", _sources(places[name]))
        yield Finding(name, "test recalls by the saved weights", _recalls(places[name], tolerance))


def _drawn(done: Sequence[str], cells: int, seed: int | None) -> list[str]:
    return np.random.default_rng(seed).permutation(done)[:cells].tolist()


def _configuration(cell: Cell, place: Place) -> str:
    for name in (place.folder / NOTEBOOK, place.run / "result.json", place.run / "run.json", place.run / "config.yaml"):
        if not name.is_file():
            return f"{name} is missing"
    try:
        written = RunConfig.read(place.run / "config.yaml", elsewhere=True).fingerprint
        noted = read_json(place.run / "run.json")["config"]
    except (InputError, KeyError, TypeError) as error:
        return str(error)
    for where, found in (("config.yaml", written), ("run.json", noted)):
        if found[:DIGITS] != cell.name:
            return f"{where} is the configuration {found[:DIGITS]}, not {cell.name}"
    return ""


def _records(place: Place) -> str:
    """The saved noise is the noise of the run, and its retrieval results give its recalls, but for one query."""
    try:
        noise, noted = load_noise(place.run / "noise.npz").fingerprint, read_json(place.run / "run.json")["noise"]
        if noise != noted:
            return f"noise.npz is {noise[:12]}, {noted[:12]} in run.json"
        results, stated = RetrievalResults.open(place.run), read_json(place.run / "result.json")["test"]
        if results is None:
            return f"{place.run / RETRIEVAL} is missing"
        found, question = results.recalls(), 100 / len(results.caption_rank)
        apart = [name for name, value in found.items() if not abs(value - stated[name]) <= question]
        return ", ".join(f"{name} is {found[name]:.4f} by {RETRIEVAL}, {stated[name]} in result.json" for name in apart)
    except (InputError, KeyError, TypeError) as error:
        return str(error)


def _sources(place: Place) -> str:
    try:
        config, noted = RunConfig.read(place.run / "config.yaml"), read_json(place.run / "run.json")
        data = open_data(config)
        found = {name: split.table.fingerprint for name, split in data.items()}
        for name in found:
            if found[name] != noted["data"][name]:
                return f"data {name} is {found[name][:12]} now, {noted['data'][name][:12]} when it was trained"
        noise = inject_noise(config, data["train"].table).fingerprint
        return (
            "" if noise == noted["noise"] else f"noise is {noise[:12]} now, {noted['noise'][:12]} when it was trained"
        )
    except (InputError, KeyError, OSError) as error:
        return str(error)


def _recalls(place: Place, tolerance: float) -> str:
    from rrsitr_lib.training.evaluate import evaluate
    from rrsitr_lib.training.run import open_run

    try:
        model, inputs, config = open_run(place.run)
        found, noted = evaluate(model, inputs["test"], config), read_json(place.run / "result.json")["test"]
    except (InputError, OSError) as error:
        return str(error)
    apart = {name: abs(found[name] - noted[name]) for name in found if not abs(found[name] - noted[name]) <= tolerance}
    return ", ".join(f"{name} is {found[name]:.4f} now, {noted[name]:.4f} in result.json" for name in apart)
