"""Put a run together: the network that its configuration names, and the inputs that this network takes."""

from typing import Any

import torch
from torch import nn

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import Split
from rrsitr_lib.data.shards.pairs import ShardImages, ShardTable
from rrsitr_lib.methods import METHODS
from rrsitr_lib.model.encoder import Encoder, build_encoder
from rrsitr_lib.registry import extension
from rrsitr_lib.training.batches import ImageFiles, SplitInputs, StreamedTokens, TokenNumbers, image_items
from rrsitr_lib.training.device import CPU
from rrsitr_lib.training.evaluate import Networks

START_NOISE = 0.1  # of a tensor's deviation; the start of ``tiny`` ranks as well with it
SHAPES = 128  # of captions and batches, with a gradient and without; beyond its limit of 8 torch compiles no more


def build_model(
    config: RunConfig, data: dict[str, Split], device: torch.device = CPU
) -> tuple[nn.Module, dict[str, SplitInputs]]:
    """The model to train, on the device, and for every split what it is fed.

    ``train="all"``: the encoder over images and token numbers. ``"heads"``: two heads over cached tower tokens, reduced
    by a PCA of the training tokens. As many networks as the method trains. Raises ``InputError`` for weights that
    do not load.
    """
    make = extension("frozen_towers.heads_on_tokens").heads_on_tokens if config.train == "heads" else whole_encoders
    networks, inputs = make(config, METHODS[config.method].networks, data, device)
    if config.compile:
        torch._dynamo.config.cache_size_limit = SHAPES
    for network in networks if config.compile else ():
        network.compile_towers()
    model = networks[0] if len(networks) == 1 else Networks(networks)
    if device.type == "cuda":
        model = model.to(memory_format=networks[0].memory_format)
    return model.to(device), inputs


def set_apart(network: nn.Module, seed: int) -> None:
    """Move every weight by drawn noise of a tenth of its tensor's deviation.

    Networks that begin with the same pretrained weights and see the same batches would stay one network for ever: a
    judge of itself. Those who trained two from nothing had two draws.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.parameters():
            if weight.numel() > 1:
                weight.add_(START_NOISE * weight.std() * torch.randn(weight.shape, generator=generator))


def whole_encoders(
    config: RunConfig, count: int, data: dict[str, Split], device: torch.device
) -> tuple[list[Encoder], dict[str, SplitInputs]]:
    """``count`` encoders, each with a start of its own, and images and token numbers of every split."""
    seeds = range(config.seed, config.seed + count)
    encoders = [build_encoder(config.encoder, config.weights, config.pad_tokens, seed) for seed in seeds]
    for seed, encoder in list(zip(seeds, encoders, strict=True))[1:]:
        set_apart(encoder, seed)
    stored = device.type == "cuda" if config.store == "auto" else config.store
    image_source: Any = extension("speed.stored_images").StoredImages if stored else image_items
    inputs = {}
    for name, split in data.items():
        if isinstance(split.table, ShardTable) and isinstance(split.images, ShardImages):
            inputs[name] = _streamed(split.table, split.images, encoders[0], config)
            continue
        images = image_source(split.images, encoders[0], config.augment and name == "train", config.seed, device)
        captions = TokenNumbers(split.table.captions.tolist(), encoders[0])
        inputs[name] = SplitInputs(split.table, images, captions, captions.cut)
    return encoders, inputs


def _streamed(table: ShardTable, images: ShardImages, encoder: Encoder, config: RunConfig) -> SplitInputs:
    """Training pairs of shards: decoded and made tokens batch by batch."""
    transform = encoder.train_transform if config.augment else encoder.eval_transform
    files = ImageFiles(images, transform, encoder.eval_transform, config.seed)
    captions = StreamedTokens(table.captions, encoder)
    return SplitInputs(table, files, captions, shards=list(map(len, table.shards)))
