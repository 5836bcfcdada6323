"""From a study to its trials: one configuration each, named by its fingerprint, so that equal runs are one trial."""

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.study_file import Grid, Study
from rrsitr_lib.experiments.study_folder import DIGITS

NAMED = {"data", "images", "encoder", "weights", "train", "method", "protocol", "noise_rate", "noise_seed", "seed"}


class Trial(NamedTuple):
    """One run of a study. ``name``: the first digits of the configuration's fingerprint; ``variant``: what it is called
    in the study file, or the fields of its own that an axis gave it, else empty."""

    name: str
    config: RunConfig
    variant: str


def plan(study: Study) -> list[Trial]:
    """All trials of a study in the order of its file; a configuration that comes twice is one trial, the first.

    Raises ``InputError`` naming the grid and the combination that is no valid configuration.

    >>> from rrsitr_lib.experiments.study_file import Grid, Study
    >>> study = Study(name="x", runs=[Grid(fix={"encoder": "tiny"}, axes={"seed": [3, 13], "noise_rate": [0.4]})])
    >>> [(trial.config.seed, len(trial.name)) for trial in plan(study)]
    [(3, 16), (13, 16)]
    """
    trials: dict[str, Trial] = {}
    for number, grid in enumerate(study.runs, 1):
        for fields, variant in _combinations(grid):
            try:
                config = RunConfig.build(**fields)
            except InputError as error:
                given = ", ".join(f"{name}={value}" for name, value in fields.items())[:200]
                raise InputError(f"study {study.name}, grid {number}, {given}: {error}") from None
            name = config.fingerprint[:DIGITS]
            trials.setdefault(name, Trial(name, config, variant))
    return list(trials.values())


def _combinations(grid: Grid) -> Iterator[tuple[dict[str, Any], str]]:
    for variant, changed in (grid.variants or {"": {}}).items():
        for values in itertools.product(*grid.axes.values()):
            fields, own = dict(grid.fix), []
            for axis, value in zip(grid.axes, values, strict=True):
                fields |= value if isinstance(value, dict) else {axis: value}
                own += [] if axis in NAMED or isinstance(value, dict) else [f"{axis}={value}"]
            yield fields | changed, ", ".join([variant, *own] if variant else own)
