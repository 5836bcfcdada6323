"""Encoders over open_clip: global and token features of images and sentences, one pass per tower.

``encoders`` holds the registered ones, one file each; weights come through open_clip's own loading or from a local file
or folder.
"""

import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import open_clip
import torch
from torch import Tensor, nn

from rrsitr_lib.errors import InputError
from rrsitr_lib.model.similarity import Features
from rrsitr_lib.randomness import drawn_from
from rrsitr_lib.registry import ENCODERS

CONFIGS = Path(__file__).parent / "configs"
WIDTHS = 8  # a compiled tower sees few lengths of sentences: multiples of this
WHOLE_MASKS = int(version("transformers").partition(".")[0]) >= 5  # it takes them
open_clip.add_model_config(CONFIGS)


class Encoder(nn.Module):
    """Two towers, one interface; ``pad_tokens`` "paper" keeps padding, "masked" drops it and shortens the context."""

    memory_format: torch.memory_format = torch.contiguous_format  # of pixels, the faster one of two
    model: Any  # open_clip's, whose parts carry no types

    def __init__(self, model: nn.Module, tokenizer: Callable[..., Tensor], pad_tokens: str = "paper") -> None:
        super().__init__()
        self.model = model
        self.model.logit_scale.requires_grad_(False)  # no loss here has it: the temperature is a setting
        self.tokenizer, self.pad_tokens, self.widths = tokenizer, pad_tokens, 1
        size, mean, std = self.model.visual.image_size, *_normalisation(self.model)
        self.train_transform, self.eval_transform = (
            open_clip.image_transform(size, is_train=train, mean=mean, std=std) for train in (True, False)
        )

    def tokenize(self, captions: Sequence[str]) -> Tensor:
        """Token numbers of the captions, shape (captions, context)."""
        return self.tokenizer(list(captions))

    def cut(self, captions: Sequence[str], tokens: Tensor | None = None) -> np.ndarray:
        """True where a caption has more tokens than the context holds, so that its end is not read.

        Shape: ``tokens`` (captions, context) of these captions, where they are known -> (captions,) bool.
        """
        tokens = self.tokenize(captions) if tokens is None else tokens
        context, cut = tokens.shape[1], np.zeros(len(captions), dtype=bool)
        if full := np.flatnonzero(self.lengths(tokens).numpy() == context).tolist():
            longer = self.tokenizer([captions[row] for row in full], context_length=context + 1)
            cut[full] = self.lengths(longer).numpy() > context
        return cut

    def lengths(self, tokens: Tensor) -> Tensor:
        """Number of tokens before padding, shape (captions, context) -> (captions,)."""
        raise NotImplementedError

    def trimmed(self, tokens: Tensor, like: Tensor | None = None) -> Tensor:
        """Token numbers without the columns that are padding for all of them (or of ``like``); all with "paper".

        For tokens on the host: the longest length would wait for a device. **Shape** (B, context) -> (B, L).
        """
        if self.pad_tokens == "paper":
            return tokens
        longest = int(self.lengths(tokens if like is None else like).max())
        # dense: a copy that is pinned keeps the strides, and a GPU would wait for it
        return tokens[:, : -(-longest // self.widths) * self.widths].contiguous()

    def image(self, pixels: Tensor) -> Features:
        """Shape: (B, 3, H, W) after the transform -> pooled (B, D), tokens (B, Li, D)."""
        raise NotImplementedError

    def _text(self, tokens: Tensor) -> Features:
        raise NotImplementedError

    def text(self, tokens: Tensor) -> Features:
        """Shape: (B, L) token numbers -> pooled (B, D), tokens (B, L, D), padding handled as the option says."""
        features = self._text(tokens)
        if self.pad_tokens == "paper":
            return features
        padding = torch.arange(tokens.shape[1], device=tokens.device) >= self.lengths(tokens)[:, None]
        return Features(features.pooled, features.tokens.masked_fill(padding[..., None], 0.0))

    def forward(self, pixels: Tensor, tokens: Tensor) -> tuple[Features, Features]:
        """Both towers of a batch: (image, text)."""
        return self.image(pixels), self.text(tokens)

    def compile_towers(self, backend: str | Callable[..., Any] = "inductor") -> None:
        """Compile what is slow, where it stands: names in checkpoints stay as they are. Shapes are fixed."""
        raise NotImplementedError


class ClipEncoder(Encoder):
    """A plain CLIP: tokens go through the final norm and projection of the global feature (paper, encoders)."""

    def __init__(self, model: nn.Module, tokenizer: Callable[..., Tensor], pad_tokens: str = "paper") -> None:
        super().__init__(model, tokenizer, pad_tokens)
        self.model.visual.output_tokens = True

    def lengths(self, tokens: Tensor) -> Tensor:
        """The end token has the highest number, and padding's number is a word's too: look for the end."""
        return tokens.argmax(dim=1) + 1

    def image(self, pixels: Tensor) -> Features:
        """Pooled at the class token, as CLIP; every other token is a patch."""
        pooled, tokens = self.model.visual(pixels)
        return Features(pooled, tokens @ self.model.visual.proj)

    def _text(self, tokens: Tensor) -> Features:
        model, context = self.model, tokens.shape[1]
        hidden = model.token_embedding(tokens) + model.positional_embedding[:context]
        hidden = model.transformer(hidden, attn_mask=model.attn_mask[:context, :context])
        projected = model.ln_final(hidden) @ model.text_projection
        return Features(projected[torch.arange(len(tokens), device=tokens.device), tokens.argmax(dim=1)], projected)

    def compile_towers(self, backend: str | Callable[..., Any] = "inductor") -> None:
        """As modules; captions are cut to one of ``WIDTHS``, so that there are few shapes."""
        self.widths = WIDTHS
        for tower in (self.model.visual, self.model.transformer):
            tower.compile(backend=backend, dynamic=False)


class JointEncoder(Encoder):
    """A timm image tower and a Hugging Face text tower; both pool by a mean, so the projection serves tokens alike."""

    memory_format = torch.channels_last

    def train(self, mode: bool = True) -> Self:
        """Batch normalisation stays as it was pretrained: slices and processes must not see batches of their own."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def lengths(self, tokens: Tensor) -> Tensor:
        """Padding has a number of its own."""
        return (tokens != self.model.text.config.pad_token_id).sum(dim=1)

    def image_map(self, pixels: Tensor) -> Tensor:
        """The trunk's last map as tokens, before any projection: (B, 3, H, W) -> (B, Li, width)."""
        return self.model.visual.trunk.forward_features(pixels).flatten(2).mT

    def text_map(self, tokens: Tensor) -> Tensor:
        """The last hidden states, before any projection: (B, context) -> (B, context, width)."""
        attend = tokens != self.model.text.config.pad_token_id
        mask = for_every_token(attend) if tokens.is_cuda and WHOLE_MASKS else attend.long()
        return self.model.text.transformer(input_ids=tokens, attention_mask=mask).last_hidden_state

    def image(self, pixels: Tensor) -> Features:
        """Pooled by the mean of the projected map."""
        tokens = self.model.visual.head(self.image_map(pixels))
        return Features(tokens.mean(dim=1), tokens)

    def _text(self, tokens: Tensor) -> Features:
        projected = self.model.text.proj(self.text_map(tokens))
        attend = (tokens != self.model.text.config.pad_token_id)[..., None]
        return Features((projected * attend).sum(dim=1) / attend.sum(dim=1).clamp(min=1), projected)

    def compile_towers(self, backend: str | Callable[..., Any] = "inductor") -> None:
        """The towers are called past their ``__call__``, so the maps are compiled instead of the modules."""
        self.widths = WIDTHS
        for name in ("image_map", "text_map"):
            setattr(self, name, torch.compile(getattr(self, name), backend=backend, dynamic=False))


class EncoderRecipe(ABC):
    """How a registered encoder is built; a subclass is one file in ``encoders``.

    ``image_size``: pixels that it sees; ``shared_space``: whether its towers mean the same before any training;
    ``open_clip_name``: of the model that plain open_clip builds, None where there is none.
    """

    image_size: ClassVar[int] = 224
    shared_space: ClassVar[bool] = True
    open_clip_name: ClassVar[str | None] = None

    @classmethod
    @abstractmethod
    def build(cls, weights: str | None, pad_tokens: str) -> Encoder:
        """``weights``: None for what the name stands for, "none" for random ones, else a local file or folder."""


def build_encoder(name: str, weights: str | None = None, pad_tokens: str = "paper", seed: int = 0) -> Encoder:
    """Build a registered encoder: "tiny", "lite" or "vit-b-32".

    ``weights``: None loads what the name stands for (tiny: the file in this package; lite: by hub name; vit-b-32: the
    ``openai`` weights), "none" starts from random numbers drawn with ``seed``, else a local file (lite: a folder).
    Raises ``InputError`` for an unknown name, a missing or unfitting file, or weights that cannot be downloaded.
    """
    recipe = ENCODERS[name]
    if pad_tokens not in ("paper", "masked"):
        raise InputError(f"pad_tokens is {pad_tokens!r}: allowed are paper, masked")
    if weights is not None and weights != "none" and not Path(weights).exists():
        raise InputError(f"weights is {weights}: no such file or folder")
    with drawn_from(seed), _quiet():
        return recipe.build(weights, pad_tokens)


def for_every_token(attend: Tensor) -> Tensor:
    """What every token may attend to, as a table that transformers takes as it is.

    Of (B, L) it asks whether all are true, and the host would wait for a GPU's answer. Shape: (B, L) -> (B, 1, L, L).
    """
    return attend[:, None, None].expand(-1, 1, attend.shape[1], -1)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without open_clip's words on what it loads, and transformers' bars."""
    from transformers.utils import logging as transformers_logging

    before = transformers_logging.get_verbosity(), logging.root.manager.disable
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.disable(logging.ERROR)  # what goes wrong is raised too
    try:
        yield
    finally:
        transformers_logging.set_verbosity(before[0])
        transformers_logging.enable_progress_bar()
        logging.disable(before[1])


def _normalisation(model: Any) -> tuple[Any, Any]:
    """Mean and deviation of the image tower: timm's own where it has them, else CLIP's."""
    trunk = getattr(model.visual, "trunk", None)
    if trunk is not None:
        return trunk.default_cfg["mean"], trunk.default_cfg["std"]
    return getattr(model.visual, "image_mean", None), getattr(model.visual, "image_std", None)
