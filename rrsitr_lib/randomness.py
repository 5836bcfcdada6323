"""Random numbers of torch that depend on a seed alone: its own layers and transforms draw from global generators."""

import contextlib
from collections.abc import Callable, Iterator

import numpy as np
import torch


@contextlib.contextmanager
def drawn_from(*seed: int, device: torch.device | None = None) -> Iterator[Callable[..., None]]:
    """Within this, torch draws what belongs to ``seed``, one number or several; nothing of it is seen outside.

    What it gives begins with another seed, at the cost of no copy.

    ``device``: a GPU whose generator is seeded too. Without it only the CPU's is: ``torch.manual_seed`` would begin
    those of all GPUs anew.

    >>> with drawn_from(3):
    ...     first = torch.rand(2)
    >>> with drawn_from(3):
    ...     bool((torch.rand(2) == first).all())
    True
    """
    gpus = [device] if device is not None and device.type == "cuda" else []

    def draw(*seed: int) -> None:
        number = seed[0] if len(seed) == 1 else int(np.random.SeedSequence(seed).generate_state(1)[0])
        torch.default_generator.manual_seed(number)
        if gpus:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(number)

    with torch.random.fork_rng(devices=gpus):
        draw(*seed)
        yield draw
