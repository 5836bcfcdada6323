"""Rows that give a table its sense: a linear probe on frozen features, under the same evaluation as every method."""

from rrsitr_lib.audit.features import PairFeatures, tower_features, unit
from rrsitr_lib.audit.inputs import numbered
from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.sources import Split, inject_noise, open_data
from rrsitr_lib.evaluation import recall
from rrsitr_lib.model.encoders import build_encoder
from rrsitr_lib.model.ridge import fit_ridge

PICTURE_SIZES = {"tiny": 64}


def linear_probe(config: RunConfig) -> dict[str, float]:
    """Test recalls, in percent, of a ridge regression from pooled picture features to pooled caption features.

    It is fitted to the training pairs as ``config`` makes them noisy; the frozen towers never change. Score: cosine of
    the prediction with the centred caption.
    """
    data = open_data(config, PICTURE_SIZES.get(config.encoder, 224))
    towers = build_encoder(config.encoder, config.weights, "masked", config.seed)
    noise = inject_noise(config, data["train"].table)
    train, test = (_features(towers, data[name]) for name in ("train", "test"))
    seen = train.text[train.caption_of_pair[noise.caption_index]]
    predict = fit_ridge(train.image[train.image_of_pair], seen)
    score = unit(test.text - seen.mean(axis=0)) @ unit(predict(test.image)).T
    return recall(score[test.caption_of_pair], test.image_of_pair)


def _features(towers: object, split: Split) -> PairFeatures:
    unique, caption_of_pair = numbered(split.table.captions.tolist())
    image, text = tower_features(towers, split.pictures, unique)
    return PairFeatures(unit(image), unit(text), split.table.image_of_row, caption_of_pair, shared=False)
