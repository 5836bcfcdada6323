"""The folder of a run: begun or found again, and opened when it is finished."""

from pathlib import Path

from torch import nn

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import open_data
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import write_text
from rrsitr_lib.training.batches import SplitInputs
from rrsitr_lib.training.build import build_model
from rrsitr_lib.training.checkpoint import load_checkpoint, restore_model
from rrsitr_lib.training.device import device_of


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
    found, wanted = RunConfig.fields_of(path), config.flat()
    fields = RunConfig.model_fields | type(config.method_settings).model_fields
    found = {name: field.default for name, field in fields.items()} | found
    changed = [f"{key} {found.get(key)!r} there, {wanted[key]!r} now" for key in wanted if found[key] != wanted[key]]
    if changed:
        raise InputError(f"{folder}: holds a run with {'; '.join(changed[:3])}: name a new folder")


def open_run(folder: str | Path) -> tuple[nn.Module, dict[str, SplitInputs], RunConfig]:
    """The trained model of a run folder, its inputs and configuration. Raises ``InputError`` where there is none."""
    folder = Path(folder)
    if not (folder / "config.yaml").exists():
        raise InputError(f"{folder}: not a run folder (no config.yaml)")
    if not (folder / "best.safetensors").exists():
        raise InputError(f"{folder}: no epoch of this run is finished (no best.safetensors)")
    config = RunConfig.read(folder / "config.yaml")
    model, inputs = build_model(config, open_data(config), device_of(config))
    restore_model(model, load_checkpoint(folder / "best.safetensors")[0])
    return model, inputs, config
