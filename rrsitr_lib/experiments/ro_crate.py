"""A study as one archive for a paper's supplement: an RO-Crate, a zip whose metadata say what every file is."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.plan import Cell
from rrsitr_lib.experiments.study_file import STUDY_FILE, Study
from rrsitr_lib.experiments.trials import NOTEBOOK, OUTCOME, RUN, Place, open_begun
from rrsitr_lib.files import read_json, write_atomically

KEPT = ("config.yaml", "run.json", "result.json", "metrics.csv", "retrieval.npz", "noise.npz", "provenance.json")
WEIGHTS = "best.safetensors"
BESIDE = (STUDY_FILE, "cells.csv", "report.ipynb", "report.html", "table.md", "table.tex", "table.csv", "table.html")
LICENCE = "https://spdx.org/licenses/MIT"
TYPES = {".ipynb": "application/x-ipynb+json", ".yaml": "application/yaml", ".json": "application/json",
         ".csv": "text/csv", ".html": "text/html", ".md": "text/markdown", ".tex": "application/x-tex",
         ".npz": "application/zip", ".safetensors": "application/octet-stream", ".png": "image/png"}  # fmt: skip


def pack(folder: str | Path, out: str | Path, weights: bool = False) -> Path:
    """Write the study's tables, notebooks and the records of all cells that have ended into ``out``, a zip.

    ``weights`` adds the best weights of every run, with which a reader can verify the numbers. Cells that another
    study trained are packed too. Raises ``InputError`` where no cell has ended. Taught in: notebooks/09_reproduction
    """
    folder, out = Path(folder), Path(out)
    study, cells, places = open_begun(folder)
    ended = {name: place for name, place in places.items() if place.outcome}
    if not ended:
        raise InputError(f"{folder}: no cell has ended, so there is nothing to pack")
    crate = _crate(study)
    for path in (folder / name for name in BESIDE):
        if path.is_file():
            crate.add_file(path, path.name, properties=_about(path, path.name))
    for path in sorted(folder.glob("*.png")):
        crate.add_file(path, path.name, properties=_about(path, "figure"))
    for name, place in ended.items():
        _add_cell(crate, cells[name], place, weights)
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(crate.write_zip(Path(scratch) / "crate.zip"))
        return write_atomically(out, lambda temporary: temporary.write_bytes(archive.read_bytes()))


def _crate(study: Study) -> Any:
    from rocrate.rocrate import ROCrate

    crate = ROCrate()
    crate.name = study.title or f"Study {study.name}"
    crate.description = (
        f"Study {study.name} of learning from image-text pairs with noisy correspondence (RRSITR): executed notebooks, "
        "configurations, metrics, retrieval results and provenance of every run."
    )
    crate.license = LICENCE
    return crate


def _add_cell(crate: Any, cell: Cell, place: Place, weights: bool) -> None:
    folder = crate.add_dataset(dest_path=f"{cell.name}/", properties=_described(crate, cell, place))
    folder["hasPart"] = [
        crate.add_file(path, f"{cell.name}/{name}", properties=_about(path, path.name))
        for path, name in _files(place, weights)
    ]
    folder["wasGeneratedBy"] = crate.add(_action(crate, cell, place, folder))


def _files(place: Place, weights: bool) -> Iterator[tuple[Path, str]]:
    for name in (NOTEBOOK, OUTCOME):
        if (place.folder / name).is_file():
            yield place.folder / name, name
    for name in (*KEPT, *((WEIGHTS,) if weights else ())):
        if (place.run / name).is_file():
            yield place.run / name, f"{RUN}/{name}"


def _described(crate: Any, cell: Cell, place: Place) -> dict[str, Any]:
    from rocrate.model.contextentity import ContextEntity

    config = cell.config
    shown = {name: getattr(config, name) for name in ("method", "noise_rate", "noise_seed", "seed")}
    variables = []
    for name, value in {**shown, "variant": cell.variant}.items():
        about = {"@type": "PropertyValue", "name": name, "value": value}
        variables.append(crate.add(ContextEntity(crate, f"#{cell.name}-{name}", properties=about)))
    name = f"{config.method} on {config.data}, {config.noise_rate:.0%} noise, seed {config.seed}"
    return {"name": name, "variableMeasured": variables, "creativeWorkStatus": place.state}


def _action(crate: Any, cell: Cell, place: Place, result: Any) -> Any:
    from rocrate.model.contextentity import ContextEntity

    about = {"@type": "CreateAction", "name": f"training of {cell.name}", "result": result}
    with contextlib.suppress(InputError, KeyError, IndexError):
        noted = read_json(place.run / "provenance.json")
        code = noted["code"]
        about |= {
            "startTime": noted["sessions"][0]["began"],
            "description": f"{noted['device']}, rrsitr-lib {code['version']}, commit {code['commit']}, "
            f"dirty {code['dirty']}, torch {noted['packages'].get('torch')}",
        }
    if place.state == "failed":
        about |= {"actionStatus": "http://schema.org/FailedActionStatus", "error": place.outcome["reason"]}
    return ContextEntity(crate, f"#run-{cell.name}", properties=about)


def _about(path: Path, name: str) -> dict[str, Any]:
    kind = TYPES.get(path.suffix)
    return {"name": name, "contentSize": str(path.stat().st_size), **({"encodingFormat": kind} if kind else {})}
