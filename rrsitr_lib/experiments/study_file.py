"""A study is a YAML file: grids of runs, each with fixed fields, axes that are combined, and named variants."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError, describe_error
from rrsitr_lib.files import write_text
from rrsitr_lib.registry import METHODS

PRESETS = ("laptop", "paper", "real-small")
STUDY_FILE = "study.yaml"
NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"


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
        return axes


class Study(BaseModel):
    """A named set of runs. The name is the folder below the folder of runs.

    >>> Study(name="two", runs=[Grid(axes={"method": ["contrastive", "rrsitr"]})]).name
    'two'

    Taught in: notebooks/09_reproduction
    """

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=NAME, description="name of the study's folder")]
    title: str = Field("", description="one line on what the study asks")
    runs: list[Grid] = Field(min_length=1, description="grids; a run that two of them name is trained once")
    limit_minutes: float | None = Field(None, gt=0, description="a run that takes longer is ended and counts as failed")

    @classmethod
    def read(cls, source: str | Path, fixed: dict[str, Any] | None = None) -> Self:
        """A preset by its name, a YAML file, or the folder of a study; ``fixed`` overrides fields of every run.

        Raises ``InputError`` naming the file, the place in it, the value and what is allowed.
        Taught in: notebooks/09_reproduction
        """
        path = _path_of(source)
        content = RunConfig.fields_of(path)
        try:
            study = cls.model_validate({str(name): value for name, value in content.items()})
        except ValidationError as error:
            raise InputError(f"{path.name}: {describe_error(error)}") from None
        if path.name == STUDY_FILE and path.parent == Path(source):  # the folder may have been renamed
            study = study.model_copy(update={"name": Path(source).resolve().name})
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
        text = yaml.safe_dump(self.model_dump(exclude_defaults=True), sort_keys=False, allow_unicode=True)
        return write_text(Path(folder) / STUDY_FILE, text)


def is_field(name: str) -> bool:
    """Whether a run or the settings of a method have a field of this name."""
    return name in RunConfig.model_fields or name in known_fields()  # the methods are only loaded where they are asked


def known_fields() -> dict[str, Any]:
    """Fields of a run and settings of any method, with their JSON schemas."""
    fields = {}
    for model in (*(method.Settings for method in METHODS.values()), RunConfig):
        fields |= model.model_json_schema()["properties"]
    return {name: {key: value for key, value in about.items() if key != "title"} for name, about in fields.items()}


def schema() -> dict[str, Any]:
    """JSON schema of a study file, for editors; the fields of a run stand in it with their ranges."""
    found = Study.model_json_schema()
    fields = known_fields()
    found["$defs"]["Grid"]["properties"]["fix"] |= {"properties": fields, "additionalProperties": False}
    found["$defs"]["Grid"]["properties"]["variants"]["additionalProperties"] = {
        "type": "object", "properties": fields, "additionalProperties": False,
    }  # fmt: skip
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def _path_of(source: str | Path) -> Path:
    if str(source) in PRESETS:
        return Path(str(files(__package__) / "presets" / f"{source}.yaml"))
    path = Path(source)
    if path.is_dir() and (path / STUDY_FILE).is_file():
        return path / STUDY_FILE
    if not path.is_file():
        raise InputError(f"{source}: no study there: allowed are {', '.join(PRESETS)}, a YAML file, a study's folder")
    return path
