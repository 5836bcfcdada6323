"""Slices give the step that the whole batch gives."""

import pytest
import torch
from torch import nn

from rrsitr_lib.methods.rrsitr import rrsitr_objective
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.model.similarity import Features
from rrsitr_lib.speed.gradient_cache import backward_in_slices


def objectives(encoded):
    return [rrsitr_objective(image.pooled, text.pooled, image.tokens, text.tokens) for image, text in encoded]


def backward(results):
    sum(result.total for result in results).backward()


def gradients(model, images, captions, size=None):
    def encode(images, captions):
        return [model(images, captions)]

    model.zero_grad()
    torch.manual_seed(5)
    if size is None:
        results = objectives(encode(images, captions))
        backward(results)
    else:
        results = backward_in_slices(encode, images, captions, objectives, backward, size)
    return results[0], {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("size", [1, 5, 12, 24, 100])
@pytest.mark.parametrize("pad_tokens", ["paper", "masked"])
def test_slices_equal_the_plain_step(size, pad_tokens):
    model = build_encoder("tiny", pad_tokens=pad_tokens).train()
    images = torch.randn(24, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    captions = model.tokenize([f"{'many ' * (k % 7)}green trees near a lake" for k in range(24)])
    plain, wanted = gradients(model, images, captions)
    sliced, found = gradients(model, images, captions, size)
    assert torch.allclose(sliced.total, plain.total, rtol=1e-5) and set(found) == set(wanted)
    scale = max(gradient.abs().max() for gradient in wanted.values())
    assert all((found[name] - wanted[name]).abs().max() <= 1e-5 * scale for name in wanted)
    assert torch.allclose(sliced.pair_loss, plain.pair_loss, rtol=1e-5) and (sliced.category == plain.category).all()


class Dropping(nn.Module):
    """Random layers must draw the same numbers in both passes."""

    def __init__(self):
        super().__init__()
        self.image, self.text = nn.Linear(8, 6), nn.Linear(8, 6)

    def forward(self, images, captions):
        towers = ((self.image, images), (self.text, captions))
        return tuple(
            Features(hidden, hidden[:, None])
            for tower, items in towers
            for hidden in [nn.functional.dropout(tower(items), 0.5)]
        )


def test_random_layers_draw_the_same_numbers_twice():
    torch.manual_seed(0)
    model, items = Dropping(), torch.randn(8, 8)
    seen = []

    def watched(images, captions):
        encoded = model(images, captions)
        seen.append(encoded[0].pooled.detach().clone())
        return [encoded]

    backward_in_slices(watched, items, items, objectives, backward, 3)
    after = torch.rand(1)
    assert len(seen) == 6 and all((first == second).all() for first, second in zip(seen[:3], seen[3:], strict=True))
    assert not (after == torch.rand(1)).all()
