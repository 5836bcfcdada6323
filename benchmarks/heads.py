"""Heads of several shapes on frozen towers: seconds of a training step, as ratios to the default shape, in one run.

Usage: python benchmarks/heads.py [--rounds 9]
Random tokens as ``lite`` gives them: 100 images of 49 tokens, captions of 8 to 22 words, reduced to 256 numbers each.
What a shape costs in recall only training tells: rrsitr train ... --set head_features=160 --set image_grid=4.
"""

import argparse
import os
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import torch
from timing import multiples_of_first
from torch import Tensor

from rrsitr_lib.experiments.report_tables import markdown
from rrsitr_lib.frozen_towers.heads import HeadsEncoder
from rrsitr_lib.frozen_towers.heads_on_tokens import averaged_to_grid
from rrsitr_lib.methods.rrsitr import rrsitr_objective

PAIRS, SIDE, WORDS, WIDTH = 100, 7, 22, 256
SHAPES = ((256, SIDE), (256, 4), (160, SIDE), (160, 4), (128, SIDE), (128, 4))  # head_features, image_grid
OF_RSICD = (160, 4)  # what the preset rsicd takes


def ours(*features: Tensor) -> Tensor:
    """The whole objective."""
    return rrsitr_objective(*features).total


def step_of(features: int, grid: int, objective: Callable[..., Tensor] = ours) -> Callable[[], None]:
    """Forward and backward of both heads and the objective."""
    numbers = np.random.default_rng(0)
    images, _ = averaged_to_grid(numbers.standard_normal((PAIRS, SIDE**2, WIDTH)).astype(np.float32), grid)
    words = numbers.standard_normal((PAIRS, WORDS, WIDTH)).astype(np.float32)
    words[np.arange(WORDS) >= numbers.integers(8, WORDS + 1, PAIRS)[:, None]] = 0
    heads, tokens = HeadsEncoder(WIDTH, WIDTH, features), (torch.from_numpy(images), torch.from_numpy(words))

    def step() -> None:
        image, text = heads(*tokens)
        objective(image.pooled, text.pooled, image.tokens, text.tokens).backward()

    return step


def main() -> None:
    """A table, a row a shape."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    steps = [step_of(*shape) for shape in SHAPES]
    for step in steps:
        step()  # the first one is slower
    seconds, multiples = multiples_of_first(steps, arguments.rounds)
    table = {
        "head_features": [str(features) for features, _ in SHAPES],
        "image tokens": [str(grid**2) for _, grid in SHAPES],
        "time": multiples,
    }
    print(f"a step of the default heads: {seconds:.3f} s\n")
    print(markdown(pd.DataFrame(table)))


if __name__ == "__main__":
    main()
