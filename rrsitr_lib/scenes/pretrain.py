"""Pre-train the tiny encoders on clean scenes of another seed; their weights ship with the package."""

import argparse
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from rrsitr_lib.config import RunConfig
from rrsitr_lib.files import write_atomically
from rrsitr_lib.registry import ENCODERS
from rrsitr_lib.training.checkpoint import load_checkpoint
from rrsitr_lib.training.run import train

LENGTHS: dict[str, dict[str, Any]] = {
    "tiny": {"scenes": 800, "epochs": 8},
    "tiny-strong": {"scenes": 1600, "epochs": 12},
}


def pretraining(name: str) -> RunConfig:
    """The run that makes the weights of an encoder: from random numbers, plain, on clean scenes of world 1000."""
    return RunConfig.build(
        encoder=name, weights="none", scenes_seed=1000, method="contrastive", learning_rate=1e-3, seed=3,
        **LENGTHS[name],
    )  # fmt: skip


def pretrain(name: str, run: str | Path, target: str | Path | None = None) -> Path:
    """Train ``pretraining`` in the folder ``run`` and write its best weights, as float16, to ``target``.

    Without ``target``, to where the encoder finds them. Interrupted, it goes on with the same command.
    """
    train(pretraining(name), run)
    tensors, _ = load_checkpoint(Path(run) / "best.safetensors")
    halved = {name.removeprefix("model.model."): tensor.to(torch.float16) for name, tensor in tensors.items()}
    return write_atomically(target or ENCODERS[name].shipped, lambda temporary: save_file(halved, temporary))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(LENGTHS), help="encoders; all by default")
    parser.add_argument("--runs", default="runs/pretraining", help="folder of the run folders")
    arguments = parser.parse_args()
    for name in arguments.names:
        print(pretrain(name, Path(arguments.runs) / name))
