"""Heads on cached tokens: masked tokens stay zero and count nothing."""

import torch

from rrsitr_lib.frozen_towers.heads import HeadsEncoder, TokenHead


def test_masked_tokens_count_nothing():
    head = TokenHead(10, 8).eval()
    tokens = torch.randn(3, 5, 10, generator=torch.Generator().manual_seed(0))
    masked = tokens.clone()
    masked[:, 3:] = 0
    short, long = head(tokens[:, :3]), head(masked)
    torch.testing.assert_close(long.pooled, short.pooled)
    torch.testing.assert_close(long.tokens[:, :3], short.tokens)
    assert (long.tokens[:, 3:] == 0).all()


def test_pooled_is_a_linear_map_of_the_mean_token():
    head = TokenHead(10, 8)
    found = head(torch.randn(3, 5, 10))
    torch.testing.assert_close(found.pooled, head.pooled(found.tokens.mean(dim=1)))
    assert found.pooled.shape == (3, 8) and found.tokens.shape == (3, 5, 8)


def test_all_masked_is_finite():
    found = TokenHead(10, 8)(torch.zeros(2, 4, 10))
    assert found.pooled.isfinite().all() and (found.tokens == 0).all()


def test_seed_decides_the_weights_and_the_global_generator_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, again, other = (HeadsEncoder(6, 7, 4, seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["image.project.weight"], other["image.project.weight"])
    image, text = HeadsEncoder(6, 7, 4)(torch.randn(2, 3, 6), torch.randn(2, 5, 7))
    assert image.tokens.shape == (2, 3, 4) and text.tokens.shape == (2, 5, 4)
