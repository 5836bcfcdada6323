"""What a run will cost: from finished runs like it, else from a step that is measured once on this machine."""

import json
from collections.abc import Mapping
from operator import itemgetter
from statistics import median
from typing import Any, NamedTuple

from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.experiments.study_file import Trial
from rrsitr_lib.experiments.trials import TrialState
from rrsitr_lib.files import cache_folder, fingerprint, read_json, sealed, write_json
from rrsitr_lib.registry import METHODS

FORWARD = 1 / 3  # evaluation is a forward pass, a third of a training step
SHAPES = (
    "encoder", "train", "batch_size", "feature_width", "head_features", "image_grid", "pad_tokens", "precision",
    "compile", "device",
)  # fmt: skip
SAME_COST = {"seed", "noise_rate", "noise_seed", "method", "settings", "preset"}

_fields_of = itemgetter(*(name for name in RunConfig.model_fields if name not in SAME_COST))


class Cost(NamedTuple):
    """Expected seconds of a run and where they come from: ``finished runs``, ``measured step`` or ``unknown``.

    They are one process's: of a run by several the sum over them.

    ``operations``: floating-point operations of the whole run, where a step of it was counted, else None.
    """

    seconds: float | None
    source: str
    operations: float | None = None


def costs(trials: Mapping[str, Trial], states: Mapping[str, TrialState]) -> dict[str, Cost]:
    """The expected cost of every trial, by name.

    Runs that are alike but for seed, noise and method cost the same, if they train equally many networks.
    """
    steps, likeness = _measured(), {name: _alike(trial.config) for name, trial in trials.items()}
    finished: dict[tuple, list[float]] = {}
    for name, state in states.items():
        if state.state == "done" and state.outcome["seconds"]:
            seconds = state.outcome["seconds"] * state.outcome.get("processes", 1)
            finished.setdefault(likeness[name], []).append(seconds)
    kinds = {likeness[name]: trial.config for name, trial in trials.items()}  # of thousands of trials a few
    by_likeness = {key: _cost(config, finished.get(key), steps.get(shape_of(config))) for key, config in kinds.items()}
    return {name: by_likeness[likeness[name]] for name in trials}


def _alike(config: RunConfig) -> tuple:
    return METHODS[config.method].networks, *_fields_of(config.__dict__)


def _cost(config: RunConfig, finished: list[float] | None, step: Mapping[str, Any] | None) -> Cost:
    from rrsitr_lib.data.datasets import source_of

    of_epoch = source_of(config).count_pairs(config)
    networks = METHODS[config.method].networks
    pairs = (of_epoch["train"] + FORWARD * of_epoch["val"]) * config.epochs * networks  # in units of a trained pair
    operations = step["operations_per_pair"] * pairs if step and step.get("operations_per_pair") else None
    if finished:
        return Cost(median(finished), "finished runs", operations)
    return Cost(step["seconds_per_pair"] * pairs, "measured step", operations) if step else Cost(None, "unknown")


def shape_of(config: RunConfig) -> str:
    """What the time of a step of one network depends on: sizes of model and batch, and the kind of machine."""
    return fingerprint(json.dumps([getattr(config, name) for name in SHAPES]))[:16]


def measure(trials: Mapping[str, Trial], expected: Mapping[str, Cost]) -> None:
    """Measure one step of every shape whose cost is unknown and keep it for this machine."""
    from rrsitr_lib.experiments.measured_step import measured_step

    shapes = {shape_of(trial.config): trial.config for name, trial in trials.items() if expected[name].seconds is None}
    for shape, config in shapes.items():
        write_json(cache_folder() / "steps.json", sealed({**_measured(), shape: measured_step(config)}))


def _measured() -> dict[str, Any]:
    """Steps by their shape; absent or damaged ones are measured again."""
    try:
        return dict(read_json(cache_folder() / "steps.json"))
    except (InputError, TypeError, ValueError):
        return {}
