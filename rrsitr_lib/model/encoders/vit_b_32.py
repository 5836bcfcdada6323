"""``vit-b-32``: OpenAI's CLIP, the paper's encoder."""

import open_clip

from rrsitr_lib.model.encoder import ClipEncoder, Encoder, EncoderRecipe
from rrsitr_lib.model.encoders import register
from rrsitr_lib.model.weight_files import loading


@register("vit-b-32")
class VitB32(EncoderRecipe):
    """CLIP ViT-B/32; the openai weights are QuickGELU, and the plain name is not (quirk 14)."""

    open_clip_name = "ViT-B-32-quickgelu"

    @classmethod
    def build(cls, weights: str | None, pad_tokens: str) -> Encoder:
        """``weights``: a file or a name of open_clip's; None takes OpenAI's."""
        pretrained = None if weights == "none" else weights or "openai"
        with loading(weights):
            model = open_clip.create_model(cls.open_clip_name, pretrained=pretrained)
        return ClipEncoder(model, open_clip.get_tokenizer(cls.open_clip_name), pad_tokens)
