"""A run is a folder: configuration, fingerprints, metrics and ledger by epoch, best and last checkpoint, result.

An epoch is committed by one rename, of ``last.safetensors``: it holds weights, optimizer and all metrics so far. The
ledger is written before it and cut back to it, the rest is derived from it; so a run that was ended at any moment goes
on to the same bits (on CPU) with the same command.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from filelock import FileLock, Timeout
from torch import nn
from tqdm.auto import tqdm

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.noise_files import save_noise
from rrsitr_lib.data.sources import inject_noise, open_data, picture_size
from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.evaluation import FusedScore, chance_recall, partition_quality, recall
from rrsitr_lib.files import read_json, write_atomically, write_json
from rrsitr_lib.training import distributed
from rrsitr_lib.training.album import write_page
from rrsitr_lib.training.assemble import assemble
from rrsitr_lib.training.checkpoint import (
    load_checkpoint,
    restore_model,
    restore_training,
    save_checkpoint,
    training_tensors,
)
from rrsitr_lib.training.devices import compile_towers, device_of, peak_memory
from rrsitr_lib.training.identity import claim, facts_of
from rrsitr_lib.training.inputs import SplitInputs
from rrsitr_lib.training.ledger import PAIRS_FILE, Ledger
from rrsitr_lib.training.loop import Epoch, encode, evaluate, make_optimizer
from rrsitr_lib.training.pace import pace_of_epoch
from rrsitr_lib.training.rankings import rank


def train(config: RunConfig, folder: str | Path, progress: bool = True, resume: bool = True) -> dict[str, Any]:
    """Train, or go on training, the run in ``folder``, and return its result: test recalls by the best val weights.

    A finished run is not trained again. Raises ``InputError`` when the folder holds a run of another configuration or
    data, ``RunError`` when the loss is not finite, the disk is full or another process trains the same run.
    Taught in: notebooks/06_training_end_to_end
    """
    folder = Path(folder)
    distributed.start()
    if distributed.rank():
        return _follow(config, folder)
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with lock:
            for stale in folder.rglob(".*.tmp"):  # what a kill left half-written
                stale.unlink()
            claim(config, folder, resume)
            distributed.wait()
            if (folder / "result.json").exists():
                return read_json(folder / "result.json")
            return Run(config, folder, progress).finish()
    except Timeout:
        raise RunError(f"{folder}: another process is training this run") from None
    except OSError as error:
        raise RunError(f"{folder}: {error.strerror or error}") from error


def _follow(config: RunConfig, folder: Path) -> dict[str, Any]:
    """What every other process of a run does: encode its share of each batch, and write nothing."""
    distributed.wait()
    if not (folder / "result.json").exists():
        Run(config, folder).follow()
    return read_json(folder / "result.json")


class Run:
    """Everything a run needs, assembled from its configuration; ``finish`` trains what is left and evaluates."""

    def __init__(self, config: RunConfig, folder: Path, progress: bool = False) -> None:
        self.config, self.folder, self.progress = config, folder, progress
        torch.backends.cuda.matmul.allow_tf32 = True
        device = device_of(config)
        data = open_data(config, picture_size(config))
        self.noise = inject_noise(config, data["train"].table)
        self.facts = facts_of(config, data, self.noise)
        model, self.inputs = assemble(config, data, device)
        self.model = model.to(device, memory_format=torch.channels_last if device.type == "cuda" else None)
        if config.compile:
            compile_towers(self.model)
        self.optimizer = make_optimizer(self.model, config)
        self.metrics: list[dict[str, Any]] = []
        self.before: dict[str, float] = {}

    def finish(self) -> dict[str, Any]:
        """Restore what is committed, train the remaining epochs, evaluate the best weights on the test split."""
        ledger = self._restore()
        distributed.wait()
        epoch_runner = Epoch(self.config, self.model, self.inputs["train"], self.noise)
        first, steps = len(self.metrics), epoch_runner.steps
        bar = tqdm(
            total=self.config.epochs * steps,
            initial=first * steps,
            unit="step",
            disable=None if self.progress else True,
            desc=self.folder.name,
        )
        with bar:
            for epoch in range(first, self.config.epochs):
                self._train_epoch(epoch, epoch_runner, ledger, bar)
        result = self._result(ledger)
        distributed.wait()
        return result

    def follow(self) -> None:
        """Take part in every remaining epoch; what the first process commits is read, never written."""
        distributed.wait()
        first, last_loss = 0, None
        if (self.folder / "last.safetensors").exists():
            tensors, state = load_checkpoint(self.folder / "last.safetensors")
            restore_training(self.model, self.optimizer, tensors)
            first = len(state["metrics"])
            last_loss = np.array(Ledger.open(self.folder / "ledger").column("loss")[first - 1])
        runner = Epoch(self.config, self.model, self.inputs["train"], self.noise)
        for epoch in range(first, self.config.epochs):
            pace = pace_of_epoch(self.config, epoch, last_loss)
            last_loss = runner.run(epoch, pace, self.optimizer, lambda: None)[0]["loss"]
        distributed.wait()

    def _restore(self) -> Ledger:
        last = self.folder / "last.safetensors"
        if not last.exists():
            self.before = evaluate(self.model, self.inputs["test"], self.config)
            write_json(self.folder / "run.json", {**self.facts, "before": self.before})
            save_noise(self.noise, self.folder / "noise.npz")
            table = self.inputs["train"].table
            table.with_captions(self.noise.caption_index).write_csv(self.folder / PAIRS_FILE)
            self._write_album(epochs=0)
            return Ledger.create(self.folder / "ledger", self.noise.mismatched, self.config.model_dump())
        tensors, state = load_checkpoint(last)
        for key in ("data", "noise"):
            if state["facts"][key] != self.facts[key]:
                raise InputError(f"{self.folder}: the {key} changed since the run began (its fingerprint differs)")
        restore_training(self.model, self.optimizer, tensors)
        self.metrics, self.before = state["metrics"], read_json(self.folder / "run.json")["before"]
        ledger = Ledger.open(self.folder / "ledger")
        ledger.truncate(len(self.metrics))
        self._derive()
        return ledger

    def _train_epoch(self, epoch: int, runner: Epoch, ledger: Ledger, bar: tqdm) -> None:
        started = time.perf_counter()
        last_loss = np.array(ledger.column("loss")[-1]) if ledger.epochs else None
        pace = pace_of_epoch(self.config, epoch, last_loss)
        record, objective = runner.run(epoch, pace, self.optimizer, bar.update)
        quality = partition_quality(record["loss"], record["category"], self.noise.mismatched)
        validation = evaluate(self.model, self.inputs["val"], self.config)
        self.metrics.append(
            {
                "epoch": epoch + 1,
                "plain": pace.plain,
                "gamma_1": pace.gammas[0],
                "gamma_2": pace.gammas[1],
                "objective": objective,
                "loss": float(record["loss"].mean()),
                "auroc": quality["auroc"],
                "clean": sum(quality["confusion"][0]),
                "ambiguous": sum(quality["confusion"][1]),
                "noisy": sum(quality["confusion"][2]),
                **{f"val_{name}": value for name, value in validation.items()},
                "seconds": round(time.perf_counter() - started, 2),
            }
        )
        bar.set_postfix_str(f"epoch {epoch + 1}: val mR {validation['mR']:.1f}")
        ledger.append(record)
        self._write_album(epochs=epoch + 1)
        state = {"metrics": self.metrics, "facts": self.facts}
        save_checkpoint(self.folder / "last.safetensors", training_tensors(self.model, self.optimizer), state)
        self._derive()

    def _write_album(self, epochs: int) -> None:
        write_page(self.folder, epochs, self.model, self.inputs["train"], self.noise.caption_index, self.config)

    @property
    def best_epoch(self) -> int:
        """Number (from 1) of the first epoch with the best validation mR."""
        return 1 + int(np.argmax([row["val_mR"] for row in self.metrics]))

    def _derive(self) -> None:
        """Bring what follows from the last checkpoint up to date: the metrics table and, where it is, the best."""
        table = pd.DataFrame(self.metrics)
        write_atomically(self.folder / "metrics.csv", lambda temporary: table.to_csv(temporary, index=False))
        if self.best_epoch == len(self.metrics):
            weights = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
            state = {"epoch": self.best_epoch, "val_mR": self.metrics[-1]["val_mR"], "facts": self.facts}
            save_checkpoint(self.folder / "best.safetensors", weights, state)

    def _result(self, ledger: Ledger) -> dict[str, Any]:
        load_best(self.model, self.folder)
        test = self.inputs["test"]
        last = [np.array(ledger.column(name)[-1]) for name in ("loss", "category")]
        result = {
            "method": self.config.method,
            "noise_rate": self.config.noise_rate,
            "realised_noise_rate": self.noise.realised_rate,
            "seed": self.config.seed,
            "best_epoch": self.best_epoch,
            "test": self._tested(test),
            "before": self.before,
            "chance": chance_recall(test.image_of_row, len(test.table.images)),
            "partition": partition_quality(*last, self.noise.mismatched),
            "seconds": round(sum(row["seconds"] for row in self.metrics), 1),
            **peak_memory(),
        }
        write_json(self.folder / "result.json", result)
        return result

    def _tested(self, test: SplitInputs) -> dict[str, float]:
        """Test recalls, in percent; the best answers are kept beside the run."""
        image, text = encode(self.model, test, self.config)
        share, answers = self.config.local_share, test.image_of_row
        rank(text, image, answers, test.table.captions, share).save(self.folder)
        return recall(FusedScore(text, image, share), answers)


def load_best(model: nn.Module, folder: Path) -> dict[str, Any]:
    """Load the best weights of a run into its model; returns the state beside them."""
    tensors, state = load_checkpoint(folder / "best.safetensors")
    restore_model(model, tensors)
    return state


def open_run(folder: str | Path) -> tuple[nn.Module, dict[str, SplitInputs], RunConfig]:
    """The trained model of a run folder, its inputs and configuration. Raises ``InputError`` where there is none."""
    folder = Path(folder)
    if not (folder / "config.yaml").exists():
        raise InputError(f"{folder}: not a run folder (no config.yaml)")
    if not (folder / "best.safetensors").exists():
        raise InputError(f"{folder}: no epoch of this run is finished (no best.safetensors)")
    run = Run(RunConfig.read(folder / "config.yaml"), folder)
    load_best(run.model, folder)
    return run.model, run.inputs, run.config
