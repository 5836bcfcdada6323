"""Token features of frozen towers, computed once and kept on disk: float16, memory-mapped, named by a fingerprint.

A finished cache is a folder ``<fingerprint>/``; one being built is ``<fingerprint>.partial/`` with a count of finished
items, so that a killed build goes on where it stopped. A file lock keeps two processes from building the same one.
"""

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from rrsitr_lib.files import allocate, build_once, cache_folder, fingerprint, read_json, write_json
from rrsitr_lib.model.encoders import ClipEncoder, Encoder

BATCH = 32


class TokenCache:
    """Tokens of numbered items, (items, longest, width) float16 by memory map, and how many of each item's are real."""

    def __init__(self, folder: Path) -> None:
        shape = read_json(folder / "shape.json")
        self.tokens = np.memmap(folder / "tokens.f16", dtype="<f2", mode="r", shape=tuple(shape))
        self.lengths = np.fromfile(folder / "lengths.i4", dtype="<i4")

    def __len__(self) -> int:
        return len(self.lengths)


def build_cache(
    name: str,
    items: int,
    shape: tuple[int, int],
    compute: Callable[[range], tuple[Tensor, Sequence[int]]],
    what: str,
    folder: Path | None = None,
) -> TokenCache:
    """The cache called ``name``, built now where it is not there yet; progress and remaining time are shown.

    ``compute(items)`` gives tokens (batch, L <= shape[0], shape[1]) and the number of real tokens of each.
    Raises ``RunError`` when the disk is full; what is finished is kept. Taught in: notebooks/07_real_pairs
    """
    return TokenCache(
        build_once(
            folder or cache_folder(),
            name,
            lambda partial: _build(partial, items, shape, compute, what),
            "token cache",
        )
    )


def _build(
    partial: Path,
    items: int,
    shape: tuple[int, int],
    compute: Callable[[range], tuple[Tensor, Sequence[int]]],
    what: str,
) -> None:
    done = 0
    with contextlib.suppress(Exception):  # an unreadable count only means that the work begins anew
        done = int(read_json(partial / "done.json"))
    if not done:
        allocate(partial / "tokens.f16", items * shape[0] * shape[1] * 2)
        allocate(partial / "lengths.i4", items * 4)
        write_json(partial / "shape.json", [items, *shape])
    tokens = np.memmap(partial / "tokens.f16", dtype="<f2", mode="r+", shape=(items, *shape))
    lengths = np.memmap(partial / "lengths.i4", dtype="<i4", mode="r+", shape=(items,))
    for start in tqdm(range(done, items, BATCH), desc=f"tokens of {what}", unit="batch", initial=done // BATCH):
        batch = range(start, min(start + BATCH, items))
        with torch.no_grad():
            computed, real = compute(batch)
        tokens[start : batch.stop, : computed.shape[1]] = computed.cpu().to(torch.float16).numpy()
        lengths[start : batch.stop] = real
        tokens.flush(), lengths.flush()
        write_json(partial / "done.json", batch.stop)


def weights_of(towers: Encoder) -> str:
    """The pretrained part only: projections that open_clip adds anew never reach the cache."""
    parts = towers.model.state_dict()
    if not isinstance(towers, ClipEncoder):
        parts = {name: value for name, value in parts.items() if "trunk" in name or "text.transformer" in name}
    return fingerprint(*(part for name, value in parts.items() for part in (name, value.numpy())))


def content_of(picture: np.ndarray | Path) -> bytes:
    """SHA-256 of a picture: of its pixels, or of its file."""
    content = picture.tobytes() if isinstance(picture, np.ndarray) else Path(picture).read_bytes()
    return hashlib.sha256(content).digest()
