"""What a run will cost: from finished runs like it, else from a step that is measured once on this machine."""

import json
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from rrsitr_lib.config import RunConfig
from rrsitr_lib.experiments.plan import Cell
from rrsitr_lib.experiments.trials import Place
from rrsitr_lib.files import cache_folder, fingerprint, read_json, write_json
from rrsitr_lib.registry import DATASETS

SCENES_VAL_PAIRS, FORWARD = 500, 1 / 3  # evaluation is a forward pass, a third of a training step
SHAPES = ("encoder", "train", "batch_size", "feature_width", "pad_tokens", "precision", "compile")
SAME_COST = {"seed", "noise_rate", "noise_seed", "method", "settings", "preset"}


class Cost(NamedTuple):
    """Expected seconds of a run and where they come from: ``finished runs``, ``measured step`` or ``unknown``.

    ``operations``: floating-point operations of the whole run, where a step of it was counted, else None.
    """

    seconds: float | None
    source: str
    operations: float | None = None


def costs(cells: Sequence[Cell], places: Mapping[str, Place]) -> dict[str, Cost]:
    """The expected cost of every cell, by name; runs that are alike but for seed, noise and method cost the same."""
    known, likeness = _measured(), {cell.name: _alike(cell.config) for cell in cells}
    finished: dict[tuple, list[float]] = {}
    for cell in cells:
        place = places[cell.name]
        if place.state == "done" and place.outcome["seconds"]:
            finished.setdefault(likeness[cell.name], []).append(place.outcome["seconds"])
    by_likeness: dict[tuple, Cost] = {}
    for cell in cells:  # thousands of cells are alike
        if likeness[cell.name] not in by_likeness:
            times = finished.get(likeness[cell.name], [])
            by_likeness[likeness[cell.name]] = _cost(cell.config, times, known)
    return {cell.name: by_likeness[likeness[cell.name]] for cell in cells}


def _cost(config: RunConfig, finished: Sequence[float], known: Mapping[str, Any]) -> Cost:
    step = known.get(shape_of(config), {})
    pairs = epoch_pairs(config)
    operations = step["operations_per_pair"] * pairs * config.epochs if step.get("operations_per_pair") else None
    if finished:
        return Cost(median(finished), "finished runs", operations)
    if step:
        return Cost(step["seconds_per_pair"] * pairs * config.epochs, "measured step", operations)
    return Cost(None, "unknown")


def epoch_pairs(config: RunConfig) -> float:
    """Pairs of an epoch in units of a trained pair: those trained, and a third of those evaluated."""
    if config.data == "scenes":
        trained, evaluated = 5 * config.scenes, SCENES_VAL_PAIRS
    elif config.data in DATASETS:
        from rrsitr_lib.data.benchmark import benchmark

        pairs = benchmark(config.data).pairs
        trained, evaluated = pairs["train"], pairs["val"]
    else:
        trained, evaluated = (_lines(Path(config.data), name) for name in ("train", "val"))
    return trained + FORWARD * evaluated


def shape_of(config: RunConfig) -> str:
    """What the time of a step depends on: sizes of model and batch, and the kind of machine."""
    sizes = {name: getattr(config, name) for name in SHAPES}
    return fingerprint(json.dumps(sizes, sort_keys=True), config.device)[:16]


def measure(cells: Sequence[Cell], costs: Mapping[str, Cost]) -> int:
    """Measure one step of every shape whose cost is unknown and keep it for this machine; returns how many."""
    unknown = {_alike(cell.config): cell.config for cell in cells if costs[cell.name].source == "unknown"}
    shapes = {shape_of(config): config for config in unknown.values()}
    for shape, config in shapes.items():
        from rrsitr_lib.experiments.measured_step import measured_step

        write_json(_cache(), {**_measured(), shape: measured_step(config)})
    return len(shapes)


_alike_values = itemgetter(*(name for name in RunConfig.model_fields if name not in SAME_COST))


def _alike(config: RunConfig) -> tuple:
    return _alike_values(config.__dict__)


def _lines(folder: Path, split: str) -> int:
    """Rows of a table without reading it as one; 0 where there is none."""
    for path in sorted(folder.glob(f"{split}.csv")):
        return max(0, path.read_bytes().count(b"\n") - 1)
    return 0


def _cache() -> Path:
    return cache_folder() / "steps.json"


def _measured() -> dict[str, Any]:
    try:
        return dict(read_json(_cache()))
    except Exception:  # absent or damaged: measured again
        return {}
