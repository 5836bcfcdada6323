"""Features of a split, and its recalls, by one network or the mean score of several."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rrsitr_lib.config import RunConfig
from rrsitr_lib.evaluation import FusedScore, recall
from rrsitr_lib.model.similarity import Features
from rrsitr_lib.training.batches import Items, SplitInputs
from rrsitr_lib.training.device import float32_products, half_type

BATCH = 128
Tower = Callable[[Tensor], Features]


class Networks(nn.ModuleList):
    """Several networks that are trained together on the same batches."""


def networks_of(model: nn.Module) -> list[Any]:
    """The networks of a model, one as a rule."""
    return list(model) if isinstance(model, Networks) else [model]


@torch.no_grad()
def encode(model: Any, inputs: SplitInputs, config: RunConfig) -> tuple[Features, Features]:
    """Features of all images and captions of a split, (image, text), float32; shorter captions padded with zeros.

    ``model`` is one network.
    """
    model.eval()
    return _encode(model.image, inputs.images, model, config), _encode(model.text, inputs.captions, model, config)


def _encode(tower: Tower, items: Items, model: nn.Module, config: RunConfig) -> Features:
    device = next(model.parameters()).device
    half, parts = half_type(config, device), []
    for start in range(0, len(items), BATCH):
        wanted = np.arange(start, min(start + BATCH, len(items)))
        # a compiled tower wants one shape: the last batch is filled up, and cut again
        asked = np.resize(wanted, BATCH) if config.compile else wanted
        with torch.autocast(device.type, dtype=half, enabled=half is not None):
            features = tower(items.fetch(asked).to(device))
        parts.append(Features(*(part[: len(wanted)].float() for part in features)))
    longest = max(part.tokens.shape[1] for part in parts)
    tokens = [nn.functional.pad(part.tokens, (0, 0, 0, longest - part.tokens.shape[1])) for part in parts]
    return Features(torch.cat([part.pooled for part in parts]), torch.cat(tokens))


def score_of(model: nn.Module, inputs: SplitInputs, config: RunConfig) -> FusedScore:
    """The score of every caption with every image of a split, (captions, images)."""
    encoded = [encode(network, inputs, config) for network in networks_of(model)]
    towers = [(text, image) for image, text in encoded]
    return FusedScore(*towers[0], config.local_fraction, others=towers[1:])


def evaluate(model: nn.Module, inputs: SplitInputs, config: RunConfig) -> dict[str, float]:
    """Recall at 1, 5, 10 both ways and mR of a split, in percent."""
    with float32_products(rounded=False):
        return recall(score_of(model, inputs, config), inputs.image_of_row)
