"""Several processes, one batch: each encodes its share of the rows, all see the features of the whole batch.

Every process computes the same objective over the gathered features, in which only its own share carries a gradient.
The sum of the parameters' gradients over the processes is then that of one process with the whole batch.
Started by ``torchrun``; without it nothing here does anything.
"""

import contextlib
import os
from collections.abc import Iterator

import numpy as np
import torch
import torch.distributed as group
from torch import Tensor, nn

from rrsitr_lib.errors import InputError
from rrsitr_lib.model.encoders import Features

_alone = False


def start() -> None:
    """Join the processes that ``torchrun`` started: NCCL where each has a GPU, gloo on CPUs."""
    if "RANK" in os.environ and not group.is_initialized():
        gpus = torch.cuda.device_count()
        if gpus:
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % gpus)
        group.init_process_group("nccl" if gpus >= int(os.environ.get("LOCAL_WORLD_SIZE", "1")) else "gloo")


def size() -> int:
    """How many processes share a batch."""
    return group.get_world_size() if group.is_initialized() and not _alone else 1


def rank() -> int:
    """Number of this process, 0 for the one that writes the run."""
    return group.get_rank() if group.is_initialized() else 0


def wait() -> None:
    """Until all processes are here."""
    if group.is_initialized():
        group.barrier()


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Within this, each process counts as the only one."""
    global _alone
    before, _alone = _alone, True
    try:
        yield
    finally:
        _alone = before


def share(rows: np.ndarray) -> np.ndarray:
    """This process's part of a batch. **Shape** (B,) -> (B / processes,). Raises ``InputError`` for other sizes."""
    if len(rows) % size():
        raise InputError(f"batch_size is {len(rows)}: with {size()} processes allowed are multiples of {size()}")
    return np.split(rows, size())[rank() if size() > 1 else 0]


def gather(features: Features) -> Features:
    """Features of the whole batch, in its order; the gradient reaches this process's share only.

    **Shape** pooled (B / P, D), tokens (B / P, L, D) -> (B, D), (B, L, D), L the longest of all shares.
    """
    if size() == 1:
        return features
    longest = torch.tensor(features.tokens.shape[1], device=features.tokens.device)
    group.all_reduce(longest, group.ReduceOp.MAX)
    tokens = nn.functional.pad(features.tokens, (0, 0, 0, int(longest) - features.tokens.shape[1]))
    return Features(_gathered(features.pooled), _gathered(tokens))


def _gathered(own: Tensor) -> Tensor:
    parts = [torch.empty_like(own) for _ in range(size())]
    group.all_gather(parts, own.detach().contiguous())
    parts[rank()] = own
    return torch.cat(parts)


def sum_gradients(model: nn.Module) -> None:
    """Add up every parameter's gradient over the processes, in one message."""
    if size() == 1:
        return
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    total = torch.cat([gradient.reshape(-1) for gradient in gradients])
    group.all_reduce(total)
    # copied into place: a gradient keeps the strides of its parameter, which a fused optimizer relies on
    for gradient, part in zip(gradients, total.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(part.view(gradient.shape))
