"""One configuration determines a run: presets, files, limits, and a fingerprint of what can change a result."""

import json
import subprocess
import sys

import pytest
import yaml
from pydantic import ValidationError

from rrsitr_lib.config import PRESETS, RunConfig
from rrsitr_lib.errors import InputError

WHERE_AND_HOW_FAST = {"device": "cpu", "workers": 3, "store": True, "compile": True, "gradient_slice": 7,
                      "checkpoint_minutes": 1}  # fmt: skip
OTHER_RESULT = {
    "bad": "skip", "scenes": 900, "scenes_seed": 1, "encoder": "lite", "weights": "none", "train": "heads",
    "pad_tokens": "masked",
    "augment": False, "feature_width": 64, "head_features": 64, "image_grid": 2,
    "noise_rate": 0.2, "protocol": "hard", "noise_seed": 1, "method":
    "contrastive", "gamma_1": 4.0, "gamma_2": 19.0, "gamma_unit": "chance", "gamma_schedule": "linear",
    "gamma_start": 0.4, "partition": "gmm2", "clean_fraction": 0.4, "noisy_fraction": 0.2, "lambda_1": 0.7,
    "lambda_2": 0.8,
    "sigma": 0.5, "scale": 10.0, "local_fraction": 0.2, "warmup_fraction": 0.1, "epochs": 9, "batch_size": 64,
    "learning_rate": 1e-4, "weight_decay": 0.2, "warmup_steps": 1, "clip_norm": 1.0, "precision": "float32", "seed": 13,
    "local_loss": False, "self_paced": False, "triplet": "fixed", "weight_order": "hard",
    "pace": "linear", "shard_window": 2,
}  # fmt: skip


def test_defaults_are_the_paper_s():
    config = RunConfig.build()
    paper = {
        "preset": "paper", "encoder": "vit-b-32", "learning_rate": 7e-6, "weight_decay": 0.7, "batch_size": 100,
        "epochs": 50, "warmup_steps": 200, "clip_norm": 50.0, "gamma_1": 5.0, "gamma_2": 18.0, "lambda_1": 0.8,
        "lambda_2": 0.9, "sigma": 0.6, "local_fraction": 0.1, "pad_tokens": "paper", "noise_seed": 42,
        "method": "rrsitr",
        "local_loss": True, "self_paced": True, "triplet": "dynamic", "weight_order": "easy", "pace": "cosine",
        "warmup_fraction": 0.0, "augment": True, "train": "all", "protocol": "shuffle",
    }  # fmt: skip
    assert {name: getattr(config, name) for name in paper} == paper
    assert config.scale == pytest.approx(20.00535, abs=1e-5)


@pytest.mark.parametrize(
    ("given", "preset"),
    [
        ({}, "paper"), ({"encoder": "lite"}, "paper"), ({"encoder": "tiny"}, "tiny"),
        ({"encoder": "lite", "train": "heads"}, "heads"), ({"encoder": "tiny", "train": "heads"}, "heads"),
        ({"encoder": "tiny", "preset": "paper"}, "paper"),
    ],
)  # fmt: skip
def test_preset_suits_the_encoder(given, preset):
    config = RunConfig.build(**given)
    assert config.preset == preset
    assert {name: getattr(config, name) for name in PRESETS[preset]} == PRESETS[preset]


def test_what_is_given_beats_the_preset():
    config = RunConfig.build(encoder="tiny", epochs=3, learning_rate=1.0)
    assert (config.epochs, config.learning_rate, config.clip_norm) == (3, 1.0, PRESETS["tiny"]["clip_norm"])


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("form", ["yaml", "yml", "json"])
def test_round_trip_through_a_file(tmp_path, preset, form):
    config = RunConfig.build(preset=preset, noise_rate=0.4, seed=13, learning_rate=1e-5)
    path = tmp_path / f"config.{form}"
    path.write_text(json.dumps(config.flat()) if form == "json" else config.to_yaml())
    read = RunConfig.read(path)
    assert read == config and read.fingerprint == config.fingerprint
    assert yaml.safe_load(config.to_yaml()) == config.flat()


