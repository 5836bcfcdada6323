"""AdamW and its learning rate, a pure function of the step, so that a resumed run needs no state of a scheduler."""

import math

import torch
from torch import nn

from rrsitr_lib.config import RunConfig


def make_optimizer(model: nn.Module, config: RunConfig) -> torch.optim.AdamW:
    """AdamW without decay on biases, norms and other vectors (paper, training)."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]
    fused = all(parameter.is_cuda for parameter in trainable)
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=fused or None)


def warmup_cosine(step: int, warmup_steps: int, total_steps: int) -> float:
    """Share of the peak learning rate at ``step``: linear up to 1, then a cosine down to 0 (paper, training).

    >>> [round(warmup_cosine(step, 10, 110), 3) for step in (0, 9, 10, 60, 110)]
    [0.1, 1.0, 1.0, 0.5, 0.0]
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def set_learning_rate(optimizer: torch.optim.Optimizer, config: RunConfig, step: int, total: int) -> None:
    """Set the rate of ``step`` of ``total`` steps."""
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * warmup_cosine(step, config.warmup_steps, total)
