"""Runs in TensorBoard, for those who compare there: pushed from a run folder. An extra, off by default."""

from pathlib import Path

import pandas as pd

from rrsitr_lib.errors import InputError
from rrsitr_lib.training.run_files import read_config, read_metrics, read_result


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
    config, metrics = read_config(run), read_metrics(run)
    for old in target.glob("events.out.tfevents.*"):
        old.unlink()
    with SummaryWriter(str(target)) as writer:
        for row in metrics.to_dict("records"):
            epoch = int(row.pop("epoch"))
            for name, value in row.items():
                if pd.notna(value):
                    writer.add_scalar(f"epoch/{name}", float(value), epoch)
        writer.add_text("config", f"```\n{config.to_yaml()}\n```")
        if (run / "result.json").exists():
            result = read_result(run)
            for name, value in result["test"].items():
                writer.add_scalar(f"test/{name}", value, result["best_epoch"])
    return target