def test_a_file_of_few_fields_takes_the_rest_from_the_preset(tmp_path):
    (tmp_path / "few.yaml").write_text("encoder: tiny\nnoise_rate: 0.6\nlearning_rate: 1e-3\n")
    assert RunConfig.read(tmp_path / "few.yaml") == RunConfig.build(encoder="tiny", noise_rate=0.6, learning_rate=1e-3)


def test_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        RunConfig.build().seed = 4


OUT_OF_RANGE = {
    "noise_rate": (-0.1, 1.01, float("nan"), "much", None), "scenes": (39, 100_001, 50.5), "scenes_seed": (-1,),
    "feature_width": (-1, 4097), "head_features": (0, 4097), "image_grid": (-1, 65),
    "noise_seed": (-1, 2**32), "gamma_1": (-0.1, float("inf")), "gamma_2": (0, -1),
    "gamma_start": (0,), "clean_fraction": (1.1,), "noisy_fraction": (-1,), "lambda_1": (-1,), "lambda_2": (-1,),
    "sigma": (-0.1,), "scale": (0, float("inf")), "local_fraction": (1.5,), "warmup_fraction": (-0.1, 1.0),
    "epochs": (0, 2.5),
    "batch_size": (1, 0, -5), "learning_rate": (0, -1e-3), "weight_decay": (-1,), "warmup_steps": (-1,),
    "clip_norm": (0,), "workers": (-1, 257), "seed": (-1, 2**31), "encoder": ("resnet", None, 3),
    "method": ("plain",), "local_loss": ("perhaps",),
    "self_paced": (2,), "triplet": ("none",), "weight_order": ("hardest",), "pace": ("sigmoid",),
    "protocol": ("swap",), "partition": ("kmeans",), "gamma_unit": ("nats",), "gamma_schedule": ("step",),
    "pad_tokens": ("none",), "precision": ("double",), "device": ("tpu",), "preset": ("laptop",),
    "augment": ("maybe",), "train": ("text",), "store": ("x",),
    "compile": (2,), "checkpoint_minutes": (0, -1), "shard_window": (0, 1.5), "gradient_slice": (-1,), "weights": (3,),
    "noise_file": (3,),
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in OUT_OF_RANGE.items() for value in values]
)
def test_out_of_range_names_field_and_value(field, value):
    with pytest.raises(InputError) as caught:
        RunConfig.build(**{field: value})
    message = str(caught.value)
    assert message.startswith(f"{field} is {value!r}: ") and "\n" not in message and len(message) < 300


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gamma_1": 19}, r"gamma_1 is 19\.0, above gamma_2 18\.0: allowed is gamma_1 <= gamma_2"),
        ({"clean_fraction": 0.8}, r"clean_fraction 0\.8 and noisy_fraction 0\.3 are over 1 together"),
        ({"data": "moon"}, r"data is 'moon': allowed are scenes, rsitmd, rsicd, nwpu, a folder that exists, or shards"),
        ({"data": "rsicd"}, r"data is 'rsicd', so images must name the folder of its images"),
    ],
)
def test_fields_that_contradict_each_other(given, message):
    with pytest.raises(InputError, match=f"^{message}$"):
        RunConfig.build(**given)


@pytest.mark.parametrize(("field", "value"), [
    *((name, value) for name in ("seed", "epochs", "workers", "noise_seed") for value in (True, "3", 3.0)),
    *((name, value) for name in ("augment", "compile", "local_loss", "store") for value in (1, 0, "true")),
    *((name, value) for name in ("gamma_1", "gamma_2", "sigma", "scale", "lambda_1", "learning_rate", "weight_decay")
      for value in (True, "0.5", 1e-300, 1e-39, 3.5e38, 10**400, float("inf"), float("nan"))),
    *((name, value) for name in ("data", "images", "weights", "noise_file")
      for value in ("a\0b", "a\x1b[31m", "\ud800")),
    ("settings", [1]), ("settings", "x"), ("method", ["rrsitr"]), ("method", None),
])  # fmt: skip
def test_a_value_of_another_kind_or_size_is_refused(field, value):
    with pytest.raises(InputError, match=rf"^{field}(\.\w+)? is "):
        RunConfig.build(**{field: value})


def test_whole_numbers_are_real_numbers_and_what_float32_holds_is_taken():
    assert repr(RunConfig.build(gamma_2=15).gamma_2) == "15.0"
    assert RunConfig.build(gamma_1=0, gamma_2=1.2e-38, sigma=0).sigma == 0


