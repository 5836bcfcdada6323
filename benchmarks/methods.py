"""What a step of every method costs beside one of plain training: time, as a ratio, and memory.

Usage: python benchmarks/methods.py [--rounds 9] [METHOD ...]
All methods take the same batch in turn, so that the machine's drift hits all; two networks both step.
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pandas as pd
import torch
from timing import multiples_of_first
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import inject_noise, open_data
from rrsitr_lib.experiments.report_tables import markdown
from rrsitr_lib.methods import METHODS
from rrsitr_lib.training.batches import RowBatches, epoch_order
from rrsitr_lib.training.build import build_model
from rrsitr_lib.training.epoch_buffer import EpochBuffer
from rrsitr_lib.training.trainer import Trainer

SCENES, PLAIN = 200, "contrastive"


class Stepper:
    """A method in its last epoch, when all that it decides by its record is in force, over one batch."""

    def __init__(self, method: str) -> None:
        config = RunConfig.build(encoder="tiny", scenes=SCENES, noise_rate=0.4, method=method)
        data = open_data(config)
        noise = inject_noise(config, data["train"].table)
        model, inputs = build_model(config, data)
        self.trainer = Trainer(config, model, inputs["train"], noise)
        self.method, last = self.trainer.method, config.epochs - 1
        record, _ = self.trainer.train_epoch(0, None)
        self.method.begin_epoch(last, record)
        rows = epoch_order(len(noise.mismatched), config.seed, last)[: config.batch_size]
        self.batch = RowBatches(inputs["train"], [rows], noise.caption_index, last)[0]
        self.rows = torch.from_numpy(rows)
        self.buffer = EpochBuffer(self.trainer.rows, self.trainer.columns, self.trainer.device)

    def step(self) -> None:
        """One step of training."""
        self.trainer.step(self.method, self.buffer, self.rows, *self.batch)

    def kept_mib(self) -> float:
        """What one step keeps for its backward pass, each storage once, parameters left out."""
        own = {parameter.untyped_storage().data_ptr() for parameter in self.trainer.model.parameters()}
        kept: dict[int, int] = {}

        def note(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with saved_tensors_hooks(note, lambda tensor: tensor):
            self.step()
        return sum(kept.values()) / 2**20


def main() -> None:
    """A table, a row a method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", nargs="*", help="all by default")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    names = list(dict.fromkeys([PLAIN, *(arguments.methods or METHODS)]))
    steppers = {name: Stepper(name) for name in names}
    seconds, multiples = multiples_of_first([stepper.step for stepper in steppers.values()], arguments.rounds)
    plain = steppers[PLAIN].kept_mib()
    print(f"a step of {PLAIN}: {seconds:.3f} s, {plain:.0f} MiB kept for its backward pass")
    print()
    table = {
        "method": names,
        "networks": [str(METHODS[name].networks) for name in names],
        "time": multiples,
        "memory": [f"{stepper.kept_mib() / plain:.2f}" for stepper in steppers.values()],
    }
    print(markdown(pd.DataFrame(table)))


if __name__ == "__main__":
    main()
