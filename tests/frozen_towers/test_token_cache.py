"""Tokens of captions: short ones first, each as if it stood alone, and found where it is said to lie."""

import numpy as np
import pytest

from rrsitr_lib.frozen_towers import token_cache
from rrsitr_lib.frozen_towers.token_cache import caption_tokens
from rrsitr_lib.model.encoder import build_encoder

CAPTIONS = ["two large lakes beside a long gray road", "a lake", "three red buildings near a bridge", "a gray road"]


@pytest.fixture
def towers():
    return build_encoder("tiny", pad_tokens="masked").eval()


def test_a_caption_has_the_tokens_that_it_has_alone(cache, towers, monkeypatch):
    monkeypatch.setattr(token_cache, "BATCH", 2)
    tokens, lengths, place = caption_tokens(towers, CAPTIONS, "captions")
    assert (np.diff(lengths) >= 0).all() and sorted(place) == [0, 1, 2, 3]
    for caption, row in zip(CAPTIONS, place, strict=True):
        alone, (length,), _ = caption_tokens(towers, [caption], "one")
        assert lengths[row] == length
        np.testing.assert_allclose(tokens[row, :length], alone[0], atol=2e-3)


def test_short_captions_are_encoded_without_the_padding_of_long_ones(cache, towers, monkeypatch):
    widths, text = [], towers.text
    monkeypatch.setattr(token_cache, "BATCH", 2)
    monkeypatch.setattr(towers, "text", lambda numbers: widths.append(numbers.shape[1]) or text(numbers))
    _, lengths, _ = caption_tokens(towers, CAPTIONS, "captions")
    assert widths == [lengths[1], lengths[3]] and lengths[1] < lengths[3]


def test_padding_that_counts_is_kept(cache):
    towers = build_encoder("tiny", pad_tokens="paper").eval()
    tokens, lengths, place = caption_tokens(towers, CAPTIONS, "captions")
    context = towers.tokenize(CAPTIONS).shape[1]
    assert (lengths == context).all() and (place == [0, 1, 2, 3]).all() and (tokens[:, -1] != 0).any()
