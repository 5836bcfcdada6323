"""Similarity of features: the cosine of two global features, and the local similarity of two sets of tokens.

The local similarity of caption a and image d is the Frobenius norm of their table of token cosines, ||T_a V_d^T||_F.
Since ||T V^T||_F^2 = <T^T T, V^T V>_F, the norm needs one Gram matrix a caption and one an image, never the table of
every caption with every image: memory O(B) instead of O(B^2).
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from rrsitr_lib.errors import InputError

BLOCK, GPU_BLOCK = 64, 256  # features a block; smaller saves more of the symmetric half, larger has fewer calls
PART = 512  # captions whose Gram matrices are held at once
GRAM_BYTES = 2**30  # of as many images' as fit


class Features(NamedTuple):
    """What a tower says of its items. Shape: ``pooled`` (B, D), ``tokens`` (B, L, D); masked tokens are zero."""

    pooled: Tensor
    tokens: Tensor

    def detach(self) -> "Features":
        """The same without gradient."""
        return Features(self.pooled.detach(), self.tokens.detach())

    def single_precision(self) -> "Features":
        """Half and bfloat16 as float32; float32 and float64 as they are."""
        return Features(*(part if part.dtype == torch.float64 else part.float() for part in self))


def cosine_similarity(text: Tensor, image: Tensor) -> Tensor:
    """Cosine of every caption with every image, s in the paper, in [-1, 1].

    Shape: (captions, D), (images, D) -> (captions, images).

    >>> cosine_similarity(torch.tensor([[3.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 2.0]]))
    tensor([[1., 0.]])
    """
    return F.normalize(text, dim=-1) @ F.normalize(image, dim=-1).T


def local_similarity(text_tokens: Tensor, image_tokens: Tensor, scale: float = 1.0) -> Tensor:
    """Local similarity r = scale * ||T V^T||_F of every caption with every image (paper, fine-grained alignment).

    Tokens are L2-normalised here; a token of zeros (masked padding) counts nothing.
    Value in [0, scale * sqrt(Lt * Li)]; the gradient at zero is zero. Computed in float32 at least, under autocast too.
    Shape: text_tokens (captions, Lt, D), image_tokens (images, Li, D) -> (captions, images).
    Raises ``InputError`` when a shape does not fit.

    >>> tokens = torch.eye(3)[None]
    >>> local_similarity(tokens, tokens, scale=2.0) ** 2  # 4 * (1 + 1 + 1)
    tensor([[12.]])
    """
    if text_tokens.ndim != 3 or image_tokens.ndim != 3 or text_tokens.shape[-1] != image_tokens.shape[-1]:
        raise InputError(
            f"text_tokens {tuple(text_tokens.shape)} and image_tokens {tuple(image_tokens.shape)}: "
            "expected (captions, Lt, D) and (images, Li, D)"
        )
    with torch.autocast(text_tokens.device.type, enabled=False):
        text, image = (F.normalize(_at_least_float32(tokens), dim=-1) for tokens in (text_tokens, image_tokens))
        squared = _GramProduct.apply(text, image)
        positive = squared > 0
        norm = torch.where(
            positive, squared, 1.0
        ).sqrt()  # the square root's slope at 0 is infinite: never take it there
        return scale * torch.where(positive, norm, 0.0)


def _at_least_float32(tokens: Tensor) -> Tensor:
    return tokens if tokens.dtype == torch.float64 else tokens.float()


class _GramProduct(torch.autograd.Function):
    """<T^T T, V^T V>_F for every caption and image, (captions, images), by blocks of the Gram matrices.

    Gram matrices are symmetric, so blocks right of the diagonal count twice and those left of it are never made.
    Each is made once, unless there are more images than ``GRAM_BYTES`` hold, and anew in the backward pass: nothing
    but the tokens is kept.
    """

    @staticmethod
    def forward(ctx: Any, text: Tensor, image: Tensor) -> Tensor:
        ctx.save_for_backward(text, image)
        product = text.new_zeros(len(text), len(image))
        for block, rest in _blocks(text):
            size = (block.stop - block.start) * (rest.stop - rest.start) * text.element_size()
            for columns in parts(len(image), max(1, GRAM_BYTES // size)):
                of_images = _gram(image[columns], block, rest).T
                for rows in parts(len(text), PART):
                    product[rows, columns].addmm_(_gram(text[rows], block, rest, doubled=True), of_images)
        return product

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        text, image = ctx.saved_tensors
        grads = [torch.zeros_like(text), torch.zeros_like(image)]
        with torch.autocast(grad.device.type, enabled=False):
            _GramProduct._accumulate(text, image, grad, grads)
        return grads[0], grads[1]

    @staticmethod
    def _accumulate(text: Tensor, image: Tensor, grad: Tensor, grads: list[Tensor]) -> None:
        for block, rest in _blocks(text):
            for tokens, other, slope, total in ((text, image, grad, grads[0]), (image, text, grad.T, grads[1])):
                grad_gram = (slope @ _gram(other, block, rest, doubled=True)).view(
                    len(tokens), block.stop - block.start, rest.stop - rest.start
                )
                total[..., rest] += tokens[..., block] @ grad_gram
                total[..., block] += tokens[..., rest] @ grad_gram.mT


def parts(items: int, size: int) -> Iterator[slice]:
    """Consecutive slices of at most ``size`` items.

    >>> list(parts(5, 3))
    [slice(0, 3, None), slice(3, 5, None)]
    """
    return (slice(start, min(start + size, items)) for start in range(0, items, size))


def _blocks(tokens: Tensor) -> Iterator[tuple[slice, slice]]:
    """The upper triangle of a features x features matrix: a block of rows, and the columns from its diagonal on."""
    features = tokens.shape[-1]
    for block in parts(features, GPU_BLOCK if tokens.is_cuda else BLOCK):
        yield block, slice(block.start, features)


def _gram(tokens: Tensor, block: slice, rest: slice, doubled: bool = False) -> Tensor:
    """Rows ``block`` and columns ``rest`` of T^T T for every item, flat; ``doubled`` right of the diagonal block."""
    gram = tokens[..., block].mT @ tokens[..., rest]
    if doubled:
        gram[..., block.stop - block.start :] *= 2
    return gram.flatten(1)
