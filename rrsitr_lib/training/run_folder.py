"""The folder of a run: begun or found again, and opened when it is finished, with the data that it was trained on."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from rrsitr_lib.checksums import changed_files, file_checksum, write_checksums
from rrsitr_lib.config import ANY_TIME, IDENTITY, PATHS, RunConfig, images_beside, is_shards
from rrsitr_lib.data.datasets import Split, inject_noise, open_data
from rrsitr_lib.data.noise import load_noise
from rrsitr_lib.data.problems import picture_prints
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import CHANGED, checksum, json_text, write_text
from rrsitr_lib.registry import DATASETS
from rrsitr_lib.training.batches import SplitInputs
from rrsitr_lib.training.build import build_model
from rrsitr_lib.training.checkpoint import load_checkpoint, restore_model
from rrsitr_lib.training.device import device_of
from rrsitr_lib.training.embedding_history import EmbeddingHistory
from rrsitr_lib.training.ledger import PAIRS_FILE, Ledger
from rrsitr_lib.training.retrieval_results import RetrievalResults
from rrsitr_lib.training.run_files import AGAIN, NO_COPY, read_config, read_facts

CONTENT_IS_KNOWN = ("data", "images", "validation", "noise_file")  # by fingerprints in run.json, whatever leads there
DERIVED = ("metrics.csv", "retrieval.npz", "result.json")  # from the last checkpoint
FILES = ("config.yaml", "run.json", "noise.npz", PAIRS_FILE, "problems.csv", "metrics.csv", "retrieval.npz")


def open_run_folder(config: RunConfig, folder: Path, resume: bool) -> None:
    """Check that the folder is empty, or that the run found there is this one.

    Raises ``InputError`` for a folder of something else, a run of another configuration or of an earlier version, and
    without ``resume`` of any run.
    """
    path = folder / "config.yaml"
    if not path.exists():
        strangers = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
        if strangers:
            raise InputError(f"{folder}: not empty and not a run (it holds {strangers[0]}): name a new folder")
        return
    if not resume:
        raise InputError(f"{folder}: holds a run already, and --no-resume was given: name a new folder")
    found, wanted = read_config(folder).flat(), config.flat()
    differ = [key for key in wanted if found.get(key) != wanted[key] and key not in ANY_TIME]
    changed = [key for key in differ if not _leads_elsewhere(key, found, wanted)]
    if changed:
        said = "; ".join(f"{key} {found.get(key)!r} there, {wanted[key]!r} now" for key in changed[:3])
        raise InputError(f"{folder}: holds a run with {said}: name a new folder")
    if (folder / "run.json").exists() and read_facts(folder).get("identity") != IDENTITY:
        raise InputError(f"{folder}: holds a run of an earlier version, with other defaults: name a new folder")


def _leads_elsewhere(field: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether both are paths, whose contents fingerprints compare."""
    values = found.get(field), wanted[field]
    return field in CONTENT_IS_KNOWN and None not in values and not set(values) & set(DATASETS)


def places_of(config: RunConfig, folder: Path) -> dict[str, str]:
    """The paths of a configuration as they lead from the run's folder: both may be moved together."""
    named = {field: Path(value) for field in PATHS if (value := getattr(config, field)) and value not in DATASETS}
    there = {field: path for field, path in named.items() if _is_there(path)}
    return {field: os.path.relpath(path.resolve(), folder.resolve()) for field, path in there.items()}


def _is_there(path: Path) -> bool:
    """Whether a path leads to something, or a pattern of shards to a folder."""
    return path.exists() or (is_shards(path) and path.parent.is_dir())


def locate(folder: Path, data: str | Path | None = None, images: str | Path | None = None) -> RunConfig:
    """The configuration of a run with its paths as they lead from here: those given, else as noted in its folder.

    Raises ``InputError`` where the configuration is not the one that run.json names, or the data are not there.
    """
    config, facts = read_config(folder), read_facts(folder)
    if facts.get("identity") == IDENTITY and config.fingerprint != facts["config"]:
        raise InputError(f"{folder / 'config.yaml'}: {CHANGED}: run.json names another configuration")
    noted = {field: Path(os.path.normpath(folder / place)) for field, place in facts.get("places", {}).items()}
    paths = {field: path for field, path in noted.items() if _is_there(path)}
    if data is not None and images is None:
        images = images_beside(data, paths.get("validation"))
    paths |= {field: Path(path) for field, path in (("data", data), ("images", images)) if path is not None}
    config = config.model_copy(update={field: str(path) for field, path in paths.items()})
    for field in ("data", "images"):
        if (path := getattr(config, field)) and path not in DATASETS and not _is_there(Path(path)):
            raise InputError(f"{folder}: its {field} lay in {path}, which is not there: --{field} names where they are")
    return config


