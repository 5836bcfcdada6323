"""Weights by open_clip's own loading: strictly, as tensors only; one line says what is wrong with a file."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from pickle import UnpicklingError

from open_clip.factory import load_state_dict
from torch import nn

from rrsitr_lib.errors import InputError

PLAIN = "allowed are .safetensors, and a .pt or .bin with a plain state dict"


def load_weights(module: nn.Module, path: Path, optional: tuple[str, ...] = ()) -> None:
    """Load a weight file strictly, less names that begin with ``optional``; float16 files become float32."""
    with loading(path):
        tensors = {
            name.removeprefix("model.model."): tensor.float()
            for name, tensor in load_state_dict(path).items()
            if not name.startswith(optional or ("\0",))
        }
        module.load_state_dict(tensors)


@contextlib.contextmanager
def loading(weights: str | Path | None) -> Iterator[None]:
    """Turn the many ways in which a file, a folder or (None) a download can fail into one line that says what to do."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # hub, network, zip, pickle and key errors differ by library and version
        cause, said = _refused(error), " ".join(str(getattr(error, "strerror", None) or error).split())[:200]
        if weights is None and not cause:
            mend = "check the connection or give --weights a local path"
            raise InputError(f"cannot load weights by hub name ({said}); {mend}") from error
        if not cause:
            cause = said if isinstance(error, OSError | ValueError) else "damaged, cut short, or of another kind"
        raise InputError(f"{weights or 'weights by hub name'}: not weights of this model ({cause})") from error


def _refused(error: Exception) -> str | None:
    """Why something that was read is not taken; never a library's advice to run what a file brings."""
    said = str(error)
    if isinstance(error, UnpicklingError) or "pickle" in said or "weights_only" in said:
        return f"damaged, or a pickle that holds more than tensors and could run code: {PLAIN}"
    if "trust_remote_code" in said:
        return "it asks for code of its own (auto_map), which is never run"
    return said.splitlines()[-1].strip() if said.startswith("Error(s) in loading state_dict") else None
