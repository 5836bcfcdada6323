"""Encoders: global features are open_clip's own, tokens go the same way, files load or say why not."""

import copy
import json
import shutil

import open_clip
import pytest
import timm
import torch
import transformers
from malformed.run_inputs import pickled
from oracles import WEIGHTS, needs_towers
from safetensors.torch import load_file, save, save_file
from transformers import BertConfig, BertModel
from waits import Waits

from rrsitr_lib.errors import InputError
from rrsitr_lib.model import encoder as encoder_module
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.model.encoders.lite import LITE_IMAGE_FILE, LITE_TEXT_FOLDER
from rrsitr_lib.model.encoders.tiny import Tiny, TinyStrong

CAPTIONS = ["a lake .", "two planes are parked near a long grey building on the airport .", "road", ""]
SMALL_VIT = {
    "embed_dim": 24, "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}  # fmt: skip


def tiny_bert(folder):
    """A Hugging Face folder with a two-layer BERT over a few dozen word pieces."""
    words = "a lake two planes are parked near long grey building on the airport . road ##s".split()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    torch.manual_seed(0)
    BertModel(
        BertConfig(
            vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=32, max_position_embeddings=64,
        )
    ).save_pretrained(folder)  # fmt: skip
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 64})
    )


@pytest.fixture(scope="module")
def lite_folder(tmp_path_factory):
    """The two towers of ``lite`` with random weights, in the form of the real ones."""
    folder = tmp_path_factory.mktemp("lite")
    torch.manual_seed(0)
    trunk = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    save_file(trunk.state_dict(), folder / LITE_IMAGE_FILE)
    tiny_bert(folder / LITE_TEXT_FOLDER)
    return folder


