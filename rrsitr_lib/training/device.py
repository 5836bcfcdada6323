"""Where a run computes: on which device, with which numbers, and by how many processes.

One process, unless ``torchrun`` has started several.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.model.similarity import Features
from rrsitr_lib.registry import extension

CPU = torch.device("cpu")
KEPT = 0.5  # of the free memory


def device_of(config: RunConfig) -> torch.device:
    """The device that a configuration asks for. Raises ``InputError`` where it is not there."""
    if config.device == "cuda" and not torch.cuda.is_available():
        raise InputError("device is 'cuda', but torch sees no GPU: allowed here are auto and cpu")
    use_gpu = torch.cuda.is_available() and config.device != "cpu"
    return torch.device("cuda", torch.cuda.current_device()) if use_gpu else torch.device("cpu")


def half_type(config: RunConfig, device: torch.device) -> torch.dtype | None:
    """The type of mixed precision: as asked for; by default bfloat16 on a GPU that has it, float16 on another.

    None on a CPU, and with "float32". A GPU without bfloat16 emulates it, slower than float32.
    """
    if config.precision != "auto":
        return {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}[config.precision]
    if device.type != "cuda":
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


@contextlib.contextmanager
def float32_products(rounded: bool) -> Iterator[None]:
    """Within this, products of float32 matrices are rounded to TF32 on a GPU that has it, or are not."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if rounded else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def fits_on(device: torch.device, size: int) -> bool:
    """Whether so many bytes fit into half of a GPU's free memory; the rest is for the towers and their steps."""
    return device.type == "cuda" and size <= torch.cuda.mem_get_info(device)[0] * KEPT


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """Values on the device; a GPU gets them from pinned memory: only then does the host not wait for its last step."""
    if device.type != "cuda" or values.is_cuda:
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def peak_memory() -> dict[str, float]:
    """Most GPU memory that was in use, GiB; nothing on a CPU."""
    if not torch.cuda.is_available():
        return {}
    return {"peak_memory_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2)}


class OneProcess:
    """A run by one process. ``speed.distributed`` has several, which share every batch."""

    rank, size = 0, 1

    def wait(self) -> None:
        """Until all processes are here."""

    def own_rows(self, rows: np.ndarray) -> np.ndarray:
        """This process's part of a batch. **Shape** (B,) -> (B / processes,)."""
        return rows

    def gather(self, features: Features) -> Features:
        """Features of the whole batch, in its order; the gradient reaches this process's part only."""
        return features

    def agreed(self, record: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """The first process's ledger rows of an epoch, in all: what follows from them is decided once."""
        return record

    def share(self, network: nn.Module) -> nn.Module:
        """The network as it is trained: a backward pass leaves the mean of the processes' gradients."""
        return network

    def unshared(self, networks: list[Any]) -> contextlib.AbstractContextManager[Any]:
        """While it lasts, the gradients of ``networks``, which are shared, stay with the process that has them."""
        return contextlib.nullcontext()


ONE_PROCESS = OneProcess()


def join_processes(config: RunConfig) -> OneProcess:
    """The processes that ``torchrun`` started, or this one alone."""
    return extension("speed.distributed").join(config) if "RANK" in os.environ else ONE_PROCESS
