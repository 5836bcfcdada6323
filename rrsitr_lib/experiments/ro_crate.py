"""A study as one archive for a paper's supplement: an RO-Crate, a zip whose metadata say what every file is."""

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.linear_probe import PROBES
from rrsitr_lib.experiments.provenance import FILE as PROVENANCE
from rrsitr_lib.experiments.study_file import Trial
from rrsitr_lib.experiments.study_folder import NOTEBOOK, OUTCOME, RUN, STUDY_FILE, TRIALS_FILE
from rrsitr_lib.experiments.trials import TrialState, open_study
from rrsitr_lib.experiments.without_places import WithoutPlaces
from rrsitr_lib.files import read_json, write_atomically

OF_RUN = (
    "config.yaml", "run.json", "result.json", "metrics.csv", "problems.csv", "retrieval.npz", "noise.npz", PROVENANCE,
)  # fmt: skip
OF_TRIAL = (NOTEBOOK, OUTCOME, *(f"{RUN}/{name}" for name in OF_RUN))
WEIGHTS = f"{RUN}/best.safetensors"
OF_TABLES = ("table.md", "table.tex", "table.csv", "table.html", "ranking.md", PROBES)
OF_STUDY = (STUDY_FILE, TRIALS_FILE, "report.ipynb", "report.html", *OF_TABLES)
LICENCE = "https://spdx.org/licenses/MIT"
TYPES = {".ipynb": "application/x-ipynb+json", ".yaml": "application/yaml", ".json": "application/json",
         ".csv": "text/csv", ".html": "text/html", ".md": "text/markdown", ".tex": "application/x-tex",
         ".npz": "application/zip", ".safetensors": "application/octet-stream", ".png": "image/png"}  # fmt: skip


def pack(folder: str | Path, out: str | Path, weights: bool = False) -> Path:
    """Write the study's tables, notebooks and the records of all trials that have ended into ``out``, a zip.

    No absolute path, home folder or user's name goes with them: see ``without_places``.
    ``weights`` adds the best weights of every run, with which a reader can verify the numbers. Trials that another
    study trained are packed too. Raises ``InputError`` where no trial has ended.
    """
    from rocrate.rocrate import ROCrate

    study, folder, trials, states = open_study(folder)
    ended = {name: state for name, state in states.items() if state.outcome}
    if not ended:
        raise InputError(f"{folder}: no trial has ended, so there is nothing to pack")
    places = WithoutPlaces([trial.config for trial in trials.values()], folder)
    crate = ROCrate()
    crate.name, crate.license = study.title or f"Study {study.name}", LICENCE
    crate.description = (
        f"Study {study.name} of learning from image-text pairs with noisy correspondence (RRSITR): executed notebooks, "
        "configurations, metrics, retrieval results and provenance of every run."
    )
    with tempfile.TemporaryDirectory() as scratch:
        packing = _Packing(crate, places, Path(scratch))
        for path in (*(folder / name for name in OF_STUDY), *sorted(folder.glob("*.png"))):
            packing.add_file(path, path.name)
        for name, state in ended.items():
            packing.add_trial(trials[name], state, weights)
        archive = Path(crate.write_zip(Path(scratch) / "crate.zip"))
        return write_atomically(out, lambda temporary: temporary.write_bytes(archive.read_bytes()))


@dataclass(frozen=True)
class _Packing:
    """A crate that is being filled; ``scratch`` holds the copies without places until it is written."""

    crate: Any
    places: WithoutPlaces
    scratch: Path

    def add_file(self, path: Path, inside: str) -> list[Any]:
        """A file with its kind and size, where it is there."""
        if not path.is_file():
            return []
        path = self.places.copy(path, self.scratch)
        kind = {"encodingFormat": TYPES[path.suffix]} if path.suffix in TYPES else {}
        about = {"name": path.name, "contentSize": str(path.stat().st_size), **kind}
        return [self.crate.add_file(path, inside, properties=about)]

    def add_trial(self, trial: Trial, state: TrialState, weights: bool) -> None:
        """A trial's files in a folder of their own, and what it varied."""
        from rocrate.model.contextentity import ContextEntity

        crate, config, name = self.crate, self.places.config(trial.config), self.places.text(trial.name)
        shown = {name: getattr(config, name) for name in ("method", "noise_rate", "noise_seed", "seed")}
        variables = []
        for what, value in {**shown, "variant": self.places.text(trial.variant)}.items():
            about = {"@type": "PropertyValue", "name": what, "value": value}
            variables.append(crate.add(ContextEntity(crate, f"#{name}-{what}", properties=about)))
        title = f"{config.method} on {config.data}, {config.noise_rate:.0%} noise, seed {config.seed}"
        about = {"name": title, "variableMeasured": variables, "creativeWorkStatus": state.state}
        folder = crate.add_dataset(dest_path=f"{name}/", properties=about)
        folder["hasPart"] = []
        for file in (*OF_TRIAL, WEIGHTS) if weights else OF_TRIAL:
            folder["hasPart"] += self.add_file(state.folder / file, f"{name}/{file}")
        origin = self.places.value(_origin(state))
        action = {"@type": "CreateAction", "name": f"training of {name}", "result": folder, **origin}
        folder["wasGeneratedBy"] = crate.add(ContextEntity(crate, f"#run-{name}", properties=action))


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