@pytest.fixture(scope="module")
def small_vit():
    """The real loading of ``vit-b-32`` around a model that is small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(open_clip.factory._MODEL_CONFIGS, "ViT-B-32-quickgelu", SMALL_VIT)
        yield


@pytest.fixture(scope="module")
def built(small_vit, lite_folder):
    """Every registered model with random towers, by name and padding."""
    weights = {"tiny": "none", "vit-b-32": "none", "lite": str(lite_folder)}
    return {
        (name, pad): build_encoder(name, where, pad).eval()
        for name, where in weights.items()
        for pad in ("paper", "masked")
    }


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def pixels(encoder):
    size = encoder.model.visual.image_size
    return torch.randn(3, 3, *(size if isinstance(size, tuple) else (size, size)))


ALL = pytest.mark.parametrize("name", ["tiny", "vit-b-32", "lite"])
CLIP = pytest.mark.parametrize("name", ["tiny", "vit-b-32"])
PAD = pytest.mark.parametrize("pad", ["paper", "masked"])


@ALL
@PAD
def test_global_features_are_open_clip_s_own(built, name, pad):
    encoder = built[name, pad]
    images, tokens = pixels(encoder), encoder.tokenize(CAPTIONS)
    image, text = encoder(images, tokens)
    visual = encoder.model.visual
    if name != "lite":  # open_clip gives a pair once tokens are asked for
        visual.output_tokens = False
    torch.testing.assert_close(image.pooled, encoder.model.encode_image(images), rtol=1e-4, atol=1e-5)
    if name != "lite":
        visual.output_tokens = True
    torch.testing.assert_close(text.pooled, encoder.model.encode_text(tokens), rtol=1e-4, atol=1e-5)


def test_training_leaves_batch_normalisation_as_it_was_pretrained(built):
    """A slice of a batch, or a process's share of it, is encoded as the whole batch is."""
    encoder = copy.deepcopy(built["lite", "masked"]).train()
    norms = [module for module in encoder.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    dropouts = [module for module in encoder.modules() if isinstance(module, torch.nn.Dropout)]
    assert norms and dropouts and not any(norm.training for norm in norms) and all(one.training for one in dropouts)
    before, images = norms[0].running_mean.clone(), pixels(encoder)
    whole, slices = encoder.image(images).pooled, [encoder.image(part).pooled for part in images.split(2)]
    torch.testing.assert_close(torch.cat(slices), whole, rtol=1e-4, atol=1e-5)
    assert torch.equal(norms[0].running_mean, before)


@CLIP
def test_tokens_take_the_final_norm_and_the_projection_of_the_global_feature(built, name):
    encoder, seen = built[name, "paper"], {}
    model = encoder.model
    handles = [
        part.register_forward_hook(lambda module, inputs, output, key=key: seen.update({key: output}))
        for key, part in (("image", model.visual.transformer), ("text", model.transformer))
    ]
    tokens = encoder.tokenize(CAPTIONS)
    image, text = encoder(pixels(encoder), tokens)
    for handle in handles:
        handle.remove()
    projected = model.visual.ln_post(seen["image"]) @ model.visual.proj
    torch.testing.assert_close(image.pooled, projected[:, 0])
    torch.testing.assert_close(image.tokens, projected[:, 1:])
    torch.testing.assert_close(text.tokens, model.ln_final(seen["text"]) @ model.text_projection)
    ends = tokens.argmax(dim=1)
    torch.testing.assert_close(text.pooled, text.tokens[torch.arange(len(CAPTIONS)), ends])
    patches = {"tiny": 16, "vit-b-32": 4}[name]
    assert image.tokens.shape[1] == patches and text.tokens.shape[1] == tokens.shape[1]


def test_start_token_is_the_same_for_every_caption(built):
    tokens = built["tiny", "paper"].text(built["tiny", "paper"].tokenize(CAPTIONS)).tokens
    torch.testing.assert_close(tokens[:, 0], tokens[:1, 0].expand(4, -1))  # quirk 11: causal attention
    assert not torch.allclose(tokens[0, 1], tokens[1, 2])


def test_lite_pools_the_mean_of_its_tokens(built):
    encoder = built["lite", "masked"]
    numbers = encoder.tokenize(CAPTIONS)
    image, text = encoder(pixels(encoder), numbers)
    assert image.tokens.shape == (3, 49, 256)
    torch.testing.assert_close(image.pooled, image.tokens.mean(dim=1))
    for row, length in enumerate(encoder.lengths(numbers)):
        torch.testing.assert_close(text.pooled[row], text.tokens[row, :length].mean(dim=0))


@ALL
def test_masking_shortens_zeroes_and_leaves_the_rest(built, name):
    paper, masked = built[name, "paper"], built[name, "masked"]
    masked.load_state_dict(paper.state_dict())
    numbers = paper.tokenize(CAPTIONS)
    lengths, whole, short = paper.lengths(numbers), paper.text(numbers), masked.text(masked.trimmed(numbers))
    assert lengths.tolist()[2:] == [3, 2] and lengths.max() < numbers.shape[1]
    assert whole.tokens.shape[1] == numbers.shape[1] and short.tokens.shape[1] == int(lengths.max())
    torch.testing.assert_close(short.pooled, whole.pooled, rtol=1e-4, atol=1e-5)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(short.tokens[row, :length], whole.tokens[row, :length], rtol=1e-4, atol=1e-5)
        assert (short.tokens[row, length:] == 0).all() and (whole.tokens[row, length:] != 0).any()
    assert paper.trimmed(numbers) is numbers and masked.trimmed(numbers[2:], like=numbers).shape[1] == int(
        lengths.max()
    )
    padded = masked.text(numbers)  # untrimmed, as on a device
    torch.testing.assert_close(padded.pooled, whole.pooled, rtol=1e-4, atol=1e-5)
    assert (padded.tokens[:, int(lengths.max()) :] == 0).all()


@ALL
def test_a_caption_that_is_too_long_is_cut(built, name):
    encoder = built[name, "masked"]
    numbers = encoder.tokenize(["lake " * 200])
    assert encoder.lengths(numbers).tolist() == [numbers.shape[1]]
    assert encoder.text(numbers).pooled.isfinite().all()


@CLIP
def test_seed_decides_random_weights_and_the_global_generator_is_left_alone(small_vit, name):
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first, again, other = (build_encoder(name, "none", seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(first[key], again[key]) for key in first)
    key = "model.visual.conv1.weight"
    assert not torch.equal(first[key], other[key])


def test_vit_uses_the_activation_and_context_of_openai_s_weights(built):
    """``SMALL_VIT`` stands in the place of the model of this name (quirk 14)."""
    encoder = built["vit-b-32", "paper"]
    assert type(encoder.model.transformer.resblocks[0].mlp.gelu).__name__ == "QuickGELU"
    assert encoder.tokenize(["a lake"])[0, :4].tolist()[0::3] == [49406, 49407]
    assert encoder.tokenize(["a lake"]).shape == (1, 77)


@pytest.mark.parametrize("form", ["safetensors", "pt"])
def test_vit_loads_a_local_file(built, tmp_path, form):
    saved, path = built["vit-b-32", "paper"].model.state_dict(), tmp_path / f"clip.{form}"
    save_file(saved, path) if form == "safetensors" else torch.save(saved, path)
    loaded = build_encoder("vit-b-32", str(path), seed=9).model.state_dict()
    assert loaded.keys() == saved.keys() and all(torch.equal(loaded[name], saved[name]) for name in saved)


@pytest.mark.parametrize("form", ["safetensors", "pt"])
def test_tiny_loads_a_local_file_in_half_precision(built, tmp_path, form):
    saved, path = built["tiny", "paper"].model.state_dict(), tmp_path / f"tiny.{form}"
    saved = {name: value.half() for name, value in saved.items()}
    save_file(saved, path) if form == "safetensors" else torch.save(saved, path)
    loaded = build_encoder("tiny", str(path), seed=9).model.state_dict()
    assert all(value.dtype == torch.float32 for value in loaded.values())
    assert all(torch.equal(loaded[name], saved[name].float()) for name in saved)


@pytest.mark.parametrize(("encoder", "recipe"), [("tiny", Tiny), ("tiny-strong", TinyStrong)])
def test_tiny_ships_with_weights(encoder, recipe):
    loaded, random = build_encoder(encoder).model, build_encoder(encoder, "none").model
    assert not torch.equal(loaded.visual.conv1.weight, random.visual.conv1.weight)
    shipped = load_file(recipe.shipped)
    name = next(name for name in shipped if name.endswith("visual.conv1.weight"))
    assert torch.equal(loaded.visual.conv1.weight, shipped[name].float())


def test_lite_loads_its_two_towers(built, lite_folder):
    encoder = built["lite", "paper"]
    image = load_file(lite_folder / LITE_IMAGE_FILE)
    trunk = encoder.model.visual.trunk.state_dict()
    assert all(torch.equal(trunk[name], image[name]) for name in trunk)
    text = BertModel.from_pretrained(lite_folder / LITE_TEXT_FOLDER).state_dict()
    tower = encoder.model.text.transformer.state_dict()
    assert all(torch.equal(tower[name], text[name]) for name in tower if "embeddings" in name or "layer" in name)


@pytest.mark.skipif(not encoder_module.WHOLE_MASKS, reason="transformers 4 waits")
@PAD
def test_on_a_gpu_lite_waits_for_nothing(built, monkeypatch, pad):
    """Its mask is a table there; the features are the same."""
    encoder = built["lite", pad]
    images, tokens = pixels(encoder), encoder.trimmed(encoder.tokenize(CAPTIONS))
    expected, transformer = encoder(images, tokens), encoder.model.text.transformer.forward

    def with_table(input_ids, attention_mask):
        return transformer(input_ids=input_ids, attention_mask=encoder_module.for_every_token(attention_mask > 0))

    monkeypatch.setattr(encoder.model.text.transformer, "forward", with_table)
    with Waits() as waits:
        found = encoder(images, tokens)
    assert not waits.seen
    for one, other in zip((*found[0], *found[1]), (*expected[0], *expected[1]), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@needs_towers
def test_lite_with_the_real_towers():
    encoder = build_encoder("lite", str(WEIGHTS), "masked").eval()
    sentences = ["many planes are parked in an airport", "several aircraft stand beside the terminal", "a blue lake"]
    numbers = encoder.tokenize(sentences)
    words = encoder.text_map(numbers)
    present = (torch.arange(numbers.shape[1]) < encoder.lengths(numbers)[:, None])[..., None]
    means = torch.nn.functional.normalize((words * present).sum(1) / present.sum(1), dim=-1)
    similar, other = float(means[0] @ means[1]), float(means[0] @ means[2])
    assert similar > 0.5 > 0.3 > other, "the sentence encoder knows planes from lakes"
    assert encoder.image_map(pixels(encoder)).shape == (3, 49, 1280)


@pytest.mark.parametrize(("name", "mean"), [("tiny", 0.4815), ("vit-b-32", 0.4815), ("lite", 0.5)])
def test_transforms_normalise_as_the_tower_wants(built, name, mean):
    from PIL import Image

    encoder = built[name, "paper"]
    grey = Image.new("RGB", (300, 200), (128, 128, 128))
    for transform in (encoder.eval_transform, encoder.train_transform):
        assert transform(grey).shape == pixels(encoder).shape[1:]
    deviation = 0.5 if name == "lite" else 0.26862954
    assert float(encoder.eval_transform(grey)[0, 0, 0]) == pytest.approx((128 / 255 - mean) / deviation, abs=1e-2)


# --- files that do not load; more of them: tests/malformed ---


def refused(name, weights, message):
    with pytest.raises(InputError, match=message) as caught:
        build_encoder(name, None if weights is None else str(weights))
    assert "\n" not in str(caught.value)
    assert not any(advice in str(caught.value) for advice in ("weights_only", "trust_remote_code", "allow_pickle"))


@pytest.mark.parametrize(
    "content", [b"", b"not weights", b"\x80\x04N.", pickled(), save({"visual.other": torch.ones(2)})]
)
@pytest.mark.parametrize("form", ["safetensors", "pt", "bin", "npz"])
def test_vit_refuses_files_of_something_else(small_vit, tmp_path, content, form):
    (tmp_path / f"wrong.{form}").write_bytes(content)
    refused("vit-b-32", tmp_path / f"wrong.{form}", r"wrong\.")


@pytest.mark.parametrize("tower", [LITE_IMAGE_FILE, LITE_TEXT_FOLDER])
def test_lite_folder_with_a_tower_damaged_or_gone(lite_folder, tmp_path, tower):
    copy = shutil.copytree(lite_folder, tmp_path / "copy")
    file = copy / tower if tower == LITE_IMAGE_FILE else copy / tower / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    refused("lite", copy, rf"{file}: not weights of this model \(damaged, cut short")
    (copy / tower).rename(tmp_path / "gone")
    refused("lite", copy, f"expected a folder that holds {tower}")


@pytest.fixture
def asked(monkeypatch):
    """A question on the terminal fails the test."""
    monkeypatch.setattr("builtins.input", lambda prompt="": pytest.fail(prompt))


def with_code(text, **fields):
    """The text tower's config names code of a stranger."""
    (text / "evil.py").write_text(f"open({str(text / 'RAN')!r}, 'w')\nclass M: pass\nclass C: pass\n")
    config = json.loads((text / "config.json").read_text())
    auto_map = {"AutoConfig": "evil.C", "AutoModel": "evil.M"}
    (text / "config.json").write_text(json.dumps({**config, "auto_map": auto_map, **fields}))


TENSORS, PICKLED = "model.safetensors", r"pytorch_model\.bin: not weights .*a pickle .* could run code"
CODE = r"\(it asks for code of its own \(auto_map\), which is never run\)"
LITE_CASES = {
    "a config of unknown code": (lambda text: with_code(text, model_type="evil"), CODE),
    "code for a known config": (lambda text: with_code(text, model_type="rag"), "no model that transformers knows"),
    "an unknown type": (lambda text: (text / "config.json").write_text('{"model_type": "evil"}'), "model type `evil`"),
    "no config": (lambda text: (text / "config.json").unlink(), r"all-MiniLM-L6-v2: not weights .*config\.json"),
    "a broken config": (lambda text: (text / "config.json").write_text("{"), r"config\.json: not JSON"),
    "a deep config": (lambda text: (text / "config.json").write_text("[" * 10**5), r"config\.json: not JSON .*deep"),
    "no weights": (lambda text: (text / TENSORS).unlink(), r"model\.safetensors: not weights .*No such file"),
    "weights of a stranger": (lambda text: save_file({"w": torch.ones(2)}, text / TENSORS), r"\.weight is missing\)"),
    "a pickle": (lambda text: (text / TENSORS).rename(text / "pytorch_model.bin").write_bytes(pickled()), PICKLED),
    "no words": (lambda text: (text / "vocab.txt").unlink(), r"its tokenizer knows 5 words, its model 21"),
}  # fmt: skip


@pytest.mark.parametrize("case", LITE_CASES)
def test_lite_folder_of_somebody_else(lite_folder, tmp_path, asked, case):
    change, message = LITE_CASES[case]
    copy = shutil.copytree(lite_folder, tmp_path / "copy")
    change(copy / LITE_TEXT_FOLDER)
    refused("lite", copy, message)
    assert not list(tmp_path.rglob("RAN"))


def test_a_model_of_the_hub_that_asks_for_code(lite_folder, tmp_path, asked, monkeypatch):
    copy, config = shutil.copytree(lite_folder, tmp_path / "copy"), open_clip.get_model_config("rrsitr_lite")
    with_code(copy / LITE_TEXT_FOLDER, model_type="evil")
    config["text_cfg"]["hf_model_name"] = str(copy / LITE_TEXT_FOLDER)
    monkeypatch.setattr(open_clip, "get_model_config", lambda name: config)
    refused("lite", None, CODE)


def test_code_beside_a_model_that_is_known_is_left_alone(lite_folder, tmp_path, asked):
    copy = shutil.copytree(lite_folder, tmp_path / "copy")
    with_code(copy / LITE_TEXT_FOLDER)
    build_encoder("lite", str(copy))
    assert not list(tmp_path.rglob("RAN"))


@pytest.mark.parametrize("name", ["lite", "vit-b-32"])
def test_no_connection_says_what_to_do(monkeypatch, name):
    def offline(*_, **__):
        raise OSError("We couldn't connect to the hub\n\nand here are forty lines about it")

    monkeypatch.setattr(open_clip, "create_model", offline)
    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", offline)  # or it tries again for half a minute
    refused(name, None, "check the connection or give --weights a local path")
