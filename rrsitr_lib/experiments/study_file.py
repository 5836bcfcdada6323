"""A study is a YAML file: grids of runs, each with fixed fields, axes that are combined, and named variants.

``plan`` turns it into trials, one configuration each, named by its fingerprint, so that equal runs are one trial.
"""

import itertools
import math
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from rrsitr_lib.config import IDENTITY, RunConfig
from rrsitr_lib.errors import InputError, describe_error
from rrsitr_lib.experiments.study_folder import DIGITS, STUDY_FILE, refuse_earlier
from rrsitr_lib.files import write_text
from rrsitr_lib.registry import METHODS

PRESET_FILES = {Path(str(file)).stem: Path(str(file)) for file in (files(__package__) / "presets").iterdir()}
PRESETS = tuple(sorted(PRESET_FILES))
NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
MOST_RUNS = 100_000
Model = TypeVar("Model", bound=BaseModel)
# the value on an axis of any other field stands in the name of the variant
NAMED = {"data", "images", "encoder", "weights", "train", "method", "protocol", "noise_rate", "noise_seed", "seed"}


def read_model(model: type[Model], path: str | Path, shown: str = "") -> Model:
    """A YAML file as ``model``. Raises ``InputError`` naming the file (as ``shown``), the field and what is allowed."""
    try:
        return model.model_validate({str(name): value for name, value in RunConfig.fields_of(path).items()})
    except ValidationError as error:
        raise InputError(f"{shown or path}: {describe_error(error)}") from None


class Grid(BaseModel):
    """Runs that share ``fix`` and take every combination of the values in ``axes``, each in every variant.

    A value of an axis is a value of the field that the axis is named after, or a mapping of several fields that change
    together (``{data: rsicd, images: data/rsicd}``).
    """

    model_config = ConfigDict(extra="forbid")

    fix: dict[str, Any] = Field({}, description="fields of a run that are equal in all runs of this grid")
    axes: dict[str, list[Any]] = Field({}, description="field -> its values; a value may be a mapping of fields")
    variants: dict[str, dict[str, Any]] = Field(
        {}, description="name -> the fields it changes; without variants the grid is run once"
    )

    @field_validator("axes")
    @classmethod
    def _has_values(cls, axes: dict[str, list[Any]]) -> dict[str, list[Any]]:
        for name, values in axes.items():
            if not values:
                raise ValueError(f"axis {name} has no values: allowed are one or more")
            if not is_field(name) and not all(isinstance(value, dict) for value in values):
                raise ValueError(f"axis {name} is no field of a run: its values must be mappings of fields")
            for field in (key for value in values if isinstance(value, dict) for key in value):
                if not isinstance(field, str):
                    raise ValueError(f"axis {name} names a field {field!r}: allowed are names")
        return axes

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        runs = math.prod(map(len, self.axes.values())) * max(1, len(self.variants))
        if runs > MOST_RUNS:
            raise ValueError(f"a grid of {runs:,} runs: allowed are {MOST_RUNS:,}")
        return self


class Study(BaseModel):
    """A named set of runs. The name is the folder below the folder of runs.

    >>> Study(name="two", runs=[Grid(axes={"method": ["contrastive", "rrsitr"]})]).name
    'two'
    """

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=NAME, description="name of the study's folder")]
    title: str = Field("", description="one line on what the study asks")
    runs: list[Grid] = Field(min_length=1, description="grids; a run that two of them name is trained once")
    limit_minutes: float | None = Field(
        None, gt=0, le=1e6, strict=True, description="a run that takes longer is ended and counts as failed"
    )
    processes: int = Field(
        1, ge=1, le=64, strict=True, description="of each run, by torchrun; one a GPU where there are GPUs"
    )
    identity: int | None = Field(
        None, strict=True, description="in a study's folder: the rule by which its trials are named"
    )

    @classmethod
    def read(cls, source: str | Path, fixed: dict[str, Any] | None = None) -> Self:
        """A preset by its name, a YAML file, or the folder of a study; ``fixed`` overrides fields of every run.

        Raises ``InputError`` naming the file, the place in it, the value and what is allowed.
        """
        preset = PRESET_FILES.get(source) if isinstance(source, str) else None  # a path is never a preset
        path = preset or Path(source)
        is_folder = path.is_dir() and (path / STUDY_FILE).is_file()
        if is_folder:
            refuse_earlier(path)
            path = path / STUDY_FILE
        if not path.is_file():
            known = ", ".join(PRESETS)
            raise InputError(f"{source}: no study there: allowed are {known}, a YAML file, a study's folder")
        study = read_model(cls, path, f"{Path(source).resolve().name}/{path.name}" if is_folder else path.name)
        if is_folder:  # it may have been renamed
            name = Path(source).resolve().name
            if not re.fullmatch(NAME, name):
                raise InputError(
                    f"{source}: a study's folder cannot be named {name!r}: allowed are letters, digits, - and _"
                )
            study = study.model_copy(update={"name": name})
        return study.with_fixed(fixed or {})

    def with_fixed(self, fields: dict[str, Any]) -> Self:
        """The same study with these fields in every run; an axis of that name is replaced.

        Raises ``InputError`` for a field that runs do not have.
        """
        for name in fields:
            if not is_field(name):
                raise InputError(f"unknown field {name!r}: known are {', '.join(known_fields())}")
        if not fields:
            return self
        grids = []
        for grid in self.runs:
            axes = {name: values for name, values in grid.axes.items() if name not in fields}
            grids.append(grid.model_copy(update={"fix": grid.fix | fields, "axes": axes}))
        return self.model_copy(update={"runs": grids})

    def save(self, folder: str | Path) -> Path:
        """Write ``study.yaml`` into the study's folder, so that later commands need only the folder."""
        content = self.model_dump(exclude_defaults=True) | {"identity": IDENTITY}
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        return write_text(Path(folder) / STUDY_FILE, text)


