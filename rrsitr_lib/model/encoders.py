"""Encoders over open_clip: global and token features of pictures and sentences, one pass per tower.

Three registered models. ``vit-b-32``: OpenAI's CLIP. ``lite``: an EfficientNet-Lite0 and a MiniLM joined by open_clip.
``tiny``: a small CLIP for drawn scenes. Weights come through open_clip's own loading or from a local file or folder.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import open_clip
import torch
from open_clip.tokenizer import SimpleTokenizer
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from rrsitr_lib.errors import InputError
from rrsitr_lib.randomness import drawn_from

CONFIGS = Path(__file__).parent / "configs"
TINY_WEIGHTS = Path(__file__).parent / "weights" / "rrsitr_tiny.safetensors"
TINY_MERGES = CONFIGS / "rrsitr_tiny_merges.txt.gz"
LITE_IMAGE_FILE, LITE_TEXT_FOLDER = "tf_efficientnet_lite0.safetensors", "all-MiniLM-L6-v2"
open_clip.add_model_config(CONFIGS)


class Features(NamedTuple):
    """What a tower says of its items. Shape: ``pooled`` (B, D), ``tokens`` (B, L, D); masked tokens are zero."""

    pooled: Tensor
    tokens: Tensor

    def single_precision(self) -> "Features":
        """Half and bfloat16 as float32; float32 and float64 as they are."""
        return Features(*(part if part.dtype == torch.float64 else part.float() for part in self))


class Encoder(nn.Module):
    """Two towers, one interface; ``pad_tokens`` "paper" keeps padding, "masked" drops it and shortens the context."""

    def __init__(self, model: nn.Module, tokenizer: Callable[..., Tensor], pad_tokens: str = "paper") -> None:
        super().__init__()
        self.model, self.tokenizer, self.pad_tokens = model, tokenizer, pad_tokens
        size, mean, std = model.visual.image_size, *_normalisation(model)
        self.train_transform, self.eval_transform = (
            open_clip.image_transform(size, is_train=train, mean=mean, std=std) for train in (True, False)
        )

    def tokenize(self, captions: Sequence[str]) -> Tensor:
        """Token numbers of the captions, shape (captions, context)."""
        return self.tokenizer(list(captions))

    def lengths(self, tokens: Tensor) -> Tensor:
        """Number of tokens before padding, shape (captions, context) -> (captions,)."""
        raise NotImplementedError

    def image(self, pixels: Tensor) -> Features:
        """Shape: (B, 3, H, W) after the transform -> pooled (B, D), tokens (B, Li, D)."""
        raise NotImplementedError

    def _text(self, tokens: Tensor) -> Features:
        raise NotImplementedError

    def text(self, tokens: Tensor) -> Features:
        """Shape: (B, context) token numbers -> pooled (B, D), tokens (B, Lt, D), padding handled as the option says."""
        if self.pad_tokens == "paper":
            return self._text(tokens)
        lengths = self.lengths(tokens)
        tokens = tokens[:, : int(lengths.max())]
        features = self._text(tokens)
        padding = torch.arange(tokens.shape[1], device=tokens.device) >= lengths[:, None]
        return Features(features.pooled, features.tokens.masked_fill(padding[..., None], 0.0))

    def forward(self, pixels: Tensor, tokens: Tensor) -> tuple[Features, Features]:
        """Both towers of a batch: (image, text)."""
        return self.image(pixels), self.text(tokens)


class ClipEncoder(Encoder):
    """A plain CLIP: tokens go through the final norm and projection of the global feature (paper, encoders)."""

    def __init__(self, model: nn.Module, tokenizer: Callable[..., Tensor], pad_tokens: str = "paper") -> None:
        super().__init__(model, tokenizer, pad_tokens)
        model.visual.output_tokens = True

    def lengths(self, tokens: Tensor) -> Tensor:
        """The end token has the highest number, and padding's number is a word's too: look for the end."""
        return tokens.argmax(dim=1) + 1

    def image(self, pixels: Tensor) -> Features:
        pooled, tokens = self.model.visual(pixels)
        return Features(pooled, tokens @ self.model.visual.proj)

    def _text(self, tokens: Tensor) -> Features:
        model, context = self.model, tokens.shape[1]
        hidden = model.token_embedding(tokens) + model.positional_embedding[:context]
        hidden = model.transformer(hidden, attn_mask=model.attn_mask[:context, :context])
        projected = model.ln_final(hidden) @ model.text_projection
        return Features(projected[torch.arange(len(tokens), device=tokens.device), tokens.argmax(dim=1)], projected)


class JointEncoder(Encoder):
    """A timm image tower and a Hugging Face text tower; both pool by a mean, so the projection serves tokens alike."""

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
        attend = (tokens != self.model.text.config.pad_token_id).long()
        return self.model.text.transformer(input_ids=tokens, attention_mask=attend).last_hidden_state

    def image(self, pixels: Tensor) -> Features:
        tokens = self.model.visual.head(self.image_map(pixels))
        return Features(tokens.mean(dim=1), tokens)

    def _text(self, tokens: Tensor) -> Features:
        projected = self.model.text.proj(self.text_map(tokens))
        attend = (tokens != self.model.text.config.pad_token_id)[..., None]
        return Features((projected * attend).sum(dim=1) / attend.sum(dim=1).clamp(min=1), projected)


def build_encoder(name: str, weights: str | None = None, pad_tokens: str = "paper", seed: int = 0) -> Encoder:
    """Build a registered model: "tiny", "lite" or "vit-b-32".

    ``weights``: None loads what the name stands for (tiny: the file in this package; lite: by hub name; vit-b-32: the
    ``openai`` weights), "none" starts from random numbers drawn with ``seed``, else a local file (lite: a folder).
    Raises ``InputError`` for an unknown name, a missing or unfitting file, or weights that cannot be downloaded.
    Taught in: notebooks/00_start_here
    """
    if name not in BUILDERS:
        raise InputError(f"encoder is {name!r}: allowed are {', '.join(BUILDERS)}")
    if pad_tokens not in ("paper", "masked"):
        raise InputError(f"pad_tokens is {pad_tokens!r}: allowed are paper, masked")
    if weights not in (None, "none") and not Path(weights).exists():
        raise InputError(f"weights is {weights}: no such file or folder")
    with drawn_from(seed), _quiet():
        return BUILDERS[name](weights, pad_tokens)


def _build_tiny(weights: str | None, pad_tokens: str) -> Encoder:
    model = open_clip.create_model("rrsitr_tiny")
    if weights != "none":
        _load_weights(model, Path(weights or TINY_WEIGHTS))
    # open_clip's own tokenizer, with the few of its merges that the scenes' words need: any text still fits
    tokenizer = SimpleTokenizer(bpe_path=str(TINY_MERGES), context_length=model.context_length)
    return ClipEncoder(model, tokenizer, pad_tokens)


def _build_vit(weights: str | None, pad_tokens: str) -> Encoder:
    pretrained = None if weights == "none" else weights or "openai"
    with _loading("vit-b-32", pretrained):
        # the openai weights are QuickGELU, and the plain name is not (quirk 14)
        model = open_clip.create_model("ViT-B-32-quickgelu", pretrained=pretrained)
    return ClipEncoder(model, open_clip.get_tokenizer("ViT-B-32-quickgelu"), pad_tokens)


def _build_lite(weights: str | None, pad_tokens: str) -> Encoder:
    text_config = open_clip.get_model_config("rrsitr_lite")["text_cfg"]
    if weights not in (None, "none"):
        image_file, text_folder = Path(weights) / LITE_IMAGE_FILE, Path(weights) / LITE_TEXT_FOLDER
        for path in (image_file, text_folder):
            if not path.exists():
                raise InputError(f"weights is {weights}: expected a folder that holds {path.name}")
        text_config |= {"hf_model_name": str(text_folder), "hf_tokenizer_name": str(text_folder)}
    with _loading("lite", weights):
        text_config["hf_model_pretrained"] = weights != "none"
        model = open_clip.create_model("rrsitr_lite", text_cfg=text_config, pretrained_image=weights is None)
        name, context = text_config["hf_tokenizer_name"], text_config["context_length"]
        tokenizer = open_clip.tokenizer.HFTokenizer(name, context_length=context)
    if weights not in (None, "none"):
        _load_weights(model.visual.trunk, image_file, optional=("classifier.",))
    return JointEncoder(model.float(), tokenizer, pad_tokens)


BUILDERS: dict[str, Callable[[str | None, str], Encoder]] = {
    "tiny": _build_tiny,
    "lite": _build_lite,
    "vit-b-32": _build_vit,
}


@contextlib.contextmanager
def _loading(name: str, weights: str | None) -> Iterator[None]:
    """Turn the many ways in which a download or a file can fail into one line that says what to do."""
    try:
        yield
    except Exception as error:  # hub, network, zip and key errors differ by library and version
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"cannot load weights {weights or 'by hub name'} for {name} ({reason}); "
            "check the connection or give --weights a local path"
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without open_clip's warning that a model starts at random before we load it, and transformers' bars."""
    from transformers.utils import logging as transformers_logging

    before = transformers_logging.get_verbosity(), logging.root.manager.disable
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        transformers_logging.set_verbosity(before[0])
        transformers_logging.enable_progress_bar()
        logging.disable(before[1])


def _load_weights(module: nn.Module, path: Path, optional: tuple[str, ...] = ()) -> None:
    """Load a safetensors file strictly, less names that begin with ``optional``; float16 files become float32."""
    try:
        tensors = {
            name: tensor.float() for name, tensor in load_file(path).items() if not name.startswith(optional or ("\0",))
        }
        tensors = {name.removeprefix("model.model."): tensor for name, tensor in tensors.items()}
        module.load_state_dict(tensors)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise InputError(f"{path}: not weights of this model ({str(error).splitlines()[-1].strip()})") from None


def _normalisation(model: Any) -> tuple[Any, Any]:
    """Mean and deviation of the image tower: timm's own where it has them, else CLIP's."""
    trunk = getattr(model.visual, "trunk", None)
    if trunk is not None:
        return trunk.default_cfg["mean"], trunk.default_cfg["std"]
    return getattr(model.visual, "image_mean", None), getattr(model.visual, "image_std", None)
