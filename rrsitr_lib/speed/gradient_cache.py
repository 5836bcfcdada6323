"""Gradient caching: a batch larger than memory, its towers computed slice by slice, its objective as a whole.

First all slices are encoded without a graph; the objective then gives every feature its gradient; at last each slice is
encoded again, with a graph, and takes its gradients from there. The result is that of the plain step, at the price of a
second forward pass. Source: Gao et al., Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup, 2021.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from rrsitr_lib.methods import Objective
from rrsitr_lib.model.similarity import Features

Encoded = list[tuple[Features, Features]]


def backward_in_slices(
    encode: Callable[[Tensor, Tensor], Encoded],
    images: Tensor,
    captions: Tensor,
    objectives: Callable[[Encoded], list[Objective]],
    backward: Callable[[list[Objective]], None],
    size: int,
    unshared: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> list[Objective]:
    """The objectives of the whole batch, by network; its gradients are in the parameters as after ``backward``.

    Random layers draw the same numbers both times. Several processes share their gradients with the last slice's, and
    none while ``unshared`` lasts. **Shape** images, captions (B, ...), ``size`` pairs a slice.
    """
    slices = list(zip(images.split(size), captions.split(size), strict=True))
    states, parts = [], []
    with torch.no_grad():
        for part in slices:
            states.append(_random_state(images))
            parts.append(_flat(encode(*part)))
    leaves = [torch.cat(tensors).requires_grad_() for tensors in zip(*parts, strict=True)]
    results = objectives(_encoded(leaves))
    backward(results)
    gradients = [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]
    after = _random_state(images)
    for part, state, *wanted in zip(slices, states, *(gradient.split(size) for gradient in gradients), strict=True):
        _restore(images, state)
        with nullcontext() if part is slices[-1] else unshared():
            torch.autograd.backward(_flat(encode(*part)), wanted)
    _restore(images, after)
    return results


def _flat(encoded: Encoded) -> list[Tensor]:
    return [tensor for towers in encoded for features in towers for tensor in features]


def _encoded(flat: list[Tensor]) -> Encoded:
    features = [Features(*flat[k : k + 2]) for k in range(0, len(flat), 2)]
    return list(zip(features[::2], features[1::2], strict=True))


def _random_state(like: Tensor) -> tuple[Tensor, Tensor | None]:
    return torch.get_rng_state(), torch.cuda.get_rng_state(like.device) if like.is_cuda else None


def _restore(like: Tensor, state: tuple[Tensor, Tensor | None]) -> None:
    torch.set_rng_state(state[0])
    if state[1] is not None:
        torch.cuda.set_rng_state(state[1], like.device)
