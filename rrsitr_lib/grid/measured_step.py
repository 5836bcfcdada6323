"""One training step of a configuration on stand-in data: its seconds and operations a pair. Weights are random."""

import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.noise import inject
from rrsitr_lib.data.pairs import PairTable
from rrsitr_lib.frozen_towers.heads import HeadsEncoder
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.registry import ENCODERS
from rrsitr_lib.training.batches import ImageFiles, InMemory, SplitInputs, TokenNumbers
from rrsitr_lib.training.precision import device_of
from rrsitr_lib.training.trainer import Trainer

WORDS, STEPS = "many green trees and some buildings are near a curved river in the north", 2
IMAGE_TOKENS, TEXT_TOKENS = 49, 24  # of the cached towers
SMALL_BATCH = 8  # pairs of a measured step of a large model without a GPU


def measured_step(config: RunConfig) -> dict[str, Any]:
    """``seconds_per_pair``, ``operations_per_pair``, and on what: ``pairs`` of the step and ``device``.

    A large model without a GPU takes a small batch; the time a pair is then taken for that of the whole batch.
    """
    device = device_of(config)
    large = config.train == "all" and config.encoder != "tiny"
    pairs = min(config.batch_size, SMALL_BATCH) if large and device.type == "cpu" else config.batch_size
    config = config.model_copy(update={"batch_size": pairs, "workers": 0, "gradient_slice": 0, "epochs": 1000})
    model, inputs = _stand_in(config, pairs)
    model = model.to(device)
    trainer = Trainer(config, model, inputs, inject(inputs.table.image_ids, 0.0, captions=inputs.table.captions))
    with FlopCounterMode(display=False) as counter:
        record, _ = trainer.train_epoch(0, None)
    started = time.perf_counter()
    for epoch in range(1, 1 + STEPS):
        record, _ = trainer.train_epoch(epoch, record)  # the record is on the host: nothing is left running
    seconds = (time.perf_counter() - started) / STEPS
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    operations = counter.get_total_flops() / pairs
    return {"seconds_per_pair": seconds / pairs, "operations_per_pair": operations, "pairs": pairs, "device": name}


def _stand_in(config: RunConfig, pairs: int) -> tuple[nn.Module, SplitInputs]:
    table = PairTable([str(number) for number in range(pairs)], [WORDS] * pairs, "train", "stand-in")
    if config.train == "heads":
        width = config.feature_width or 512
        banks = [InMemory(_random(pairs, length, width)) for length in (IMAGE_TOKENS, TEXT_TOKENS)]
        return HeadsEncoder(width, width), SplitInputs(table, *banks)
    encoder = build_encoder(config.encoder, "none", config.pad_tokens, 0)
    size = ENCODERS[config.encoder].image_size
    images = np.random.default_rng(0).integers(0, 255, (pairs, size, size, 3), dtype=np.uint8)
    transform = encoder.train_transform if config.augment else encoder.eval_transform
    files = ImageFiles(images, transform, encoder.eval_transform, seed=0)
    return encoder, SplitInputs(table, files, TokenNumbers([WORDS] * pairs, encoder))


def _random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))
