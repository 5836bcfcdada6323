"""What makes a run this one: its configuration in its folder, and the fingerprints of its data and noise."""

import platform
from pathlib import Path
from typing import Any

import torch
import yaml

import rrsitr_lib
from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import Split
from rrsitr_lib.data.noise import Noise
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_text
from rrsitr_lib.methods import METHODS


def open_run_folder(config: RunConfig, folder: Path, resume: bool) -> None:
    """Write the configuration into an empty folder, or check that the run found there is this one.

    Raises ``InputError`` for a folder of something else, of another configuration, or of any run without ``resume``.
    """
    path = folder / "config.yaml"
    if not path.exists():
        strangers = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
        if strangers:
            raise InputError(f"{folder}: not empty and not a run (it holds {strangers[0]}): name a new folder")
        write_text(path, config.to_yaml())
        return
    if not resume:
        raise InputError(f"{folder}: holds a run already, and --no-resume was given: name a new folder")
    found, wanted = yaml.safe_load(path.read_text(encoding="utf-8")), config.flat()
    defaults = {name: field.default for name, field in RunConfig.model_fields.items()}
    defaults |= {name: field.default for name, field in METHODS[config.method].Settings.model_fields.items()}
    found = {**defaults, **found}
    changed = [f"{key} {found.get(key)!r} there, {wanted[key]!r} now" for key in wanted if found[key] != wanted[key]]
    if changed:
        raise InputError(f"{folder}: holds a run with {'; '.join(changed[:3])}: name a new folder")


def is_finished(config: RunConfig, folder: Path) -> bool:
    """Whether the finished run of ``config`` lies in ``folder``; nothing is written, as ``train`` would by its lock."""
    if not (folder / "result.json").exists():
        return False
    return RunConfig.read(folder / "config.yaml").fingerprint == config.fingerprint


def facts_of(config: RunConfig, data: dict[str, Split], noise: Noise) -> dict[str, Any]:
    """What ``run.json`` says first: fingerprints of configuration, data and noise, pairs by split, versions."""
    return {
        "config": config.fingerprint,
        "networks": METHODS[config.method].networks,
        "data": {name: split.table.fingerprint for name, split in data.items()},
        "pairs": {name: len(split.table) for name, split in data.items()},
        "noise": noise.fingerprint,
        "versions": {
            "rrsitr_lib": rrsitr_lib.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }
