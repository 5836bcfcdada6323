"""``tiny``: a small CLIP for drawn scenes, pretrained on clean ones of another seed; its weights are in the package.

``tiny`` saw few scenes and has much to learn; ``tiny-strong`` saw many, and hardly gains by any training after that.
"""

from pathlib import Path
from typing import ClassVar

import open_clip
from open_clip.tokenizer import SimpleTokenizer

from rrsitr_lib.model.encoder import CONFIGS, ClipEncoder, Encoder, EncoderRecipe
from rrsitr_lib.model.encoders import register
from rrsitr_lib.model.weight_files import load_weights

WEIGHTS = CONFIGS.parent / "weights"
TINY_MERGES = CONFIGS / "rrsitr_tiny_merges.txt.gz"


@register("tiny")
class Tiny(EncoderRecipe):
    """1.5 M parameters, 64 pixels; ``shipped`` are the weights of the package."""

    image_size = 64
    open_clip_name = "rrsitr_tiny"
    shipped: ClassVar[Path] = WEIGHTS / "rrsitr_tiny.safetensors"

    @classmethod
    def build(cls, weights: str | None, pad_tokens: str) -> Encoder:
        """``weights``: a file; None takes those of the package, trained on drawn scenes."""
        model = open_clip.create_model("rrsitr_tiny")
        if weights != "none":
            load_weights(model, Path(weights or cls.shipped))
        # open_clip's own tokenizer, with the few of its merges that the scenes' words need: any text still fits
        tokenizer = SimpleTokenizer(bpe_path=str(TINY_MERGES), context_length=model.context_length)
        return ClipEncoder(model, tokenizer, pad_tokens)


@register("tiny-strong")
class TinyStrong(Tiny):
    """The same network after a longer pretraining."""

    shipped = WEIGHTS / "rrsitr_tiny_strong.safetensors"