def open_sources(folder: Path, config: RunConfig, image_size: int | None = None) -> dict[str, Split]:
    """The data of the run in ``folder``.

    Raises ``InputError`` where they or the noise are not what it was trained on.
    """
    data, facts = open_data(config, image_size), read_facts(folder)
    prints = {name: split.table.fingerprint for name, split in data.items()}
    if config.noise_file is None:
        noise = load_noise(folder / "noise.npz").fingerprint if (folder / "noise.npz").exists() else facts["noise"]
    else:
        noise = inject_noise(config, data["train"].table).fingerprint
    check_sources(folder, facts, {"data": prints, "pictures": picture_prints(data), "noise": noise})
    return data


def check_sources(folder: Path, noted: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raises ``InputError`` where fingerprints of data and noise are not those that a run noted."""
    for kind in ("data", "pictures"):
        for split, fingerprint in noted.get(kind, {}).items():
            if now[kind].get(split) != fingerprint:
                raise InputError(f"{folder}: the {kind} changed since the run began ({split}: its fingerprint differs)")
    if now["noise"] != noted["noise"]:
        raise InputError(f"{folder}: the noise changed since the run began (its fingerprint differs)")


def open_run(
    folder: str | Path, data: str | Path | None = None, images: str | Path | None = None
) -> tuple[nn.Module, dict[str, SplitInputs], RunConfig]:
    """The trained model of a run folder, its inputs and configuration; ``data``, ``images``: where they lie now.

    Raises ``InputError`` where there is no run, or its weights, data or noise are not what they were.
    """
    folder = Path(folder)
    if not (folder / "config.yaml").exists():
        raise InputError(f"{folder}: not a run folder (no config.yaml)")
    if not (folder / "best.safetensors").exists():
        raise InputError(f"{folder}: no epoch of this run is finished (no best.safetensors)")
    config = locate(folder, data, images)
    model, inputs = build_model(config, open_sources(folder, config), device_of(config))
    restore_model(model, load_checkpoint(folder / "best.safetensors")[0])
    return model, inputs, config


def commit_result(folder: Path, result: Mapping[str, Any]) -> None:
    """Write the result of a run, by which it is finished, and before it what its small files hold."""
    text = json_text(result)
    noted = {name: file_checksum(folder / name) for name in FILES if (folder / name).exists()}
    write_checksums(folder, noted | {"result.json": checksum(text.encode())})
    write_text(folder / "result.json", text)


def damages(folder: Path) -> list[str]:
    """What is no longer as it was written in the folder of a run, and what brings it back: a line a file."""
    found = []
    for read in (_compare, read_facts, _read_weights, _read_columns, _read_history, RetrievalResults.open):
        try:
            read(folder)
        except InputError as error:
            found.append(str(error))
    return found


def _compare(folder: Path) -> None:
    try:
        changed = [(line, name) for name in (*FILES, "result.json") for line in changed_files(folder, name)]
    except InputError as error:
        raise InputError(f"{error}; {AGAIN}") from None
    if changed:
        raise InputError("; ".join(f"{line}; {AGAIN if name in DERIVED else NO_COPY}" for line, name in changed))


def _read_weights(folder: Path) -> None:
    load_checkpoint(folder / "best.safetensors")
    if (folder / "last.safetensors").exists():  # to free the disk it may be deleted when the run is finished
        load_checkpoint(folder / "last.safetensors")


def _read_columns(folder: Path) -> None:
    ledger = Ledger.open(folder)
    for name in ledger.columns:
        ledger.column(name)


def _read_history(folder: Path) -> None:
    EmbeddingHistory.open(folder, Ledger.open(folder).epochs)
