"""Features of a split: equal captions are encoded once, and every batch is joined to one length."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_runs import SMALL

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import open_data
from rrsitr_lib.evaluation import recall
from rrsitr_lib.training import evaluate as module
from rrsitr_lib.training.batches import TokenNumbers
from rrsitr_lib.training.build import build_model
from rrsitr_lib.training.evaluate import different_captions, encode, evaluate, score_of

pytestmark = pytest.mark.usefixtures("few_scenes")


def test_equal_captions_are_encoded_once_and_score_as_if_each_were(monkeypatch):
    monkeypatch.setattr(module, "BATCH", 7)
    config = RunConfig.build(**SMALL)
    model, inputs = build_model(config, open_data(config))
    table, seen = inputs["val"].table, []
    table = table.with_captions(np.random.default_rng(0).integers(0, 40, len(table)))
    split = replace(inputs["val"], table=table, captions=TokenNumbers(table.captions.tolist(), model))
    first, entry = different_captions(split)
    captions = table.captions
    assert len(first) <= 40 and (captions[first][entry] == captions).all() and first[0] == 0
    text = model.text
    monkeypatch.setattr(model, "text", lambda tokens: seen.append(len(tokens)) or text(tokens))
    features = encode(model, split, config)[1]
    assert sum(seen) == len(first) and max(seen) == 7 and len(features.pooled) == len(captions)
    with torch.no_grad():
        alone = text(split.captions.fetch(np.array([3])))
    torch.testing.assert_close(features.pooled[3], alone.pooled[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(features.tokens[3, : alone.tokens.shape[1]], alone.tokens[0], rtol=1e-4, atol=1e-5)
    found = evaluate(model, split, config)
    assert found == recall(score_of(model, split, config).dense(), split.image_of_row)
    monkeypatch.setattr(module, "different_captions", lambda inputs: (np.arange(len(captions)), None))
    assert found == pytest.approx(evaluate(model, split, config), abs=2)
