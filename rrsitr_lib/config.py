"""One frozen, validated configuration determines a run; presets hold the paper's and the laptop's settings.

What a method needs beside this are its own settings (``rrsitr_lib.methods``); they are given, written and read like
fields of the run: ``RunConfig.build(method="rrsitr", gamma_2=15)``, ``config.gamma_2``.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from rrsitr_lib.errors import InputError, describe_error
from rrsitr_lib.files import fingerprint, read_json
from rrsitr_lib.registry import DATASETS, ENCODERS, METHODS, PROTOCOLS, Registry
from rrsitr_lib.strict_model import StrictModel
from rrsitr_lib.yaml_text import read_yaml

if TYPE_CHECKING:
    from rrsitr_lib.methods import Settings

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]

# these change how fast, and the last bits at most
SPEED = {"workers", "store", "compile", "gradient_slice", "checkpoint_minutes"}
ANY_TIME = {"workers", "checkpoint_minutes"}  # these may be others when a run goes on
NO_RESULT = SPEED | {"device", "preset"}
PATHS = ("data", "images", "validation", "weights", "noise_file")  # fields that may be paths
IDENTITY = 3  # of a run: what differs from its default is hashed; another number where defaults or weights mean else

TINY = ("tiny", "tiny-strong")  # encoders for which the preset ``tiny`` is made
PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "tiny": {
        "epochs": 10, "learning_rate": 5e-4, "weight_decay": 0.1, "warmup_steps": 40, "clip_norm": 5.0,
        "pad_tokens": "masked", "augment": False,
    },
    "heads": {
        "epochs": 10, "learning_rate": 3e-4, "weight_decay": 0.1, "warmup_steps": 40, "clip_norm": 5.0,
        "pad_tokens": "masked", "augment": False, "warmup_fraction": 0.4,
    },
}  # fmt: skip


def _by_name(default: str, registry: Registry[Any]) -> Any:
    """A field that holds a name of a registry; the schema for editors lists the names."""
    return Field(
        default, description=f"{registry.what} by name", json_schema_extra=lambda it: it.update(enum=[*registry])
    )


class RunConfig(StrictModel):
    """Everything that a run depends on. The defaults are the paper's; ``build`` fills in what suits the encoder.

    >>> RunConfig.build(encoder="tiny", noise_rate=0.4).preset
    'tiny'
    >>> RunConfig.build(method="rrsitr", gamma_2=15).settings
    {'gamma_2': 15.0}
    """

    preset: Literal["paper", "tiny", "heads"] = "paper"
    data: str = Field(
        "scenes",
        description="a data set by name, a folder of train, val, test tables, or shards DIR/{0000..0499}.tar",
    )
    images: str | None = Field(None, description="folder of the images; not needed for scenes")
    validation: str | None = Field(None, description="shards: folder of the val and test tables; by default their own")
    shard_window: int = Field(8, ge=1, le=100_000, description="shards: how many are read and shuffled together")
    scenes: int = Field(1600, ge=40, le=100_000, description="drawn training scenes; val and test hold 100 and 200")
    scenes_seed: int = Field(0, ge=0, le=2**31, description="seed of the drawn world")
    bad: Literal["fatal", "skip"] = Field("fatal", description="unusable images; skip leaves their pairs out")
    encoder: str = _by_name("vit-b-32", ENCODERS)
    weights: str | None = Field(
        None, description="weight file or folder; by default what the encoder's name stands for"
    )
    train: Literal["all", "heads"] = Field("all", description="all: both towers; heads: frozen towers, cached tokens")
    pad_tokens: Literal["paper", "masked"] = Field("paper", description="paper: padding counts in the local similarity")
    augment: bool = Field(True, description="open_clip's random crop in training; off: its evaluation transform")
    feature_width: int = Field(256, ge=0, le=4096, description="heads: PCA width of the cached tokens; 0 keeps all")
    head_features: int = Field(256, ge=1, le=4096, description="heads: width of what they make of a token")
    image_grid: int = Field(0, ge=0, le=64, description="heads: an image's tokens, averaged to a grid; 0 keeps all")

    noise_rate: Fraction = 0.0
    protocol: str = _by_name("shuffle", PROTOCOLS)
    noise_seed: int = Field(42, ge=0, lt=2**32)
    noise_file: str | None = Field(None, description="injected noise to use instead (.npz of ours, .npy index form)")

    method: str = _by_name("rrsitr", METHODS)
    settings: dict[str, Any] = Field({}, description="the method's own settings, those that differ from its defaults")
    warmup_fraction: float = Field(0.0, ge=0, lt=1, description="of the epochs: contrastive, before the method starts")
    local_fraction: Fraction = Field(0.1, description="of the local similarity in the evaluation score")

    epochs: int = Field(50, ge=1, le=100_000)
    batch_size: int = Field(100, ge=2, le=1_000_000)
    learning_rate: Positive = 7e-6
    weight_decay: float = Field(0.7, ge=0)
    warmup_steps: int = Field(200, ge=0, description="steps of the learning rate's linear rise")
    clip_norm: Positive = Field(50.0, description="largest gradient norm")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="auto: bfloat16 on a GPU that has it, float16 on another, float32 on a CPU"
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"
    workers: Literal["auto"] | Annotated[int, Field(ge=0, le=256)] = Field(
        "auto", description="processes that decode images; auto: up to 8 where a GPU would wait for them"
    )
    store: Literal["auto"] | bool = Field(
        "auto", description="decode every image once, transform on the device; auto: on a GPU"
    )
    compile: bool = Field(False, description="compile the towers; pays on a GPU with many steps")
    checkpoint_minutes: float = Field(
        10, gt=0, description="the longest that a run which is cut off within an epoch loses"
    )
    gradient_slice: int = Field(0, ge=0, description="pairs encoded at once, for batches beyond memory; 0: all")
    seed: int = Field(3, ge=0, lt=2**31)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for registry, name in ((ENCODERS, self.encoder), (PROTOCOLS, self.protocol), (METHODS, self.method)):
            registry.check(name)
        shards = is_shards(self.data) and _is_folder(str(Path(self.data).parent))
        if self.data not in DATASETS and not shards and not _is_folder(self.data):
            allowed = f"{', '.join(DATASETS)}, a folder that exists, or shards"
            raise ValueError(f"data is {self.data!r}: allowed are {allowed}")
        if shards and (self.train == "heads" or self.store is True):
            field = "train 'heads'" if self.train == "heads" else "store true"
            raise ValueError(f"{field} keeps all images at hand: it does not go with shards")
        drawn = self.data == type(self).model_fields["data"].default  # known without the import that asking it costs
        if self.images is None and not drawn and (self.data not in DATASETS or DATASETS[self.data].needs_images):
            raise ValueError(f"data is {self.data!r}, so images must name the folder of its images")
        if self.settings:
            _ = self.method_settings
        return self

    @classmethod
    def build(cls, /, **given: Any) -> Self:
        """A configuration from what is given and, for the rest, the preset that suits the encoder.

        Fields of the run and settings of its method stand side by side. Raises ``InputError`` naming the field, its
        value and what is allowed; unknown fields are errors too.
        """
        if "data" in given and given.get("images") is None:
            given["images"] = images_beside(str(given["data"]), given.get("validation"))
        preset = given.get("preset")
        if preset is None:
            preset = "heads" if given.get("train") == "heads" else "tiny" if given.get("encoder") in TINY else "paper"
        own = {name: given.pop(name) for name in list(given) if name not in cls.model_fields}
        method, nested = given.get("method", cls.model_fields["method"].default), given.get("settings") or {}
        try:
            if (own or nested) and isinstance(method, str) and isinstance(nested, dict):
                given["settings"] = cls._settings_of(method, own, nested)
            return cls(**{**(PRESETS.get(preset, {}) if isinstance(preset, str) else {}), **given, "preset": preset})
        except ValidationError as error:
            raise InputError(describe_error(error)) from None

    @classmethod
    def _settings_of(cls, method: str, own: dict[str, Any], nested: dict[str, Any]) -> dict[str, Any]:
        """The settings that differ from the method's defaults, validated."""
        METHODS.check(method)
        known = METHODS[method].Settings
        for name in own | nested:
            if name not in known.model_fields:
                fields = ", ".join(name for name in cls.model_fields if name != "settings")
                settings = ", ".join(known.model_fields)
                raise InputError(f"unknown field {name!r}: known are {fields}, and of method {method} {settings}")
        return known(**(nested | own)).model_dump(exclude_defaults=True)

    @property
    def method_settings(self) -> "Settings":
        """All settings of the method, its defaults included."""
        return METHODS[self.method].Settings(**self.settings)

    if not TYPE_CHECKING:  # typed code reads ``method_settings``

        def __getattr__(self, name: str) -> Any:
            """Settings of the method read like fields of the run."""
            if not name.startswith("_") and name in METHODS[self.method].Settings.model_fields:
                return getattr(self.method_settings, name)
            return super().__getattr__(name)

    def flat(self) -> dict[str, Any]:
        """All fields, with the method's settings among them instead of ``settings``: what ``build`` takes."""
        fields = self.model_dump(exclude={"settings"})
        return fields | self.method_settings.model_dump()

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
        fields = read_yaml(path) if path.suffix in (".yaml", ".yml") else read_json(path)
        if not isinstance(fields, dict):
            raise InputError(f"{path}: expected a mapping of fields, got {type(fields).__name__}")
        return fields

    def to_yaml(self) -> str:
        """All fields and settings as YAML, in the order of their classes."""
        return yaml.safe_dump(self.flat(), sort_keys=False)

    @property
    def plain_epochs(self) -> int:
        """First epochs, trained plainly, before the method starts."""
        return round(self.warmup_fraction * self.epochs)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over what differs from its default and can change a result: all but preset, device and speed.

        A field or a method's setting that is new, with a default that changes nothing, leaves every run its name.
        """
        changed = self.model_dump(mode="json", exclude=NO_RESULT, exclude_defaults=True)
        return fingerprint(f"identity {IDENTITY}", json.dumps(changed, sort_keys=True))


def is_shards(source: str | Path) -> bool:
    """Whether a source is named as shards are: by a name or pattern that ends in .tar."""
    return str(source).endswith(".tar")


def images_beside(data: str | Path, validation: str | Path | None = None) -> str | None:
    """The folder ``images`` of a folder of tables; of shards the one beside them, or beside the validation tables."""
    above = validation or (Path(data).parent if is_shards(data) else data)
    return str(Path(f"{above}/images")) if _is_folder(f"{above}/images") else None


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):  # too long a name, or a NUL in it
        return False
