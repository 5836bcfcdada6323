"""The small files of a run, each read at one place: a damaged one is named, with what brings it back."""

from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rrsitr_lib.checksums import changed_files
from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError, describe_error
from rrsitr_lib.files import read_json

AGAIN = "delete it and result.json, and the same rrsitr train writes both again"
NO_COPY = "put a copy of it back, or train in a new folder"
Percent = Annotated[float, Field(ge=0, le=100)]
METRICS = ("epoch", "gamma_1", "gamma_2", "loss", "auroc", "val_mR")


class _Facts(BaseModel):
    """What is read of ``run.json``."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    config: str
    data: dict[str, str]
    pairs: dict[str, int]
    noise: str
    versions: dict[str, str]
    before: dict[str, Percent]
    places: dict[str, str] = Field({})


class _Quality(BaseModel):
    """How well the losses found the mismatched pairs, where there were any."""

    model_config = ConfigDict(strict=True)

    auroc: Annotated[float, Field(ge=0, le=1)] | None


class _Result(BaseModel):
    """What is read of ``result.json``."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    method: str
    noise_rate: float
    realised_noise_rate: Annotated[float, Field(ge=0, le=1)]
    seed: int
    best_epoch: Annotated[int, Field(ge=1)]
    test: dict[str, Percent]
    before: dict[str, Percent]
    chance: dict[str, Percent]
    partition: _Quality
    seconds: Annotated[float, Field(ge=0)]


def read_config(folder: str | Path) -> RunConfig:
    """``config.yaml``; its data may lie elsewhere by now. Raises ``InputError``."""
    try:
        return RunConfig.read(Path(folder) / "config.yaml", elsewhere=True)
    except InputError as error:
        raise InputError(f"{error}; {NO_COPY}") from None


def read_facts(folder: str | Path) -> dict[str, Any]:
    """``run.json``: fingerprints, pairs by split, versions, recalls before training. Raises ``InputError``."""
    return _read(_Facts, Path(folder) / "run.json", NO_COPY)


def read_result(folder: str | Path) -> dict[str, Any]:
    """``result.json`` of a finished run. Raises ``InputError``."""
    return _read(_Result, Path(folder) / "result.json", "delete it, and the same rrsitr train writes it again")


def read_metrics(folder: str | Path) -> pd.DataFrame:
    """``metrics.csv``, a row an epoch, the start as epoch 0. Raises ``InputError``, also where a column lacks."""
    path = Path(folder) / "metrics.csv"
    try:
        table = pd.read_csv(path)
        if missing := [name for name in METRICS if name not in table]:
            raise InputError(f"{path}: damaged (no column {missing[0]}); {AGAIN}")
        if changed := changed_files(path.parent, path.name):
            raise InputError(f"{changed[0]}; {AGAIN}")
        return table.astype({"epoch": int} | dict.fromkeys(METRICS[1:], float))
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path}: no such file: no epoch of the run is finished") from None
    except (ValueError, OSError, OverflowError) as error:  # of pandas too
        raise InputError(f"{path}: damaged ({' '.join(str(error).split())[:200]}); {AGAIN}") from None


def _read(model: type[BaseModel], path: Path, mend: str) -> dict[str, Any]:
    try:
        content = read_json(path)
        if not isinstance(content, dict):
            raise InputError(f"{path}: expected fields by name, got {type(content).__name__}")
        model.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{path}: damaged ({describe_error(error)}); {mend}") from None
    except InputError as error:
        raise InputError(f"{error}; {mend}") from None
    return content
