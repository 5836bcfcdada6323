"""The gradients of one step, by one process or shared by several, of which the first writes them."""

import sys

import numpy as np
import torch
from safetensors.torch import save_file

from rrsitr_lib.config import RunConfig
from rrsitr_lib.training.batches import RowBatches
from rrsitr_lib.training.device import ONE_PROCESS, join_processes
from rrsitr_lib.training.run import Run

CASES = {"whole": {}, "slices": {"gradient_slice": 7}, "networks": {"method": "ncr2"}}


def gradients(case, processes=ONE_PROCESS):
    """By the name of the parameter, of 60 of 210 rows."""
    given = {"encoder": "tiny", "scenes": 42, "batch_size": 60, "noise_rate": 0.4, **CASES[case]}
    run = Run(RunConfig.build(**given, device="cpu"), None, processes=processes)
    run.model.train()
    rows = np.random.default_rng(0).permutation(210)[:60]
    batch = RowBatches(run.inputs["train"], run.noise.caption_index, processes)[0, rows]
    run.trainer.backward(run.trainer.method_of(0), torch.from_numpy(rows), *batch)
    found = {name: parameter.grad for name, parameter in run.model.named_parameters()}
    return {name: gradient.contiguous() for name, gradient in found.items() if gradient is not None}


if __name__ == "__main__":
    processes = join_processes(RunConfig.build(encoder="tiny", device="cpu"))
    own = {"loss": np.arange(5, dtype="<f4") + processes.rank, "trained": np.full(5, processes.rank == 0)}
    agreed = processes.agreed(dict(sorted(own.items(), reverse=processes.rank)))
    assert (agreed["loss"] == range(5)).all() and agreed["trained"].all(), agreed
    for case in CASES:
        found = gradients(case, processes)
        if processes.rank == 0:
            save_file(found, f"{sys.argv[1]}_{case}")
