"""What the heads are fed: image tokens averaged to a grid, heads as wide as asked."""

import numpy as np
import pytest

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import open_data
from rrsitr_lib.errors import InputError
from rrsitr_lib.frozen_towers.heads_on_tokens import averaged_to_grid
from rrsitr_lib.training.build import build_model


def test_tokens_are_averaged_over_neighbours_on_the_map(monkeypatch):
    monkeypatch.setattr("rrsitr_lib.frozen_towers.heads_on_tokens.CHUNK", 2)
    tokens = np.random.default_rng(0).random((3, 16, 5)).astype(np.float16)
    averaged, lengths = averaged_to_grid(tokens, 2)
    square = tokens.astype(float).reshape(3, 4, 4, 5)
    for row in range(2):
        for column in range(2):
            window = square[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].mean(axis=(1, 2))
            np.testing.assert_allclose(averaged[:, 2 * row + column], window, atol=1e-3)
    assert lengths.tolist() == [4, 4, 4] and averaged.dtype == np.float16
    np.testing.assert_array_equal(averaged_to_grid(tokens, 4)[0], tokens)


@pytest.mark.parametrize(("tokens", "grid", "most"), [(16, 5, 4), (15, 2, 3)])
def test_a_grid_that_the_map_does_not_have_is_refused(tokens, grid, most):
    with pytest.raises(
        InputError, match=rf"image_grid is {grid}, of {tokens} tokens an image: allowed are 0 to {most}"
    ):
        averaged_to_grid(np.zeros((2, tokens, 3)), grid)


def test_heads_are_as_wide_and_see_as_many_tokens_as_the_run_says(cache, few_scenes):
    given = {"encoder": "tiny", "weights": "none", "scenes": 41, "batch_size": 40, "train": "heads"}
    config = RunConfig.build(**given, head_features=24, image_grid=2)
    model, inputs = build_model(config, open_data(config))
    images = inputs["train"].images.fetch(np.arange(3))
    found = model.image(images)
    assert images.shape[:2] == (3, 4) and found.pooled.shape == (3, 24) and found.tokens.shape == (3, 4, 24)
    assert config.fingerprint != RunConfig.build(**given).fingerprint
