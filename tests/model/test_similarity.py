"""The local similarity by Gram matrices is the norm of the whole table, in value and in gradient."""

import pytest
import torch
from oracles import local_similarity as by_table

from rrsitr_lib.model.similarity import BLOCK, cosine_similarity, local_similarity

SHAPES = [(3, 5, 4, 2), (1, 1, 1, 1), (4, 7, 2, 77), (2, 3, 6, 1)]


def tokens(items, length, features, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(items, length, features, dtype=dtype, generator=generator).requires_grad_()


@pytest.mark.parametrize("features", [1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 200])
@pytest.mark.parametrize(("captions", "text_length", "images", "image_length"), SHAPES)
def test_equal_to_the_table_in_value_and_gradient(features, captions, text_length, images, image_length):
    text, image = tokens(captions, text_length, features), tokens(images, image_length, features, seed=1)
    steps = torch.randn(captions, images, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    values = [function(text, image, 20.0) for function in (local_similarity, by_table)]
    torch.testing.assert_close(*values, rtol=1e-10, atol=1e-10)
    gradients = [torch.autograd.grad((steps * value).sum(), (text, image)) for value in values]
    for gram, table in zip(*gradients, strict=True):
        torch.testing.assert_close(gram, table, rtol=1e-10, atol=1e-10)


def test_only_one_side_needs_a_gradient():
    text, image = tokens(2, 3, 5), tokens(4, 3, 5, seed=1)
    (alone,) = torch.autograd.grad(local_similarity(text, image.detach()).sum(), text)
    torch.testing.assert_close(alone, torch.autograd.grad(local_similarity(text, image).sum(), text)[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_all_zero_tokens_give_zero_and_a_finite_zero_gradient(dtype):
    text = torch.zeros(2, 3, 70, dtype=dtype, requires_grad=True)
    image = tokens(3, 4, 70, dtype=dtype)
    value = local_similarity(text, image)
    assert (value == 0).all()
    for gradient in torch.autograd.grad(value.sum(), (text, image)):
        assert (gradient == 0).all()


def test_orthogonal_tokens_give_zero_and_a_finite_gradient():
    text, image = torch.eye(4)[None, :2].requires_grad_(), torch.eye(4)[None, 2:].requires_grad_()
    value = local_similarity(text, image)
    assert float(value) == 0
    assert all(gradient.isfinite().all() for gradient in torch.autograd.grad(value, (text, image)))


def test_masked_tokens_count_nothing():
    text, image = tokens(3, 5, 66), tokens(4, 6, 66, seed=1)
    keep = torch.tensor([1.0, 1, 1, 0, 0], dtype=torch.float64)[None, :, None]
    masked = (text * keep).detach().requires_grad_()
    value = local_similarity(masked, image)
    torch.testing.assert_close(value, local_similarity(text[:, :3], image), rtol=1e-12, atol=0)
    (gradient,) = torch.autograd.grad(value.sum(), masked)
    assert (gradient[:, 3:] == 0).all() and gradient[:, :3].abs().sum() > 0


def test_float32_is_close_and_bfloat16_is_raised_to_it():
    text, image = tokens(20, 77, 512), tokens(20, 49, 512, seed=1)
    exact = by_table(text, image).detach()
    torch.testing.assert_close(local_similarity(text.float(), image.float()).double(), exact, rtol=1e-5, atol=0)
    low = local_similarity(text.bfloat16(), image.bfloat16())
    assert low.dtype == torch.float32
    torch.testing.assert_close(low.double(), exact, rtol=5e-3, atol=0)


@pytest.mark.parametrize("backward_inside", [True, False])
def test_autocast_changes_nothing(backward_inside):
    text, image = tokens(4, 5, 70, dtype=torch.float32), tokens(3, 6, 70, seed=1, dtype=torch.float32)
    value = local_similarity(text, image)
    expected = torch.autograd.grad(value.sum(), (text, image))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = local_similarity(text, image)
        with torch.autocast("cpu", enabled=backward_inside):
            found = torch.autograd.grad(low.sum(), (text, image))
    assert low.dtype == torch.float32 and torch.equal(low, value)
    near = {"rtol": 1e-5, "atol": 1e-6} if backward_inside else {"rtol": 0, "atol": 0}
    for pair in zip(found, expected, strict=True):
        torch.testing.assert_close(*pair, **near)


def test_cosine_of_every_caption_with_every_image():
    text, image = tokens(3, 1, 6)[:, 0], tokens(4, 1, 6, seed=1)[:, 0]
    expected = torch.nn.functional.cosine_similarity(text[:, None], image[None], dim=-1)
    torch.testing.assert_close(cosine_similarity(text, image), expected, rtol=1e-12, atol=1e-12)
