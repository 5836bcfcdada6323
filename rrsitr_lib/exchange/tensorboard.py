"""Runs in TensorBoard, for those who compare there: pushed from a run folder. An extra, off by default."""

from pathlib import Path

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
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise InputError("TensorBoard is not installed: pip install 'rrsitr-lib[trackers]'") from None
    for old in target.glob("events.out.tfevents.*"):
        old.unlink()
    with SummaryWriter(str(target)) as writer:
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
