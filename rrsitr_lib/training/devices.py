"""The device of a run: which one, its compiled towers, the memory that was used there."""

import torch
from torch import nn

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError


def device_of(config: RunConfig) -> torch.device:
    """The device that a configuration asks for. Raises ``InputError`` where it is not there."""
    if config.device == "cuda" and not torch.cuda.is_available():
        raise InputError("device is 'cuda', but torch sees no GPU: allowed here are auto and cpu")
    use_gpu = torch.cuda.is_available() and config.device != "cpu"
    return torch.device("cuda", torch.cuda.current_device()) if use_gpu else torch.device("cpu")


def compile_towers(model: nn.Module) -> None:
    """Compile the towers where they stand: names in checkpoints stay as they are."""
    towers = [getattr(getattr(model, "model", model), name, None) for name in ("visual", "transformer", "text")]
    for tower in towers:
        if isinstance(tower, nn.Module):
            tower.compile()


def peak_memory() -> dict[str, float]:
    """Most GPU memory that was in use, GiB; nothing on a CPU."""
    if not torch.cuda.is_available():
        return {}
    return {"peak_memory_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2)}
