"""What options of ``rrsitr`` mean: fields of runs, the folder that a study is named by, where its runs are executed."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from rrsitr_lib.errors import InputError
from rrsitr_lib.yaml_text import parse_yaml

RunFolder = Annotated[Path, typer.Argument(help="folder that rrsitr train wrote (--out)")]
RunData = Annotated[Path | None, typer.Option("--data", help="where the run's tables lie now (default: as noted)")]
RunImages = Annotated[Path | None, typer.Option("--images", help="where its images lie now (default: as noted)")]
Source = Annotated[str, typer.Argument(help="preset, study file (YAML), or the folder of a study")]
Root = Annotated[Path, typer.Option("--runs", help="folder of studies")]
RUNS = Path("runs")


def assigned(set_: list[str] | None) -> dict[str, Any]:
    """The fields that ``--set FIELD=VALUE`` gives, values read as YAML. Raises ``InputError`` for other text.

    >>> assigned(["epochs=2", "noise-rate=0.4"])
    {'epochs': 2, 'noise_rate': 0.4}
    """
    fields = {}
    for assignment in set_ or []:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise InputError(f"--set {assignment}: expected FIELD=VALUE")
        fields[name.replace("-", "_")] = parse_yaml(value, f"--set {assignment}")
    return fields


def study_of(
    source: str, runs: Path, data: str | None = None, weights: str | None = None, set_: list[str] | None = None
) -> tuple[Any, Path]:
    """A study with what ``--data``, ``--weights`` and ``--set`` give to every run of it, and the folder of studies.

    A study that is named by its own folder lies where it lies.
    """
    from rrsitr_lib.experiments.study_file import Study
    from rrsitr_lib.experiments.study_folder import STUDY_FILE

    given = {name: value for name, value in (("data", data), ("weights", weights)) if value is not None}
    root = Path(source).resolve().parent if (Path(source) / STUDY_FILE).is_file() else runs
    return Study.read(source, given | assigned(set_)), root


def begun_folder(study: str, runs: Path) -> Path:
    """The folder of a study that was begun: named itself, by the study's name, or by its file.

    Raises ``InputError`` where none was begun.
    """
    from rrsitr_lib.experiments.study_file import Study
    from rrsitr_lib.experiments.study_folder import STUDY_FILE

    named = runs / (Study.read(study).name if Path(study).is_file() else study)
    for folder in (Path(study), named):
        if (folder / STUDY_FILE).is_file():
            return folder
    raise InputError(f"{named}: no study was begun there; rrsitr study run {study} begins it")


def executor_of(workers: int, scheduler: str | None, resource: list[str] | None = None) -> Any:
    """Where runs are executed. Raises ``InputError`` for a resource that is not NAME=NUMBER."""
    from rrsitr_lib.experiments.executors import ExecutorSettings

    resources = {}
    for assignment in resource or []:
        name, equals, count = assignment.partition("=")
        if not name or not equals or not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", count, re.ASCII):
            raise InputError(f"--resource {assignment}: expected NAME=NUMBER")
        resources[name] = float(count)
    return ExecutorSettings(workers=workers, address=scheduler, resources=resources)
