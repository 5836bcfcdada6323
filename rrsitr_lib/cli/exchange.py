"""Commands that hand a run to other programs: weights, features, TensorBoard."""

from pathlib import Path
from typing import Annotated

import typer

from rrsitr_lib.cli.options import RunData, RunFolder, RunImages


def weights(run: RunFolder, out: Annotated[Path, typer.Option(help="file that receives them, .safetensors")]) -> None:
    """Write a run's best weights as plain open_clip loads them.

    Example: rrsitr weights runs/p --out tuned.safetensors
    """
    from rrsitr_lib.exchange.export import write_weights

    name = write_weights(run, out)
    note = "; import rrsitr_lib.model.encoder first" if name.startswith("rrsitr") else ""
    typer.echo(f'open_clip.create_model_and_transforms("{name}", pretrained="{out}"){note}')


def features(
    run: RunFolder,
    out: Annotated[Path, typer.Option(help="folder that receives image and text, .npy and .parquet each")],
    split: Annotated[str, typer.Option(help="train, val or test")] = "test",
    data: RunData = None,
    images: RunImages = None,
) -> None:
    """Write a split's features by a run's best weights: unit rows, ready for FAISS or a table."""
    from rrsitr_lib.exchange.export import write_features

    for path in write_features(run, out, split, data, images):
        typer.echo(path)


def push(run: RunFolder, tensorboard: Annotated[Path, typer.Option(help="folder of TensorBoard's events")]) -> None:
    """Write a run's metrics as TensorBoard events (extra: trackers)."""
    from rrsitr_lib.exchange.tensorboard import push_tensorboard

    typer.echo(f"{push_tensorboard(run, tensorboard)}: tensorboard --logdir {tensorboard}")
