"""Runs in TensorBoard, for those who compare there: pushed from a run folder, read back. An extra, off by default."""

from pathlib import Path
from typing import Any

import pandas as pd

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import read_json


def push_tensorboard(run: str | Path, folder: str | Path) -> Path:
    """Write the metrics of every epoch, the configuration and the test recalls of a run as TensorBoard events.

    Returns the folder of the events, named like the run; what an earlier push left there is replaced.
    Raises ``InputError`` where there is no run, or TensorBoard is not installed.
    """
    run, target = Path(run), Path(folder) / Path(run).name
    if not (run / "metrics.csv").exists():
        raise InputError(f"{run}: not a run folder with a finished epoch (no metrics.csv)")
    writer_class = _tensorboard().SummaryWriter
    for old in target.glob("events.out.tfevents.*"):
        old.unlink()
    with writer_class(str(target)) as writer:
        for row in pd.read_csv(run / "metrics.csv").to_dict("records"):
            epoch = int(row.pop("epoch"))
            for name, value in row.items():
                if pd.notna(value):
                    writer.add_scalar(f"epoch/{name}", float(value), epoch)
        writer.add_text("config", f"```\n{(run / 'config.yaml').read_text(encoding='utf-8')}\n```")
        if (run / "result.json").exists():
            result = read_json(run / "result.json")
            for name, value in result["test"].items():
                writer.add_scalar(f"test/{name}", value, result["best_epoch"])
    return target


def read_tensorboard(folder: str | Path) -> pd.DataFrame:
    """The epochs that ``push_tensorboard`` wrote, a row each, columns as in metrics.csv. Raises ``InputError``."""
    _tensorboard()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    if not list(Path(folder).glob("events.out.tfevents.*")):
        raise InputError(f"{folder}: no TensorBoard events here")
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    columns: dict[str, Any] = {}
    for tag in events.Tags()["scalars"]:
        if tag.startswith("epoch/"):
            columns[tag.removeprefix("epoch/")] = {event.step: event.value for event in events.Scalars(tag)}
    return pd.DataFrame(columns).rename_axis("epoch").sort_index().reset_index()


def _tensorboard() -> Any:
    try:
        from torch.utils import tensorboard
    except ImportError:
        raise InputError("TensorBoard is not installed: pip install 'rrsitr-lib[trackers]'") from None
    return tensorboard
