"""Pre-train the tiny encoder on clean scenes of another seed; its weights ship with the package."""

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file

from rrsitr_lib.config import RunConfig
from rrsitr_lib.files import write_atomically
from rrsitr_lib.model.encoders.tiny import TINY_WEIGHTS
from rrsitr_lib.training.checkpoint import load_checkpoint
from rrsitr_lib.training.run import train

PRETRAINING = RunConfig.build(
    encoder="tiny", weights="none", scenes=1600, scenes_seed=1000, noise_rate=0.0, method="contrastive", epochs=12,
    learning_rate=1e-3, seed=3,
)  # fmt: skip


def pretrain(run: str | Path, target: str | Path = TINY_WEIGHTS) -> Path:
    """Train ``PRETRAINING`` in the folder ``run`` and write its best weights, as float16, to ``target``.

    Interrupted, it goes on with the same command.
    """
    train(PRETRAINING, run)
    tensors, _ = load_checkpoint(Path(run) / "best.safetensors")
    halved = {name.removeprefix("model.model."): tensor.to(torch.float16) for name, tensor in tensors.items()}
    return write_atomically(target, lambda temporary: save_file(halved, temporary))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="runs/tiny_pretraining", help="run folder")
    parser.add_argument("--target", default=str(TINY_WEIGHTS), help="weight file to write")
    arguments = parser.parse_args()
    print(pretrain(arguments.run, arguments.target))
