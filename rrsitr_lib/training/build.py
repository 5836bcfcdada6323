"""Put a run together: the network that its configuration names, and the inputs that this network takes."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import Split
from rrsitr_lib.methods import METHODS
from rrsitr_lib.model.encoder import Encoder, build_encoder
from rrsitr_lib.model.heads import HeadsEncoder
from rrsitr_lib.model.token_cache import caption_tokens, image_tokens
from rrsitr_lib.registry import extension
from rrsitr_lib.training.batches import CachedTokens, Items, SplitInputs, TokenNumbers, image_items
from rrsitr_lib.training.evaluate import Networks

PCA_SAMPLE = 50_000
CPU = torch.device("cpu")


def build_model(
    config: RunConfig, data: dict[str, Split], device: torch.device = CPU
) -> tuple[nn.Module, dict[str, SplitInputs]]:
    """The model to train, on the device, and for every split what it is fed.

    ``train="all"``: the encoder over images and token numbers. ``"heads"``: two heads over cached tower tokens, reduced
    by a PCA of the training tokens. Two networks where the method trains two. Raises ``InputError`` for weights that
    do not load. Taught in: notebooks/06_training_end_to_end
    """
    count = METHODS[config.method].networks
    if config.train == "heads":
        networks, inputs = _heads(config, count, data, device)
    else:
        networks = [_encoder(config, number) for number in range(count)]
        inputs = _encoder_inputs(config, networks[0], data, device)
    for network in networks if config.compile else ():
        network.compile_towers()
    model = networks[0] if count == 1 else Networks(networks)
    if device.type == "cuda":
        model = model.to(memory_format=networks[0].memory_format)
    return model.to(device), inputs


def _encoder(config: RunConfig, number: int = 0) -> Any:
    return build_encoder(config.encoder, config.weights, config.pad_tokens, config.seed + number)


def _encoder_inputs(
    config: RunConfig, encoder: Encoder, data: dict[str, Split], device: torch.device
) -> dict[str, SplitInputs]:
    inputs = {}
    store = device.type == "cuda" if config.store == "auto" else config.store
    for name, split in data.items():
        augment = config.augment and name == "train"
        make = extension("speed.stored_images").stored_images if store else image_items
        images: Items = make(split.images, encoder, augment, config.seed, device)
        inputs[name] = SplitInputs(split.table, images, TokenNumbers(split.table.captions.tolist(), encoder))
    return inputs


def _heads(
    config: RunConfig, count: int, data: dict[str, Split], device: torch.device
) -> tuple[list[Any], dict[str, SplitInputs]]:
    """``count`` pairs of heads, and the tokens of the frozen towers, which are computed on ``device`` once."""
    towers = _encoder(config).eval().to(device)
    captions = {name: np.unique(split.table.captions.astype(str), return_inverse=True) for name, split in data.items()}
    images = {name: image_tokens(towers, split.images, f"{name} images") for name, split in data.items()}
    texts = {name: caption_tokens(towers, one.tolist(), f"{name} captions") for name, (one, _) in captions.items()}
    reduce = partial(_fit_reduction, width=config.feature_width, seed=config.seed)
    by_image, by_text = reduce(*images["train"]), reduce(*texts["train"])
    cached = {
        name: (CachedTokens(*images[name], by_image), CachedTokens(*texts[name], by_text, captions[name][1]))
        for name in data
    }
    image_width, text_width = (items.width for items in cached["train"])
    heads = [HeadsEncoder(image_width, text_width, seed=config.seed + number) for number in range(count)]
    return heads, {name: SplitInputs(split.table, *cached[name]) for name, split in data.items()}


def _fit_reduction(tokens: np.ndarray, lengths: np.ndarray, width: int, seed: int) -> tuple[Tensor, Tensor] | None:
    """Mean (W,) and axes (W, width) of the training tokens' main directions; None where nothing is to be reduced."""
    from sklearn.decomposition import PCA

    if not 0 < width < tokens.shape[2]:
        return None
    real = np.arange(tokens.shape[1]) < lengths[:, None]
    items, positions = np.nonzero(real)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(items))[:PCA_SAMPLE])
    sample = np.asarray(tokens[items[chosen], positions[chosen]], dtype=np.float32)
    pca = PCA(min(width, len(sample)), svd_solver="covariance_eigh").fit(sample)
    mean, axes = (np.ascontiguousarray(part, dtype=np.float32) for part in (pca.mean_, pca.components_.T))
    return torch.from_numpy(mean), torch.from_numpy(axes)
