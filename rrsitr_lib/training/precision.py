"""The device of a run, and with which numbers it computes there."""

import contextlib
from collections.abc import Iterator

import torch

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError


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


def peak_memory() -> dict[str, float]:
    """Most GPU memory that was in use, GiB; nothing on a CPU."""
    if not torch.cuda.is_available():
        return {}
    return {"peak_memory_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2)}
