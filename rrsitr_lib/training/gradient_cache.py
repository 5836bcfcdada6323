"""Gradient caching: a batch larger than memory, its towers computed slice by slice, its objective as a whole.

First all slices are encoded without a graph; the objective then gives every feature its gradient; at last each slice is
encoded again, with a graph, and takes its gradients from there. The result is that of the plain step, at the price of a
second forward pass. Source: Gao et al., Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup, 2021.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from rrsitr_lib.model.encoders import Features
from rrsitr_lib.objective.rrsitr import Objective


def backward_in_slices(
    encode: Callable[[Tensor, Tensor], tuple[Features, Features]],
    images: Tensor,
    captions: Tensor,
    objective: Callable[[Features, Features], Objective],
    size: int,
) -> Objective:
    """The objective of the whole batch; its gradients are in the parameters afterwards, as after ``backward``.

    Random layers draw the same numbers both times. **Shape** images, captions (B, ...), ``size`` pairs a slice.
    """
    slices = list(zip(images.split(size), captions.split(size), strict=True))
    states, parts = [], []
    with torch.no_grad():
        for part in slices:
            states.append(_random_state(images))
            parts.append(encode(*part))
    whole = [_joined([part[tower] for part in parts]) for tower in (0, 1)]
    leaves = [tensor.requires_grad_() for features in whole for tensor in features]
    result = objective(*whole)
    result.total.backward()
    gradients = [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]
    after, start = _random_state(images), 0
    for part, state in zip(slices, states, strict=True):
        _restore(images, state)
        again = [tensor for features in encode(*part) for tensor in features]
        stop = start + len(part[0])
        wanted = [_cut(gradient[start:stop], tensor) for gradient, tensor in zip(gradients, again, strict=True)]
        torch.autograd.backward(again, wanted)
        start = stop
    _restore(images, after)
    return result


def _joined(parts: list[Features]) -> Features:
    """Slices one below the other; tokens as long as the longest slice's, zero beyond a slice's own."""
    longest = max(part.tokens.shape[1] for part in parts)
    tokens = [torch.nn.functional.pad(p.tokens, (0, 0, 0, longest - p.tokens.shape[1])) for p in parts]
    return Features(torch.cat([part.pooled for part in parts]), torch.cat(tokens))


def _cut(gradient: Tensor, tensor: Tensor) -> Tensor:
    return gradient if gradient.ndim == 2 else gradient[:, : tensor.shape[1]]


def _random_state(like: Tensor) -> tuple[Tensor, Tensor | None]:
    return torch.get_rng_state(), torch.cuda.get_rng_state(like.device) if like.is_cuda else None


def _restore(like: Tensor, state: tuple[Tensor, Tensor | None]) -> None:
    torch.set_rng_state(state[0])
    if state[1] is not None:
        torch.cuda.set_rng_state(state[1], like.device)
