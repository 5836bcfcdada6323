"""Token features of frozen towers, computed once and kept on disk: float16, memory-mapped, named by a fingerprint."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from rrsitr_lib.data.images import as_image
from rrsitr_lib.data.stretch import range_of
from rrsitr_lib.files import cache_folder, fingerprint
from rrsitr_lib.model.encoder import Encoder, JointEncoder
from rrsitr_lib.speed.cached_arrays import cached_arrays

BATCH, GPU_BATCH = 32, 256
Images = np.ndarray | Sequence[Path]
Computed = tuple[Tensor, Sequence[int]]  # tokens (batch, L, width), and how many of each item's are real


def image_tokens(towers: Encoder, images: Images, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Tokens of images before any new projection, (M, L, width) float16, and their numbers (M,)."""
    name = fingerprint("image", weights_of(towers), repr(towers.eval_transform), *map(content_of, images))

    def compute(items: range) -> Computed:
        pixels = pixels_of(towers, images, items)
        tokens = towers.image_map(pixels) if isinstance(towers, JointEncoder) else towers.image(pixels).tokens
        return tokens, [tokens.shape[1]] * len(items)

    return cached_tokens(towers, name, len(images), compute, what)


def caption_tokens(
    towers: Encoder, captions: Sequence[str], what: str, numbers: Tensor | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tokens of captions before any new projection, (U, L, width) float16, how many are real (U,), where each is (U,).

    Short captions come first, so that few are encoded with much padding: caption u lies in row ``place[u]``.
    ``numbers``: the captions as token numbers (U, context), where they are known.
    """
    numbers = towers.tokenize(captions) if numbers is None else numbers
    lengths = towers.lengths(numbers)
    if towers.pad_tokens == "paper":
        lengths = torch.full_like(lengths, numbers.shape[1])
    order = lengths.argsort(stable=True)
    numbers, lengths = numbers[order, : int(lengths.max())], lengths[order]

    def compute(items: range) -> Computed:
        real = lengths[items.start : items.stop]
        batch = numbers[items.start : items.stop, : int(real[-1])].to(device_of(towers))
        tokens = towers.text_map(batch) if isinstance(towers, JointEncoder) else towers.text(batch).tokens
        return F.pad(tokens, (0, 0, 0, numbers.shape[1] - tokens.shape[1])), real.tolist()

    name = fingerprint("text by length", weights_of(towers), towers.pad_tokens, *captions)
    return *cached_tokens(towers, name, len(captions), compute, what), order.argsort().numpy()


def cached_tokens(
    towers: Encoder, name: str, items: int, compute: Callable[[range], Computed], what: str
) -> tuple[np.ndarray, np.ndarray]:
    """Tokens (items, L, width) float16 and lengths (items,) int32 by memory map, computed now where they are not kept.

    ``compute(items)`` gives tokens (batch, L, width) and the number of real tokens of each.
    """

    @torch.no_grad()
    def rows(part: range) -> dict[str, np.ndarray]:
        tokens, real = compute(part)
        return {"tokens": tokens.cpu().to(torch.float16).numpy(), "lengths": np.array(real, dtype="<i4")}

    batch = GPU_BATCH if device_of(towers).type == "cuda" else BATCH
    arrays = cached_arrays(cache_folder(), name, items, rows, batch, f"tokens of {what}")
    return arrays["tokens"], arrays["lengths"]


def pixels_of(towers: Encoder, images: Images, items: range) -> Tensor:
    """Images as the towers see them in evaluation, on their device."""
    pixels = torch.stack([towers.eval_transform(as_image(images[item])) for item in items])
    return pixels.to(device_of(towers), memory_format=towers.memory_format)


def device_of(towers: Encoder) -> torch.device:
    """Where the towers are."""
    return next(towers.parameters()).device


def weights_of(towers: Encoder) -> str:
    """Fingerprint of the pretrained part only: projections that open_clip adds anew never reach the cache."""
    parts = towers.model.state_dict()
    if isinstance(towers, JointEncoder):
        parts = {name: value for name, value in parts.items() if "trunk" in name or "text.transformer" in name}
    return fingerprint(*(part for name, value in parts.items() for part in (name, value.cpu().numpy())))


def content_of(image: np.ndarray | Path) -> bytes:
    """SHA-256 of an image: of its pixels, or of its file and the bit depth of its set."""
    content = image.tobytes() if isinstance(image, np.ndarray) else image.read_bytes() + range_of(image).encode()
    return hashlib.sha256(content).digest()
