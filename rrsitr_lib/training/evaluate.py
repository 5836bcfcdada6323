"""Features of a split, and its recalls, by one network or the mean score of several."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.pairs import numbered
from rrsitr_lib.evaluation import FusedScore, recall
from rrsitr_lib.model.similarity import Features, parts
from rrsitr_lib.training.batches import Items, SplitInputs
from rrsitr_lib.training.device import float32_products, half_type, to_device

BATCH, GPU_BATCH = 128, 512
Tower = Callable[[Tensor], Features]


class Networks(nn.ModuleList):
    """Several networks that are trained together on the same batches."""


def networks_of(model: nn.Module) -> list[Any]:
    """The networks of a model, one as a rule."""
    return list(model) if isinstance(model, Networks) else [model]


def encode(model: Any, inputs: SplitInputs, config: RunConfig) -> tuple[Features, Features]:
    """Features of all images and captions of a split, (image, text), float32; shorter captions padded with zeros.

    ``model`` is one network.
    """
    rows, entry = different_captions(inputs)
    image, text = _both(model, inputs, rows, config)
    return image, text if entry is None else Features(*(part[torch.from_numpy(entry)] for part in text))


def different_captions(inputs: SplitInputs) -> tuple[np.ndarray, np.ndarray | None]:
    """The first row of every different caption, and which of them each row has, None where no two are equal.

    **Shape** (U,), (N,).
    """
    different, entry = numbered(inputs.table.captions)
    if len(different) == len(entry):
        return np.arange(len(entry)), None
    return np.unique(entry, return_index=True)[1], entry


@torch.no_grad()
def _both(model: Any, inputs: SplitInputs, rows: np.ndarray, config: RunConfig) -> tuple[Features, Features]:
    model.eval()
    images = np.arange(len(inputs.images))
    image = _encode(model.image, inputs.images, images, model, config)
    return image, _encode(model.text, inputs.captions, rows, model, config)


def _encode(tower: Tower, items: Items, wanted: np.ndarray, model: nn.Module, config: RunConfig) -> Features:
    device = next(model.parameters()).device
    half, size = half_type(config, device), GPU_BATCH if device.type == "cuda" else BATCH
    found = []
    for part in parts(len(wanted), size):
        here = wanted[part]
        # a compiled tower wants one shape: the last batch is filled up, and cut again
        asked = np.resize(here, size) if config.compile else here
        with torch.autocast(device.type, dtype=half, enabled=half is not None):
            features = tower(to_device(items.fetch(asked), device))
        found.append(Features(*(one[: len(here)].float() for one in features)))
    return _joined(found)


def _joined(found: list[Features]) -> Features:
    """One after another, as long as the longest."""
    tokens = [one.tokens for one in found]
    longest = max(one.shape[1] for one in tokens)
    joined = tokens[0].new_zeros(sum(map(len, tokens)), longest, tokens[0].shape[2])
    for rows, one in zip(joined.split(list(map(len, tokens))), tokens, strict=True):
        rows[:, : one.shape[1]] = one
    return Features(torch.cat([one.pooled for one in found]), joined)


def score_of(model: nn.Module, inputs: SplitInputs, config: RunConfig) -> FusedScore:
    """The score of every caption with every image of a split, (captions, images); equal captions are encoded once."""
    rows, entry = different_captions(inputs)
    encoded = [_both(network, inputs, rows, config) for network in networks_of(model)]
    towers = [(text, image) for image, text in encoded]
    return FusedScore(*towers[0], config.local_fraction, others=towers[1:], entry_of_caption=entry)


def evaluate(model: nn.Module, inputs: SplitInputs, config: RunConfig) -> dict[str, float]:
    """Recall at 1, 5, 10 both ways and mR of a split, in percent."""
    with float32_products(rounded=False):
        return recall(score_of(model, inputs, config), inputs.image_of_row)