def test_equal_gammas_and_whole_shares_are_allowed():
    assert RunConfig.build(gamma_1=18).gamma_1 == 18
    assert RunConfig.build(clean_fraction=0.7, noisy_fraction=0.3).clean_fraction == 0.7


def test_a_folder_brings_its_own_pictures(tmp_path):
    with pytest.raises(InputError, match="images must name the folder"):
        RunConfig.build(data=str(tmp_path))
    (tmp_path / "images").mkdir()
    assert RunConfig.build(data=str(tmp_path)).images == str(tmp_path / "images")
    assert RunConfig.build(data=str(tmp_path), images="other").images == "other"


@pytest.mark.parametrize("field", OTHER_RESULT)
def test_fingerprint_changes_with_what_can_change_a_result(field):
    base = RunConfig.build(preset="paper")
    changed = RunConfig.build(preset="paper", **{field: OTHER_RESULT[field]})
    assert getattr(base, field) != getattr(changed, field)
    assert base.fingerprint != changed.fingerprint


@pytest.mark.parametrize("field", WHERE_AND_HOW_FAST)
def test_fingerprint_ignores_where_and_how_fast(field):
    assert RunConfig.build().fingerprint == RunConfig.build(**{field: WHERE_AND_HOW_FAST[field]}).fingerprint


def test_every_field_is_covered_here():
    """A new field must say whether it can change a result."""
    elsewhere = {"preset", "data", "images", "validation", "noise_file"}
    assert set(RunConfig.build().flat()) == set(OTHER_RESULT) | set(WHERE_AND_HOW_FAST) | elsewhere


def test_a_new_field_names_no_old_run_anew():
    class Later(RunConfig):
        """A later version: a field more, with the default that changes nothing."""

        novelty: float = 0.0

    given = {"encoder": "tiny", "noise_rate": 0.4, "gamma_2": 15}
    assert Later.build(**given).fingerprint == RunConfig.build(**given).fingerprint
    assert Later.build(**given, novelty=1).fingerprint != RunConfig.build(**given).fingerprint


# --- settings of the method ---


def test_settings_of_the_method_are_given_and_read_like_fields():
    config = RunConfig.build(method="rrsitr", gamma_2=15, lambda_1=0.8)
    assert config.settings == {"gamma_2": 15.0}, "a setting at its default is none"
    assert (config.gamma_2, config.lambda_1, config.method_settings.sigma) == (15.0, 0.8, 0.6)
    assert RunConfig.build(settings={"gamma_2": 15}) == config == RunConfig.build(**config.flat())
    assert config.fingerprint != RunConfig.build().fingerprint
    with pytest.raises(AttributeError):
        _ = config.margin


def test_a_method_refuses_the_settings_of_another():
    assert RunConfig.build(method="ncr", margin=0.3).margin == 0.3
    with pytest.raises(InputError, match=r"unknown field 'margin': known are preset, .*of method rrsitr local_loss"):
        RunConfig.build(method="rrsitr", margin=0.3)
    with pytest.raises(InputError, match=r"margin is -1: allowed is a value greater than or equal to 0"):
        RunConfig.build(method="ncr", margin=-1)


def test_names_and_their_check_wait_for_no_torch():
    code = "import sys; from rrsitr_lib.config import RunConfig; RunConfig.build(encoder='tiny', method='ncr')"
    found = subprocess.run([sys.executable, "-c", f"{code}; print('torch' in sys.modules)"], capture_output=True)
    assert found.stdout.strip() == b"False", found.stderr


def test_a_configuration_of_another_machine_is_read_where_its_data_are_not(tmp_path):
    path, gone = tmp_path / "config.yaml", tmp_path / "gone"
    path.write_text(f"data: {gone}\nepochs: 3\n", encoding="utf-8")
    with pytest.raises(InputError, match="data is"):
        RunConfig.read(path)
    config = RunConfig.read(path, elsewhere=True)
    assert (config.data, config.epochs) == (str(gone), 3)
    path.write_text("data: [1]\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"data is \[1\]: expected a name or a folder"):
        RunConfig.read(path, elsewhere=True)
