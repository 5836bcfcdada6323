"""Put a run together: the encoder its configuration names, and the inputs that encoder takes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.sources import Split
from rrsitr_lib.files import fingerprint
from rrsitr_lib.model.encoders import ClipEncoder, Encoder, build_encoder
from rrsitr_lib.model.heads import HeadsEncoder
from rrsitr_lib.model.token_cache import TokenCache, build_cache, content_of, weights_of
from rrsitr_lib.training.inputs import Bank, PictureBank, SplitInputs, TensorBank, TokenBank, picture_bank
from rrsitr_lib.training.store_bank import store_bank

PCA_SAMPLE = 50_000
CPU = torch.device("cpu")


def assemble(
    config: RunConfig, data: dict[str, Split], device: torch.device = CPU
) -> tuple[nn.Module, dict[str, SplitInputs]]:
    """The model to train and, for every split, what it is fed.

    ``train="all"``: the encoder over pictures and token numbers. ``"heads"``: two heads over cached tower tokens,
    reduced by a PCA of the training tokens. ``device`` is where stored pictures are transformed.
    Raises ``InputError`` for weights that do not load.
    Taught in: notebooks/06_training_end_to_end
    """
    encoder = build_encoder(config.encoder, config.weights, config.pad_tokens, config.seed)
    if config.train == "heads":
        return _assemble_heads(config, encoder.eval(), data)
    inputs = {}
    for name, split in data.items():
        augment = config.augment and name == "train"
        if config.store:
            names = split.table.images.tolist()
            images: Bank = store_bank(split.pictures, names, encoder, augment, config.seed, device)
        else:
            images = picture_bank(split.pictures, encoder, augment, config.seed)
        captions = TensorBank(encoder.tokenize(split.table.captions.tolist()))
        inputs[name] = SplitInputs(split.table, images, captions)
    return encoder, inputs


def _assemble_heads(
    config: RunConfig, towers: Encoder, data: dict[str, Split]
) -> tuple[nn.Module, dict[str, SplitInputs]]:
    weights = weights_of(towers)
    image_caches = {name: _image_cache(towers, weights, split.pictures, name) for name, split in data.items()}
    captions = {name: np.unique(split.table.captions.astype(str), return_inverse=True) for name, split in data.items()}
    text_caches = {name: _text_cache(towers, weights, unique.tolist(), name) for name, (unique, _) in captions.items()}
    reduce_image, reduce_text = (
        _fit_reduction(caches["train"], config.feature_width, config.seed) for caches in (image_caches, text_caches)
    )
    inputs = {
        name: SplitInputs(
            split.table,
            TokenBank(image_caches[name], reduce_image),
            TokenBank(text_caches[name], reduce_text, captions[name][1]),
        )
        for name, split in data.items()
    }
    widths = [inputs["train"].images.width, inputs["train"].captions.width]
    return HeadsEncoder(*widths, seed=config.seed), inputs


def _image_cache(towers: Encoder, weights: str, pictures: np.ndarray | Sequence[Path], split: str) -> TokenCache:
    bank = PictureBank(pictures, towers.eval_transform, towers.eval_transform, seed=0)
    name = fingerprint("image", weights, repr(towers.eval_transform), *map(content_of, pictures))

    def compute(items: range) -> tuple[Tensor, Sequence[int]]:
        pixels = bank.fetch(np.array(items))
        tokens = towers.image(pixels).tokens if isinstance(towers, ClipEncoder) else towers.image_map(pixels)
        return tokens, [tokens.shape[1]] * len(items)

    with torch.no_grad():
        shape = compute(range(1))[0].shape[1:]
    return build_cache(name, len(bank), tuple(shape), compute, f"{split} images")


def _text_cache(towers: Encoder, weights: str, captions: list[str], split: str) -> TokenCache:
    numbers = towers.tokenize(captions)
    lengths = towers.lengths(numbers)
    if towers.pad_tokens == "paper":
        lengths = torch.full_like(lengths, numbers.shape[1])
    numbers = numbers[:, : int(lengths.max())]
    name = fingerprint("text", weights, towers.pad_tokens, *captions)

    def compute(items: range) -> tuple[Tensor, Sequence[int]]:
        batch = numbers[items.start : items.stop]
        tokens = towers.text(batch).tokens if isinstance(towers, ClipEncoder) else towers.text_map(batch)
        return tokens, lengths[items.start : items.stop].tolist()

    with torch.no_grad():
        width = compute(range(1))[0].shape[2]
    return build_cache(name, len(captions), (numbers.shape[1], width), compute, f"{split} captions")


def _fit_reduction(cache: TokenCache, width: int, seed: int) -> tuple[Tensor, Tensor] | None:
    """Mean (W,) and axes (W, width) of the training tokens' main directions; None where nothing is to be reduced."""
    from sklearn.decomposition import PCA

    if not 0 < width < cache.tokens.shape[2]:
        return None
    real = np.arange(cache.tokens.shape[1]) < cache.lengths[:, None]
    items, places = np.nonzero(real)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(items))[:PCA_SAMPLE])
    sample = np.asarray(cache.tokens[items[chosen], places[chosen]], dtype=np.float32)
    pca = PCA(min(width, len(sample)), svd_solver="covariance_eigh").fit(sample)
    return tuple(
        torch.from_numpy(np.ascontiguousarray(part, dtype=np.float32)) for part in (pca.mean_, pca.components_.T)
    )
