"""One frozen, validated configuration determines a run; presets hold the paper's and the laptop's settings."""

import math
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rrsitr_lib.errors import InputError, complaint
from rrsitr_lib.files import fingerprint, read_json

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]

YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a study of thousands of seeds is read ten times faster
SPEED = {"workers", "store", "compile", "gradient_slice"}  # these change how fast, and the last bits at most
NO_RESULT = SPEED | {"device", "preset"}
NAMED_DATA = ("scenes", "rsitmd", "rsicd", "nwpu")

PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "tiny": {
        "epochs": 10, "learning_rate": 5e-4, "weight_decay": 0.1, "warmup_steps": 40, "clip_norm": 5.0,
        "pad_tokens": "masked", "augment": False,
    },
    "heads": {
        "epochs": 10, "learning_rate": 3e-4, "weight_decay": 0.1, "warmup_steps": 40, "clip_norm": 5.0,
        "pad_tokens": "masked", "augment": False, "plain_epochs": 4,
    },
}  # fmt: skip


class RunConfig(BaseModel):
    """Everything that a run depends on. The defaults are the paper's; ``build`` fills in what suits the encoder.

    >>> RunConfig.build(encoder="tiny", noise_rate=0.4).preset
    'tiny'

    Taught in: notebooks/06_training_end_to_end
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    preset: Literal["paper", "tiny", "heads"] = "paper"
    data: str = Field("scenes", description="scenes, rsitmd, rsicd, nwpu, or a folder with train, val, test tables")
    images: str | None = Field(None, description="folder of the pictures; not needed for scenes")
    scenes: int = Field(800, ge=40, le=100_000, description="drawn training scenes; val and test hold 100 each")
    scenes_seed: int = Field(0, ge=0, le=2**31, description="seed of the drawn world")
    encoder: Literal["tiny", "lite", "vit-b-32"] = "vit-b-32"
    weights: str | None = Field(
        None, description="weight file or folder; by default what the encoder's name stands for"
    )
    train: Literal["all", "heads"] = Field("all", description="all: both towers; heads: frozen towers, cached tokens")
    pad_tokens: Literal["paper", "masked"] = Field("paper", description="paper: padding counts in the local similarity")
    augment: bool = Field(True, description="open_clip's random crop in training; off: its evaluation transform")
    feature_width: int = Field(256, ge=0, le=4096, description="heads: PCA width of the cached tokens; 0 keeps all")

    noise_rate: Share = 0.0
    protocol: Literal["shuffle", "derangement", "image", "hard"] = "shuffle"
    noise_seed: int = Field(42, ge=0, lt=2**32)
    noise_file: str | None = Field(None, description="injected noise to use instead (.npz of ours, .npy index form)")

    method: Literal["contrastive", "rrsitr", "oracle"] = Field(
        "rrsitr", description="contrastive: every pair counts; oracle: only those that are truly no mismatch"
    )
    local_loss: bool = Field(True, description="off: no local cross-entropies, and chance level is 2 ln B")
    self_paced: bool = Field(True, description="off: clean and ambiguous pairs count fully")
    weight_order: Literal["easy", "hard", "random"] = Field(
        "easy", description="self-paced: which pairs count most; hard and random are the paper's ablation"
    )
    triplet: Literal["dynamic", "fixed", "off"] = Field("dynamic", description="margin of noisy pairs, or no loss")
    gamma_1: float = Field(5.0, ge=0, description="clean below; in gamma_unit")
    gamma_2: Positive = Field(18.0, description="noisy from here on; in gamma_unit")
    gamma_unit: Literal["loss", "chance"] = Field("loss", description="loss: absolute; chance: shares of 4 ln B")
    gamma_schedule: Literal["constant", "linear", "cosine", "geometric", "quantile"] = "constant"
    gamma_start: Positive = Field(0.5, description="schedules begin at this multiple of the gammas, and end at 1")
    partition: Literal["threshold", "quantile", "gmm2", "gmm3"] = "threshold"
    clean_share: Share = Field(0.5, description="quantile partition and schedule: share of pairs called clean")
    noisy_share: Share = Field(0.3, description="quantile partition and schedule: share of pairs called noisy")
    lambda_1: float = Field(0.8, ge=0, description="factor of ambiguous pairs")
    lambda_2: float = Field(0.9, ge=0, description="factor of noisy pairs")
    sigma: float = Field(0.6, ge=0, description="base margin, in cosine units")
    scale: Positive = Field(math.exp(2.996), description="frozen temperature, exp(2.996)")
    local_share: Share = Field(0.1, description="share of the local similarity in the evaluation score")
    plain_epochs: int = Field(0, ge=0, description="epochs of plain contrastive training before the method starts")

    epochs: int = Field(50, ge=1, le=100_000)
    batch_size: int = Field(100, ge=2, le=1_000_000)
    learning_rate: Positive = 7e-6
    weight_decay: float = Field(0.7, ge=0)
    warmup_steps: int = Field(200, ge=0)
    clip_norm: Positive = Field(50.0, description="largest gradient norm")
    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description="auto: bfloat16 on a GPU that has it")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    workers: int = Field(0, ge=0, le=256, description="processes that decode pictures")
    store: bool = Field(False, description="decode every picture once, transform on the device")
    compile: bool = Field(False, description="compile the towers; pays on a GPU with many steps")
    gradient_slice: int = Field(0, ge=0, description="pairs encoded at once, for batches beyond memory; 0: all")
    seed: int = Field(3, ge=0, lt=2**31)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.gamma_1 > self.gamma_2:
            raise ValueError(f"gamma_1 is {self.gamma_1}, above gamma_2 {self.gamma_2}: allowed is gamma_1 <= gamma_2")
        if self.clean_share + self.noisy_share > 1:
            raise ValueError(f"clean_share {self.clean_share} and noisy_share {self.noisy_share} are over 1 together")
        if self.data not in NAMED_DATA and not _is_folder(self.data):
            raise ValueError(f"data is {self.data!r}: allowed are {', '.join(NAMED_DATA)}, or a folder that exists")
        if self.data != "scenes" and self.images is None:
            raise ValueError(f"data is {self.data!r}, so images must name the folder of its pictures")
        return self

    @classmethod
    def build(cls, **given: Any) -> Self:
        """A configuration from what is given and, for the rest, the preset that suits the encoder.

        Raises ``InputError`` naming the field, its value and what is allowed; unknown fields are errors too.
        """
        if "data" in given and given.get("images") is None and _is_folder(f"{given['data']}/images"):
            given["images"] = str(Path(given["data"]) / "images")
        preset = given.get("preset")
        if preset is None:
            preset = "heads" if given.get("train") == "heads" else "tiny" if given.get("encoder") == "tiny" else "paper"
        try:
            return cls(**{**(PRESETS.get(preset, {}) if isinstance(preset, str) else {}), **given, "preset": preset})
        except ValidationError as error:
            unknown = sorted(map(str, given.keys() - cls.model_fields.keys()))
            if unknown:
                raise InputError(f"unknown field {unknown[0]!r}: known are {', '.join(cls.model_fields)}") from None
            raise InputError(complaint(error)) from None

    @classmethod
    def read(cls, path: str | Path, elsewhere: bool = False) -> Self:
        """Read a JSON or YAML file of fields; ``elsewhere``: the data may lie on another machine.

        Raises ``InputError`` naming the file.
        """
        fields = {str(name): value for name, value in cls.fields_of(path).items()}
        data = fields.get("data", "scenes")
        if elsewhere and not isinstance(data, str):
            raise InputError(f"{path}: data is {data!r}: expected a name or a folder")
        try:
            if elsewhere:
                return cls.build(**{**fields, "data": "scenes"}).model_copy(update={"data": data})
            return cls.build(**fields)
        except InputError as error:
            raise InputError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None

    @staticmethod
    def fields_of(path: str | Path) -> dict[str, Any]:
        """The fields that a JSON or YAML file holds, not validated yet."""
        path = Path(path)
        if path.suffix in (".yaml", ".yml"):
            try:
                fields = yaml.load(path.read_text(encoding="utf-8"), YAML_LOADER)
            except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
                raise InputError(f"{path}: not readable YAML ({' '.join(str(error).split())})") from None
        else:
            fields = read_json(path)
        if not isinstance(fields, dict):
            raise InputError(f"{path}: expected a mapping of fields, got {type(fields).__name__}")
        return fields

    def to_yaml(self) -> str:
        """All fields as YAML, in the order of this class."""
        return yaml.safe_dump(self.model_dump(), sort_keys=False)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all fields that can change a result by more than rounding: all but preset, device and speed."""
        return fingerprint(self.model_dump_json(exclude=NO_RESULT))


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):  # too long a name, or a NUL in it
        return False
