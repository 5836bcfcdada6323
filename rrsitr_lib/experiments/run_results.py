"""A finished run as a table needs it: configuration, facts and result of its folder, checked and without the model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rrsitr_lib.checksums import changed_files
from rrsitr_lib.config import RunConfig
from rrsitr_lib.errors import InputError
from rrsitr_lib.files import fingerprint
from rrsitr_lib.training.run_files import read_config, read_facts, read_result

PLACE = ["data", "encoder", "protocol"]
SUBJECT = [*PLACE, "noise_rate"]  # what runs share that are compared
RECALLS = (*(f"{way}_R@{k}" for way in ("i2t", "t2i") for k in (1, 5, 10)), "mR")

CONTROL = "contrastive"  # every method is compared with it


def data_name(config: RunConfig) -> str:
    """Name of the data; of a folder only its last part."""
    return Path(config.data).name


def method_name(config: RunConfig, variant: str = "") -> str:
    """Name of the method with the parts that are switched off, in the words of the paper's ablation, or a variant's.

    A run that no variant names says how many plain epochs came first, where the preset has other ones.

    >>> method_name(RunConfig.build(encoder="tiny", method="rrsitr", epochs=10, warmup_fraction=0.2))
    'rrsitr, plain epochs first: 2'
    """
    own = [] if variant or config.method == CONTROL else _unusual_warmup(config)
    name = ", ".join([config.method, *config.method_settings.switched_off(), *own])
    return name if not variant or f", {variant}," in f"{name}," else f"{name}, {variant}"


def _unusual_warmup(config: RunConfig) -> list[str]:
    usual = RunConfig.build(encoder=config.encoder, train=config.train).warmup_fraction
    return [] if config.warmup_fraction == usual else [f"plain epochs first: {config.plain_epochs}"]


def draw_order(noise_seed: int) -> tuple[bool, int]:
    """Of draws of the noise the authors' seed 42 comes first, then the lowest."""
    return noise_seed != RunConfig.model_fields["noise_seed"].default, noise_seed


def portable(config: RunConfig, **changed: Any) -> str:
    """Fingerprint of a configuration without its folders, which differ from machine to machine."""
    return config.model_copy(update={"images": None, "data": data_name(config), **changed}).fingerprint


def is_finished(config: RunConfig, folder: Path) -> bool:
    """Whether the finished run of ``config`` lies in ``folder``; nothing is written, as ``train`` would by its lock."""
    if not (folder / "result.json").exists():
        return False
    return RunConfig.read(folder / "config.yaml").fingerprint == config.fingerprint


@dataclass(frozen=True)
class FinishedRun:
    """One finished run: its configuration, ``run.json`` as ``facts`` and ``result.json`` as ``result``."""

    config: RunConfig
    facts: Mapping[str, Any]
    result: Mapping[str, Any]

    @property
    def sources(self) -> tuple[str, ...]:
        """Fingerprints of the data, split by split, and of the injected noise."""
        return (*map(str, self.facts["data"].values()), str(self.facts["noise"]))

    @property
    def settings(self) -> str:
        """Fingerprint of all that two runs must share before their mean makes sense: everything but the seed."""
        return fingerprint(portable(self.config, seed=0), *self.sources)[:12]

    @property
    def test_images(self) -> int:
        """Number of test images, from the chance of finding the right one at the first place."""
        return round(100 / self.result["chance"]["t2i_R@1"])


def read_run(folder: str | Path) -> FinishedRun:
    """Read a run folder. Raises ``InputError`` that says what is missing or damaged."""
    folder = Path(folder)
    for name, meaning in (("config.yaml", "not a run"), ("result.json", "not finished"), ("run.json", "damaged")):
        if not (folder / name).is_file():
            raise InputError(f"{folder.name}: {meaning} (no {name})")
    try:
        config = read_config(folder)
        run = FinishedRun(config, read_facts(folder), read_result(folder))
        if changed := changed_files(folder, "config.yaml", "run.json", "result.json"):
            raise InputError(changed[0])
        _check(run)
    except InputError as error:
        raise InputError(f"{folder.name}: {str(error).replace(f'{folder}/', '')}") from None
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InputError(f"{folder.name}: damaged ({type(error).__name__}: {error})") from None
    return run


def _check(run: FinishedRun) -> None:
    """The parts that a table reads are there, and the three files speak of the same run."""
    result, config = run.result, run.config
    names = ("method", "seed") if config.noise_file else ("method", "seed", "noise_rate")  # a file has its own rate
    for name in names:
        if result[name] != getattr(config, name):
            raise InputError(f"result.json has {name} {result[name]!r}, config.yaml {getattr(config, name)!r}")
    for part in ("test", "chance", "before"):
        if missing := [name for name in RECALLS if name not in result[part]]:
            raise InputError(f"result.json: {part} has no {missing[0]}")
    if result["best_epoch"] > config.epochs:
        raise InputError(f"result.json: best_epoch is {result['best_epoch']} of {config.epochs}")
    _ = run.test_images, run.facts["pairs"]["train"]
