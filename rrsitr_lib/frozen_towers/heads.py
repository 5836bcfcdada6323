"""Small heads on frozen towers: the laptop route for real images (``train="heads"``)."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from rrsitr_lib.model.similarity import Features
from rrsitr_lib.randomness import drawn_from


class TokenHead(nn.Module):
    """LayerNorm, linear and a two-layer residual per token; the global feature is a linear map of their mean.

    Shape: tokens (B, L, width), zero rows where masked -> pooled (B, D), tokens (B, L, D).
    """

    def __init__(self, width: int, features: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, features)
        self.residual = nn.Sequential(
            nn.LayerNorm(features), nn.Linear(features, 2 * features), nn.GELU(), nn.Linear(2 * features, features)
        )
        self.pooled = nn.Linear(features, features)

    def forward(self, tokens: Tensor) -> Features:
        """Masked (all-zero) tokens stay zero and count nothing in the mean."""
        present = tokens.abs().amax(dim=-1, keepdim=True) > 0
        hidden = self.project(self.norm(tokens))
        hidden = (hidden + self.residual(hidden)) * present
        mean = hidden.sum(dim=1) / present.sum(dim=1).clamp(min=1)
        return Features(self.pooled(mean), hidden)


class HeadsEncoder(nn.Module):
    """Two heads with the interface of an encoder, over cached tower tokens instead of pixels and token numbers."""

    memory_format = torch.contiguous_format

    def __init__(self, image_width: int, text_width: int, features: int = 256, seed: int = 0) -> None:
        super().__init__()
        with drawn_from(seed):
            self.image, self.text = TokenHead(image_width, features), TokenHead(text_width, features)

    def forward(self, image_tokens: Tensor, text_tokens: Tensor) -> tuple[Features, Features]:
        """Both heads of a batch: (image, text)."""
        return self.image(image_tokens), self.text(text_tokens)

    def compile_towers(self, backend: str | Callable[..., Any] = "inductor") -> None:
        """Both heads; captions differ in length, so the text head's shapes stay open."""
        self.image.compile(backend=backend, dynamic=False)
        self.text.compile(backend=backend)
