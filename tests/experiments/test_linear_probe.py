"""The linear probe: beside chance, and by the tokens that are there already."""

import numpy as np
import pytest
from model.test_encoders import lite_folder, small_vit  # noqa: F401 (fixtures)

from rrsitr_lib.config import RunConfig
from rrsitr_lib.evaluation import chance_recall
from rrsitr_lib.experiments.linear_probe import linear_probes
from rrsitr_lib.model.encoder import JointEncoder
from rrsitr_lib.training.run import train


def test_linear_probe_beats_chance_on_drawn_scenes(cache):
    (found,) = linear_probes(RunConfig.build(data="scenes", encoder="tiny", scenes=60), [0.2]).values()
    assert found.mean_recall() > 3 * chance_recall(np.repeat(np.arange(200), 5), 200)["mR"]


def recalls(probes):
    return [counts.recalls() for counts in probes.values()]


def test_it_takes_the_tokens_that_the_heads_were_trained_on(lite_folder, tmp_path, cache, few_scenes, monkeypatch):  # noqa: F811
    given = {"encoder": "lite", "weights": str(lite_folder), "train": "heads", "scenes": 41, "batch_size": 40}
    config = RunConfig.build(**given, epochs=1)
    alone = recalls(linear_probes(config, [0.0, 0.4]))
    train(config, tmp_path / "run", progress=False)
    for tower in ("image_map", "text_map"):
        monkeypatch.setattr(JointEncoder, tower, lambda *_: pytest.fail("computed a second time"))
    assert recalls(linear_probes(config, [0.0, 0.4])) == alone and alone[0] != alone[1]
