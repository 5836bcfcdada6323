"""Checkpoints: tensors and a JSON state in one safetensors file, so that one rename commits both. No pickle.

A checksum over both stands beside them, and is compared when they are read.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import CHANGED, CHECKSUM, checksum, write_atomically

MOMENTS = ("exp_avg", "exp_avg_sq")  # of AdamW


def save_checkpoint(path: str | Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> Path:
    """Write tensors and state together, whole or not at all. Raises ``RunError`` when the disk refuses.

    >>> import tempfile
    >>> path = save_checkpoint(tempfile.mkdtemp() + "/a.safetensors", {"w": torch.ones(2)}, {"epoch": 1})
    >>> load_checkpoint(path)
    ({'w': tensor([1., 1.])}, {'epoch': 1})
    """
    on_cpu, noted = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, json.dumps(state)
    metadata = {"state": noted, CHECKSUM: _checksum(on_cpu, noted)}

    return write_atomically(path, lambda temporary: save_file(on_cpu, temporary, metadata=metadata))


def load_checkpoint(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what ``save_checkpoint`` wrote. Raises ``InputError`` for any other, a damaged or a changed file."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such checkpoint")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = json.loads(metadata.get("state", "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, ValueError, OSError, RecursionError) as error:
        raise InputError(f"{path}: not a safetensors file, or damaged ({error})") from None
    if not isinstance(state, dict):
        raise InputError(f"{path}: a safetensors file, but not a checkpoint of this project (no state in its header)")
    if CHECKSUM in metadata and metadata[CHECKSUM] != _checksum(tensors, metadata["state"]):
        raise InputError(f"{path}: {CHANGED}: put back a copy of it, or train anew in another folder")
    return tensors, state


def _checksum(tensors: dict[str, Tensor], state: str) -> str:
    parts: list[bytes | np.ndarray] = [state.encode()]
    for name in sorted(tensors):
        tensor = tensors[name]
        parts += [f"{name} {tensor.dtype} {list(tensor.shape)}".encode(), tensor.reshape(-1).view(torch.uint8).numpy()]
    return checksum(*parts)


def model_tensors(model: nn.Module) -> dict[str, Tensor]:
    """The model's parameters and buffers under ``model.``."""
    return {f"model.{name}": tensor for name, tensor in model.state_dict().items()}


def weights_of(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Of ``training_tensors`` those of ``model_tensors``.

    >>> weights_of({"model.w": torch.ones(1), "optimizer.step.w": torch.ones(1)})
    {'model.w': tensor([1.])}
    """
    return {name: tensor for name, tensor in tensors.items() if name.startswith("model.")}


def training_tensors(model: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    """``model_tensors``, and the optimizer's moments under ``optimizer.NAME.``."""
    tensors = model_tensors(model)
    names: dict[Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
    for parameter, moments in optimizer.state.items():
        for key, value in moments.items():
            tensors[f"optimizer.{key}.{names[parameter]}"] = torch.as_tensor(value)
    return tensors


def restore_training(model: nn.Module, optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put ``training_tensors`` back in place, bit for bit, as the optimizer's kernels want them.

    A fused kernel pairs a moment with its parameter by their place in memory, so moments get the parameter's strides,
    and it wants the count of steps on the parameter's device.
    """
    restore_model(model, tensors)
    names = {parameter: name for name, parameter in model.named_parameters()}
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            name = names[parameter]
            if (step := tensors.get(f"optimizer.step.{name}")) is not None:
                step = step.clone().to(parameter.device if group["fused"] else "cpu")
                moments = {key: tensors[f"optimizer.{key}.{name}"] for key in MOMENTS}
                state = {key: torch.empty_like(parameter).copy_(value) for key, value in moments.items()}
                optimizer.state[parameter] = {"step": step, **state}


def restore_model(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Load the tensors under ``model.``. Raises ``InputError`` when they are another model's."""
    weights = {name.removeprefix("model."): tensor for name, tensor in weights_of(tensors).items()}
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(f"the checkpoint is another model's: {str(error).splitlines()[-1].strip()}") from None
