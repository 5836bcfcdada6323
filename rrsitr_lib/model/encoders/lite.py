"""``lite``: an EfficientNet-Lite0 and the sentence encoder MiniLM, joined by open_clip; for real images on a laptop."""

from pathlib import Path
from typing import Any

import open_clip
from open_clip.factory import load_state_dict
from transformers import MODEL_MAPPING, AutoConfig

from rrsitr_lib.errors import InputError
from rrsitr_lib.files import read_json
from rrsitr_lib.model.encoder import Encoder, EncoderRecipe, JointEncoder
from rrsitr_lib.model.encoders import register
from rrsitr_lib.model.weight_files import load_weights, loading

TEXT_FILES = "model.safetensors", "pytorch_model.bin"  # the second one where the first is not there
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
            found = _text_tensors(local / LITE_TEXT_FOLDER)
        name, context = text_config["hf_model_name"], text_config["context_length"]
        with loading(local and name):
            _check_needs_no_code(name)
            text_config["hf_model_pretrained"] = weights != "none"
            model = open_clip.create_model("rrsitr_lite", text_cfg=text_config, pretrained_image=weights is None)
            tokenizer = open_clip.tokenizer.HFTokenizer(name, context_length=context, trust_remote_code=False)
        if local is not None:
            load_weights(model.visual.trunk, local / LITE_IMAGE_FILE, optional=("classifier.",))
            _check_whole(name, found, model.text, len(tokenizer.tokenizer))
        return JointEncoder(model.float(), tokenizer, pad_tokens)


def _text_tensors(folder: Path) -> list[str]:
    """Names of the text tower's tensors; reads what transformers will read, and names the file that is damaged."""
    for path in folder.glob("*.json"):
        read_json(path)
    path = next((folder / name for name in TEXT_FILES if (folder / name).exists()), folder / TEXT_FILES[0])
    with loading(path):
        return list(load_state_dict(path))


def _check_whole(folder: str, found: list[str], tower: Any, words: int) -> None:
    """What is missing, transformers draws at random, and without its list every word is the unknown one."""
    if missing := [name for name in tower.transformer.state_dict() if not any(one.endswith(name) for one in found)]:
        raise InputError(f"{folder}: not weights of this model ({missing[0]} is missing)")
    if not 0.9 * tower.vocab_size <= words <= tower.vocab_size:
        raise InputError(
            f"{folder}: its tokenizer knows {words} words, its model {tower.vocab_size}: is a file missing?"
        )


def _check_needs_no_code(name: str) -> None:
    """A model that transformers has no code for could bring its own, and open_clip lets it ask whether to run it."""
    if type(AutoConfig.from_pretrained(name, trust_remote_code=False)) not in MODEL_MAPPING:
        raise InputError(f"{name}: config.json is of no model that transformers knows by itself")