class Trial(NamedTuple):
    """One run of a study. ``name``: the first digits of the configuration's fingerprint; ``variant``: what it is called
    in the study file, or the fields of its own that an axis gave it, else empty."""

    name: str
    config: RunConfig
    variant: str


def plan(study: Study) -> list[Trial]:
    """All trials of a study in the order of its file; a configuration that comes twice is one trial, the first.

    Raises ``InputError`` naming the grid and the combination that is no valid configuration, or whose batches do not
    divide among the study's processes.

    >>> study = Study(name="x", runs=[Grid(fix={"encoder": "tiny"}, axes={"seed": [3, 13], "noise_rate": [0.4]})])
    >>> [(trial.config.seed, len(trial.name)) for trial in plan(study)]
    [(3, 16), (13, 16)]
    """
    trials: dict[str, Trial] = {}
    for number, grid in enumerate(study.runs, 1):
        for fields, variant in _combinations(grid):
            try:
                config = RunConfig.build(**fields)
                _check_divides(config.batch_size, study.processes)
            except InputError as error:
                given = ", ".join(f"{name}={value}" for name, value in fields.items())[:200]
                raise InputError(f"study {study.name}, grid {number}, {given}: {error}") from None
            name = config.fingerprint[:DIGITS]
            trials.setdefault(name, Trial(name, config, variant))
    return list(trials.values())


def _check_divides(batch_size: int, processes: int) -> None:
    if batch_size % processes:
        raise InputError(f"batch_size is {batch_size}: with processes {processes} allowed are multiples of {processes}")


def _combinations(grid: Grid) -> Iterator[tuple[dict[str, Any], str]]:
    for variant, changed in (grid.variants or {"": {}}).items():
        for values in itertools.product(*grid.axes.values()):
            fields, own = dict(grid.fix), []
            for axis, value in zip(grid.axes, values, strict=True):
                fields |= value if isinstance(value, dict) else {axis: value}
                own += [] if axis in NAMED or isinstance(value, dict) else [f"{axis}={value}"]
            yield fields | changed, one_line(", ".join([variant, *own] if variant else own))


def one_line(text: str) -> str:
    """Words as tables, figures and terminals can show them: no line break, no control character."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def is_field(name: str) -> bool:
    """Whether a run or the settings of a method have a field of this name."""
    return name in RunConfig.model_fields or name in known_fields()  # the methods are only loaded where they are asked


def known_fields() -> dict[str, Any]:
    """Fields of a run and settings of any method, with their JSON schemas."""
    fields: dict[str, Any] = {}
    for model in (*(method.Settings for method in METHODS.values()), RunConfig):
        fields |= model.model_json_schema()["properties"]
    return {name: {key: value for key, value in about.items() if key != "title"} for name, about in fields.items()}


def schema() -> dict[str, Any]:
    """JSON schema of a study file, for editors; the fields of a run stand in it with their ranges."""
    found = Study.model_json_schema()
    fields = {"properties": known_fields(), "additionalProperties": False}
    grid = found["$defs"]["Grid"]["properties"]
    grid["fix"] |= fields
    grid["variants"]["additionalProperties"] = {"type": "object", **fields}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
