"""A study as one archive for a paper's supplement: an RO-Crate, a zip whose metadata say what every file is."""

import contextlib
import tempfile
from pathlib import Path
from typing import Any

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.provenance import FILE as PROVENANCE
from rrsitr_lib.experiments.study_file import Trial
from rrsitr_lib.experiments.study_folder import NOTEBOOK, OUTCOME, RUN, STUDY_FILE, TRIALS_FILE
from rrsitr_lib.experiments.trials import TrialState, open_study
from rrsitr_lib.files import read_json, write_atomically

OF_RUN = ("config.yaml", "run.json", "result.json", "metrics.csv", "retrieval.npz", "noise.npz", PROVENANCE)
OF_TRIAL = (NOTEBOOK, OUTCOME, *(f"{RUN}/{name}" for name in OF_RUN))
WEIGHTS = f"{RUN}/best.safetensors"
OF_STUDY = (STUDY_FILE, TRIALS_FILE, "report.ipynb", "report.html", "table.md", "table.tex", "table.csv", "table.html")
LICENCE = "https://spdx.org/licenses/MIT"
TYPES = {".ipynb": "application/x-ipynb+json", ".yaml": "application/yaml", ".json": "application/json",
         ".csv": "text/csv", ".html": "text/html", ".md": "text/markdown", ".tex": "application/x-tex",
         ".npz": "application/zip", ".safetensors": "application/octet-stream", ".png": "image/png"}  # fmt: skip


def pack(folder: str | Path, out: str | Path, weights: bool = False) -> Path:
    """Write the study's tables, notebooks and the records of all trials that have ended into ``out``, a zip.

    ``weights`` adds the best weights of every run, with which a reader can verify the numbers. Trials that another
    study trained are packed too. Raises ``InputError`` where no trial has ended.
    """
    from rocrate.rocrate import ROCrate

    study, folder, trials, states = open_study(folder)
    ended = {name: state for name, state in states.items() if state.outcome}
    if not ended:
        raise InputError(f"{folder}: no trial has ended, so there is nothing to pack")
    crate = ROCrate()
    crate.name, crate.license = study.title or f"Study {study.name}", LICENCE
    crate.description = (
        f"Study {study.name} of learning from image-text pairs with noisy correspondence (RRSITR): executed notebooks, "
        "configurations, metrics, retrieval results and provenance of every run."
    )
    for path in (*(folder / name for name in OF_STUDY), *sorted(folder.glob("*.png"))):
        _add_file(crate, path, path.name)
    for name, state in ended.items():
        _add_trial(crate, trials[name], state, weights)
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(crate.write_zip(Path(scratch) / "crate.zip"))
        return write_atomically(out, lambda temporary: temporary.write_bytes(archive.read_bytes()))


def _add_file(crate: Any, path: Path, inside: str) -> list[Any]:
    """A file with its kind and size, where it is there."""
    if not path.is_file():
        return []
    kind = {"encodingFormat": TYPES[path.suffix]} if path.suffix in TYPES else {}
    about = {"name": path.name, "contentSize": str(path.stat().st_size), **kind}
    return [crate.add_file(path, inside, properties=about)]


def _add_trial(crate: Any, trial: Trial, state: TrialState, weights: bool) -> None:
    from rocrate.model.contextentity import ContextEntity

    config = trial.config
    shown = {name: getattr(config, name) for name in ("method", "noise_rate", "noise_seed", "seed")}
    variables = []
    for name, value in {**shown, "variant": trial.variant}.items():
        about = {"@type": "PropertyValue", "name": name, "value": value}
        variables.append(crate.add(ContextEntity(crate, f"#{trial.name}-{name}", properties=about)))
    title = f"{config.method} on {config.data}, {config.noise_rate:.0%} noise, seed {config.seed}"
    about = {"name": title, "variableMeasured": variables, "creativeWorkStatus": state.state}
    folder = crate.add_dataset(dest_path=f"{trial.name}/", properties=about)
    folder["hasPart"] = []
    for name in (*OF_TRIAL, WEIGHTS) if weights else OF_TRIAL:
        folder["hasPart"] += _add_file(crate, state.folder / name, f"{trial.name}/{name}")
    action = {"@type": "CreateAction", "name": f"training of {trial.name}", "result": folder, **_origin(state)}
    folder["wasGeneratedBy"] = crate.add(ContextEntity(crate, f"#run-{trial.name}", properties=action))


def _origin(state: TrialState) -> dict[str, Any]:
    """When and by what the trial was trained, and why it failed."""
    about = {}
    with contextlib.suppress(InputError, KeyError, IndexError):
        noted = read_json(state.run / PROVENANCE)
        code = noted["code"]
        about = {
            "startTime": noted["sessions"][0]["began"],
            "description": f"{noted['device']}, rrsitr-lib {code['version']}, commit {code['commit']}, "
            f"dirty {code['dirty']}, torch {noted['packages'].get('torch')}",
        }
    if state.state == "failed":
        about |= {"actionStatus": "http://schema.org/FailedActionStatus", "error": state.outcome["reason"]}
    return about
