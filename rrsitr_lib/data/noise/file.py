"""Injected noise on disk: indices, truth and where they come from, in one small file."""

import json
from pathlib import Path

import numpy as np

from rrsitr_lib.data.noise.base import Noise
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import save_arrays


def save_noise(noise: Noise, path: str | Path) -> Path:
    """Save as ``.npz`` (indices, mask, and protocol, rate, seed, fingerprint as JSON); whole or not at all.

    Taught in: notebooks/02_noise
    """
    facts = {key: getattr(noise, key) for key in ("rate", "protocol", "seed", "fingerprint")}
    arrays = {"caption_index": noise.caption_index, "mismatched": noise.mismatched}
    return save_arrays(path, {**arrays, "facts": np.array(json.dumps(facts))})


def load_noise(path: str | Path) -> Noise:
    """Load what ``save_noise`` wrote. Raises ``InputError`` for another kind of file or a changed fingerprint.

    Taught in: notebooks/02_noise
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            caption_index, mismatched, facts = file["caption_index"], file["mismatched"], json.loads(str(file["facts"]))
        shapes = caption_index.shape, mismatched.shape
        if caption_index.ndim != 1 or shapes[0] != shapes[1]:
            raise ValueError(f"caption_index and mismatched have the shapes {shapes}")
        if caption_index.dtype.kind not in "iu" or mismatched.dtype != bool:
            raise ValueError(f"caption_index is {caption_index.dtype}, mismatched is {mismatched.dtype}")
        noise = Noise(caption_index, mismatched, float(facts["rate"]), str(facts["protocol"]), int(facts["seed"]))
        stated = str(facts["fingerprint"])
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except Exception as error:  # numpy, zipfile and json each complain in their own way about a foreign file
        raise InputError(f"{path}: not a noise file of this project ({type(error).__name__}: {error})") from None
    check_indices(caption_index, len(mismatched), path)
    if noise.fingerprint != stated:
        raise InputError(f"{path}: fingerprint {noise.fingerprint[:12]}… does not match the {stated[:12]}… it states")
    return noise


def check_indices(caption_index: np.ndarray, rows: int, path: str | Path) -> None:
    """Raises ``InputError`` unless there is an index from 0 to ``rows`` - 1 for each row."""
    if caption_index.shape != (rows,):
        raise InputError(f"{path}: {len(caption_index)} caption indices for a table of {rows} rows")
    if rows and not 0 <= caption_index.min() <= caption_index.max() < rows:
        raise InputError(
            f"{path}: caption indices from {caption_index.min()} to {caption_index.max()}, allowed are 0 to {rows - 1}"
        )
