"""Rows that give a table its sense: a linear probe on frozen features, under the same evaluation as every method."""

from collections.abc import Sequence

from rrsitr_lib.audit.features import PairFeatures, tower_features, unit
from rrsitr_lib.audit.probes import fit_ridge
from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import Split, inject_noise, open_data
from rrsitr_lib.data.pairs import numbered
from rrsitr_lib.evaluation import recall
from rrsitr_lib.model.encoder import build_encoder


def linear_probes(config: RunConfig, rates: Sequence[float]) -> dict[float, dict[str, float]]:
    """Test recalls, in percent, of a ridge regression from pooled picture features to pooled caption features, by rate.

    It is fitted to the training pairs as ``config`` makes them noisy at each rate; the frozen towers never change.
    Score: cosine of the prediction with the centred caption.
    """
    data = open_data(config)
    towers = build_encoder(config.encoder, config.weights, "masked", config.seed)
    train, test = (_features(towers, data[name]) for name in ("train", "test"))
    found = {}
    for rate in rates:
        noise = inject_noise(config.model_copy(update={"noise_rate": rate}), data["train"].table)
        seen = train.text[train.caption_of_pair[noise.caption_index]]
        predict = fit_ridge(train.image[train.image_of_pair], seen)
        score = unit(test.text - seen.mean(axis=0)) @ unit(predict(test.image)).T
        found[rate] = recall(score[test.caption_of_pair], test.image_of_pair)
    return found


def linear_probe(config: RunConfig) -> dict[str, float]:
    """``linear_probes`` at the noise rate of ``config``."""
    return linear_probes(config, [config.noise_rate])[config.noise_rate]


def _features(towers: object, split: Split) -> PairFeatures:
    unique, caption_of_pair = numbered(split.table.captions.tolist())
    image, text = tower_features(towers, split.images, unique)
    return PairFeatures(unit(image), unit(text), split.table.image_of_row, caption_of_pair)
