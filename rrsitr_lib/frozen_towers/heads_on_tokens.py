"""``train="heads"``: frozen towers say once what they see; two small heads train on that, on a laptop too."""

import math
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import Split
from rrsitr_lib.errors import InputError
from rrsitr_lib.frozen_towers.heads import HeadsEncoder
from rrsitr_lib.frozen_towers.token_cache import caption_tokens, image_tokens
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.training.batches import SplitInputs
from rrsitr_lib.training.device import CPU, fits_on, to_device

PCA_SAMPLE, CHUNK = 50_000, 256


class CachedTokens:
    """Cached tower tokens, reduced once; a batch is as long as its longest item, zero beyond an item's own length.

    **Shape** ``tokens`` (entries, longest, width), ``lengths`` (entries,); ``entry_of_item`` (items,) lets equal
    captions share an entry. ``reduction``: mean (W,) and axes (W, width). ``device``: of the batches; a GPU keeps the
    tokens where they fit into half of its free memory.
    """

    def __init__(
        self,
        tokens: np.ndarray,
        lengths: np.ndarray,
        reduction: tuple[Tensor, Tensor] | None = None,
        entry_of_item: np.ndarray | None = None,
        device: torch.device = CPU,
    ) -> None:
        self.device = device
        self.lengths = torch.from_numpy(lengths.astype(np.int64))
        self.entries = torch.arange(len(tokens)) if entry_of_item is None else torch.from_numpy(entry_of_item)
        self.tokens: np.ndarray | Tensor = tokens
        if reduction is not None:
            mean, axes = (part.to(device) for part in reduction)
            parts = range(0, len(tokens), CHUNK)
            chunks = (to_device(torch.from_numpy(np.array(tokens[k : k + CHUNK])), device) for k in parts)
            self.tokens = torch.cat([((chunk.float() - mean) @ axes).half().cpu() for chunk in chunks])
        self.width = self.tokens.shape[2]
        if fits_on(device, self.tokens.nbytes):
            self.tokens = torch.as_tensor(np.array(self.tokens)).to(device)

    def __len__(self) -> int:
        return len(self.entries)

    def fetch(self, items: np.ndarray, epoch: int | None = None, among: np.ndarray | None = None) -> Tensor:
        """Shape: (items,) -> (items, longest, width) float32."""
        entries = self.entries[torch.as_tensor(items)]
        longest = int(self.lengths[entries if among is None else self.entries[torch.as_tensor(among)]].max())
        kept = isinstance(self.tokens, Tensor) and self.tokens.is_cuda
        place = to_device(entries, self.device) if kept else entries.numpy()
        tokens = to_device(torch.as_tensor(self.tokens[place, :longest]), self.device).float()
        lengths = to_device(self.lengths[entries], self.device)
        beyond = torch.arange(longest, device=self.device) >= lengths[:, None]
        return tokens.masked_fill(beyond[..., None], 0.0)


def heads_on_tokens(
    config: RunConfig, count: int, data: dict[str, Split], device: torch.device
) -> tuple[list[HeadsEncoder], dict[str, SplitInputs]]:
    """``count`` pairs of heads, and what the frozen towers gave for every split, computed on ``device`` once."""
    towers = build_encoder(config.encoder, config.weights, config.pad_tokens, config.seed).eval().to(device)
    captions = {name: np.unique(split.table.captions.astype(str), return_inverse=True) for name, split in data.items()}
    images = {name: image_tokens(towers, split.images, f"{name} images") for name, split in data.items()}
    if config.image_grid:
        images = {name: averaged_to_grid(tokens, config.image_grid) for name, (tokens, _) in images.items()}
    numbers = {name: towers.tokenize(one.tolist()) for name, (one, _) in captions.items()}
    texts = {
        name: caption_tokens(towers, one.tolist(), f"{name} captions", numbers[name])
        for name, (one, _) in captions.items()
    }
    reduce = partial(_fit_reduction, width=config.feature_width, seed=config.seed)
    by_image, by_text = reduce(*images["train"]), reduce(*texts["train"][:2])
    cached = {}
    for name in data:
        tokens, lengths, place = texts[name]
        by_caption = CachedTokens(tokens, lengths, by_text, place[captions[name][1]], device)
        cached[name] = (CachedTokens(*images[name], by_image, device=device), by_caption)
    cut = {name: towers.cut(one.tolist(), numbers[name])[place] for name, (one, place) in captions.items()}
    image_width, text_width = (items.width for items in cached["train"])
    seeds, features = range(config.seed, config.seed + count), config.head_features
    heads = [HeadsEncoder(image_width, text_width, features, seed) for seed in seeds]
    return heads, {name: SplitInputs(split.table, *cached[name], cut[name]) for name, split in data.items()}


def averaged_to_grid(tokens: np.ndarray, grid: int) -> tuple[np.ndarray, np.ndarray]:
    """Tokens of a square map, averaged to ``grid`` by ``grid`` of them, and their numbers (M,).

    **Shape** (M, side * side, W) -> (M, grid * grid, W), of the same type. Raises ``InputError`` for a finer grid.
    """
    side = math.isqrt(tokens.shape[1])
    if side**2 != tokens.shape[1] or grid > side:
        raise InputError(f"image_grid is {grid}, of {tokens.shape[1]} tokens an image: allowed are 0 to {side}")
    averaged = np.empty((len(tokens), grid**2, tokens.shape[2]), dtype=tokens.dtype)
    for start in range(0, len(tokens), CHUNK):
        chunk = torch.from_numpy(np.array(tokens[start : start + CHUNK])).float()
        pooled = F.adaptive_avg_pool2d(chunk.mT.unflatten(2, (side, side)), grid)
        averaged[start : start + CHUNK] = pooled.flatten(2).mT.numpy()
    return averaged, np.full(len(tokens), grid**2)


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
