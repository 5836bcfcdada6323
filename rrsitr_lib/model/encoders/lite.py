"""``lite``: an EfficientNet-Lite0 and the sentence encoder MiniLM, joined by open_clip; for real images on a laptop."""

from pathlib import Path

import open_clip

from rrsitr_lib.errors import InputError
from rrsitr_lib.model.encoder import Encoder, EncoderRecipe, JointEncoder, load_weights, loading
from rrsitr_lib.model.encoders import register

LITE_IMAGE_FILE, LITE_TEXT_FOLDER = "tf_efficientnet_lite0.safetensors", "all-MiniLM-L6-v2"


@register("lite")
class Lite(EncoderRecipe):
    """Two pretrained towers without a common space: they are joined by projections that only training makes."""

    shared_space = False

    @classmethod
    def build(cls, weights: str | None, pad_tokens: str) -> Encoder:
        """``weights``: a folder that holds both towers; None takes them from the hub."""
        text_config = open_clip.get_model_config("rrsitr_lite")["text_cfg"]
        local = None if weights in (None, "none") else Path(weights or "")
        if local is not None:
            for path in (local / LITE_IMAGE_FILE, local / LITE_TEXT_FOLDER):
                if not path.exists():
                    raise InputError(f"weights is {weights}: expected a folder that holds {path.name}")
            text_folder = str(local / LITE_TEXT_FOLDER)
            text_config |= {"hf_model_name": text_folder, "hf_tokenizer_name": text_folder}
        with loading("lite", weights):
            text_config["hf_model_pretrained"] = weights != "none"
            model = open_clip.create_model("rrsitr_lite", text_cfg=text_config, pretrained_image=weights is None)
            name, context = text_config["hf_tokenizer_name"], text_config["context_length"]
            tokenizer = open_clip.tokenizer.HFTokenizer(name, context_length=context)
        if local is not None:
            load_weights(model.visual.trunk, local / LITE_IMAGE_FILE, optional=("classifier.",))
        return JointEncoder(model.float(), tokenizer, pad_tokens)
