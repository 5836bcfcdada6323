"""A row that gives a table its sense: a linear probe on frozen features, under the same evaluation as every method."""

from collections.abc import Sequence

import numpy as np

from rrsitr_lib.audit.features import PairFeatures, tower_features, unit
from rrsitr_lib.audit.probes import fit_ridge
from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import Split, inject_noise, open_data
from rrsitr_lib.evaluation import recall
from rrsitr_lib.frozen_towers.token_cache import caption_tokens, image_tokens
from rrsitr_lib.model.encoder import Encoder, JointEncoder, build_encoder


def linear_probes(config: RunConfig, rates: Sequence[float]) -> dict[float, dict[str, float]]:
    """Test recalls, in percent, of a ridge regression from pooled picture features to pooled caption features, by rate.

    It is fitted to the training pairs as ``config`` makes them noisy at each rate; the frozen towers never change.
    Score: cosine of the prediction with the centred caption.
    """
    data = open_data(config)
    towers = build_encoder(config.encoder, config.weights, config.pad_tokens, config.seed).eval()
    train, test = (_features(config, towers, data[name], name) for name in ("train", "test"))
    found = {}
    for rate in rates:
        noise = inject_noise(config.model_copy(update={"noise_rate": rate}), data["train"].table)
        seen = train.text[train.caption_of_pair[noise.caption_index]]
        predict = fit_ridge(train.image[train.image_of_pair], seen)
        score = unit(test.text - seen.mean(axis=0)) @ unit(predict(test.image)).T
        found[rate] = recall(score[test.caption_of_pair], test.image_of_pair)
    return found


def _features(config: RunConfig, towers: Encoder, split: Split, name: str) -> PairFeatures:
    captions, caption_of_pair = np.unique(split.table.captions.astype(str), return_inverse=True)
    if config.train == "heads" and isinstance(towers, JointEncoder):  # its tokens are kept since the heads trained
        image = _mean_token(*image_tokens(towers, split.images, f"{name} images"))
        text = _mean_token(*caption_tokens(towers, captions.tolist(), f"{name} captions"))
    else:
        image, text = tower_features(towers, split.images, captions.tolist())
    return PairFeatures(unit(image), unit(text), split.table.image_of_row, caption_of_pair)


def _mean_token(tokens: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The pooled feature of towers without a common space. **Shape** (items, L, D), (items,) -> (items, D)."""
    return np.stack([tokens[item, :length].mean(axis=0, dtype=np.float32) for item, length in enumerate(lengths)])
