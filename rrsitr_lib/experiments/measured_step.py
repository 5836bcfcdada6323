"""One training step of a configuration on stand-in data: its seconds and operations a pair. Weights are random."""

import time
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from rrsitr_lib.config import TINY, RunConfig
from rrsitr_lib.data.noise import inject
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.frozen_towers.heads import HeadsEncoder
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.registry import ENCODERS
from rrsitr_lib.training.batches import ImageFiles, InMemory, Items, SplitInputs, TokenNumbers
from rrsitr_lib.training.device import device_of
from rrsitr_lib.training.trainer import Trainer

WORDS, STEPS = "many green trees and some buildings are near a curved river in the north", 2
IMAGE_TOKENS, TEXT_TOKENS = 49, 24  # of the cached towers
SMALL_BATCH = 8  # pairs of a measured step of a large model without a GPU


def measured_step(config: RunConfig) -> dict[str, Any]:
    """``seconds_per_pair``, ``operations_per_pair``, and on what: ``pairs`` of the step and ``device``.

    The step is RRSITR's with one network, whatever the method of the configuration. A large model without a GPU takes a
    small batch; the time a pair is then taken for that of the whole batch.
    """
    device = device_of(config)
    large = config.train == "all" and config.encoder not in TINY
    pairs = min(config.batch_size, SMALL_BATCH) if large and device.type == "cpu" else config.batch_size
    plain = {"workers": 0, "gradient_slice": 0, "epochs": 1000, "warmup_steps": 0, "method": "rrsitr", "settings": {}}
    config = config.model_copy(update={"batch_size": pairs, **plain})
    model, images, captions = _stand_in(config)
    trainer = stand_in_trainer(config, model.to(device), images, captions)
    with FlopCounterMode(display=False) as counter:
        record, _ = trainer.train_epoch(0, None)
    started = time.perf_counter()
    for epoch in range(1, 1 + STEPS):
        record, _ = trainer.train_epoch(epoch, record)  # the record is on the host: nothing is left running
    seconds = (time.perf_counter() - started) / STEPS
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    operations = counter.get_total_flops() / pairs
    return {"seconds_per_pair": seconds / pairs, "operations_per_pair": operations, "pairs": pairs, "device": name}


def stand_in_trainer(config: RunConfig, model: nn.Module, images: Items, captions: Items) -> Trainer:
    """A trainer whose epoch is one batch of pairs without mismatches."""
    names = np.arange(config.batch_size).astype(str)
    table = PairTable(names, np.full(config.batch_size, WORDS), "train", "stand-in")
    noise = inject(table.image_ids, 0.0, captions=table.captions)
    return Trainer(config, model, SplitInputs(table, images, captions), noise)


def _stand_in(config: RunConfig) -> tuple[nn.Module, Items, Items]:
    pairs, numbers = config.batch_size, torch.Generator().manual_seed(0)
    if config.train == "heads":
        width = config.feature_width or 512
        counts = config.image_grid**2 or IMAGE_TOKENS, TEXT_TOKENS
        image, text = (torch.randn(pairs, count, width, generator=numbers) for count in counts)
        return HeadsEncoder(width, width, config.head_features), InMemory(image), InMemory(text)
    encoder = build_encoder(config.encoder, "none", config.pad_tokens, 0)
    size = ENCODERS[config.encoder].image_size
    images = np.random.default_rng(0).integers(0, 255, (pairs, size, size, 3), dtype=np.uint8)
    transform = encoder.train_transform if config.augment else encoder.eval_transform
    return encoder, ImageFiles(images, transform, encoder.eval_transform, 0), TokenNumbers([WORDS] * pairs, encoder)
