"""Several processes, one batch: each encodes its share of the rows, all see the features of the whole batch.

Every process computes the same objective over the gathered features, in which only its own share carries a gradient.
The sum of the parameters' gradients over the processes is then that of one process with the whole batch. Torch's
``DistributedDataParallel`` takes their mean while the backward pass goes on, so the objective counts once a process.
"""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as group
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.model.similarity import Features
from rrsitr_lib.training.device import OneProcess
from rrsitr_lib.training.ledger import Ledger
from rrsitr_lib.training.run import Run
from rrsitr_lib.training.run_files import read_result

PATIENCE = timedelta(days=7)  # the first process scores all pairs before the first epoch, while the others wait


def join(config: RunConfig) -> OneProcess:
    """Join the processes that ``torchrun`` started: NCCL where each has a GPU, gloo on CPUs.

    Raises ``InputError`` where there are GPUs, but fewer than processes.
    """
    if not group.is_initialized():
        gpus = 0 if config.device == "cpu" else torch.cuda.device_count()
        local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        if 0 < gpus < local:
            raise InputError(f"{local} processes on {gpus} GPUs: allowed is one a GPU (--nproc-per-node {gpus})")
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if gpus else None
        if device:
            torch.cuda.set_device(device)
        group.init_process_group("nccl" if gpus else "gloo", device_id=device, timeout=PATIENCE)
    return SeveralProcesses(group.get_rank(), group.get_world_size())


class SeveralProcesses(OneProcess):
    """Process ``rank`` of ``size`` that share every batch; rank 0 writes the run."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size

    def wait(self) -> None:
        """Until all processes are here."""
        group.barrier()

    def own_rows(self, rows: np.ndarray) -> np.ndarray:
        """Raises ``InputError`` for a batch that does not divide."""
        if len(rows) % self.size:
            allowed = f"with {self.size} processes allowed are multiples of {self.size}"
            raise InputError(f"batch_size is {len(rows)}: {allowed}")
        return np.split(rows, self.size)[self.rank]

    def gather(self, features: Features) -> Features:
        """**Shape** pooled (B / P, D), tokens (B / P, L, D) -> (B, D), (B, L, D), equal shapes in all processes."""
        return Features(*(self._gathered(part) for part in features))

    def _gathered(self, own: Tensor) -> Tensor:
        parts = [torch.empty_like(own, memory_format=torch.contiguous_format) for _ in range(self.size)]
        group.all_gather(parts, own.detach().contiguous())
        parts[self.rank] = own
        return torch.cat(parts)

    def agreed(self, record: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """On GPUs the processes' own losses may differ by their last bits, which a threshold can lie between."""
        device = torch.device("cuda" if group.get_backend() == "nccl" else "cpu")
        found = {}
        for name in sorted(record):  # each has its own order of them
            column = torch.from_numpy(np.array(record[name])).to(device)
            group.broadcast(column, 0)
            found[name] = column.cpu().numpy()
        return found

    def share(self, network: nn.Module) -> nn.Module:
        """Starts from the first process's parameters and buffers; the latter never change."""
        shared = DistributedDataParallel(network, gradient_as_bucket_view=True)
        shared.broadcast_buffers = False  # as an argument its name depends on the version of torch
        return shared

    def unshared(self, networks: list[Any]) -> AbstractContextManager[Any]:
        """Of several networks each is told."""
        stack = ExitStack()
        for network in networks:
            stack.enter_context(network.no_sync())
        return stack


def follow(config: RunConfig, folder: Path, processes: OneProcess) -> dict[str, Any]:
    """What every process of a run but the first does: encode its share of each batch, and write nothing.

    What the first process commits is read. Returns the result of the run.
    """
    processes.wait()
    if not (folder / "result.json").exists():
        run = Run(config, folder, processes=processes)
        processes.wait()
        first, last = 0, None
        if state := run.restore_tensors():
            first = state["metrics"][-1]["epoch"]
            last = Ledger.open(folder / "ledger").epoch(first - 1) if first else None
        processes.wait()  # until all have read: the first one may be at an epoch's last step, and then writes
        for epoch in range(first, config.epochs):
            last, _ = run.trainer.train_epoch(epoch, last, begun=run.begun)
            run.begun = None
        processes.wait()
    return read_result(folder)
