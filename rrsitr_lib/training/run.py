"""A run is a folder: configuration, fingerprints, metrics and ledger by epoch, best and last checkpoint, result.

An epoch is committed by one rename, of ``last.safetensors``: it holds weights, optimizer and all metrics so far. The
ledger is written before it and cut back to it, the rest is derived from it; so a run that was ended at any moment goes
on to the same bits (on CPU) with the same command.
"""

import platform
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from filelock import FileLock, Timeout
from torch import Tensor

import rrsitr_lib
from rrsitr_lib.config import IDENTITY, RunConfig
from rrsitr_lib.data.datasets import inject_noise, noise_in_words, open_data
from rrsitr_lib.data.noise import save_noise
from rrsitr_lib.data.problems import FILE as PROBLEMS_FILE
from rrsitr_lib.data.problems import (
    check_left_out,
    cut_captions,
    decodable,
    in_words,
    picture_prints,
    problems_of,
    write_problems,
)
from rrsitr_lib.errors import InputError, RunError, printable
from rrsitr_lib.evaluation import chance_recall, partition_quality
from rrsitr_lib.files import sealed, write_atomically, write_json, write_text
from rrsitr_lib.progress import progress_bar
from rrsitr_lib.registry import extension
from rrsitr_lib.training.batches import SplitInputs
from rrsitr_lib.training.build import build_model
from rrsitr_lib.training.checkpoint import (
    load_checkpoint,
    model_tensors,
    restore_model,
    restore_training,
    save_checkpoint,
    training_tensors,
    weights_of,
)
from rrsitr_lib.training.checkpoint_writer import CheckpointWriter
from rrsitr_lib.training.device import ONE_PROCESS, OneProcess, device_of, float32_products, join_processes, peak_memory
from rrsitr_lib.training.embedding_history import write_snapshot
from rrsitr_lib.training.evaluate import evaluate, networks_of, score_of
from rrsitr_lib.training.ledger import PAIRS_FILE, Ledger
from rrsitr_lib.training.midway import FILE as MIDWAY_FILE
from rrsitr_lib.training.midway import LAST, Clock, Midway, newest
from rrsitr_lib.training.retrieval_results import rank
from rrsitr_lib.training.run_files import read_facts, read_result
from rrsitr_lib.training.run_folder import (
    check_sources,
    commit_result,
    damages,
    open_run_folder,
    open_sources,
    places_of,
)
from rrsitr_lib.training.trainer import Record, Trainer


def train(
    config: RunConfig, folder: str | Path, progress: bool = True, resume: bool = True, patience: float = 0
) -> dict[str, Any]:
    """Train, or go on training, the run in ``folder``, and return its result: test recalls by the best val weights.

    A finished run is not trained again. ``patience``: seconds to wait for another process that trains the same run,
    -1 as long as it takes. Raises ``InputError`` when the folder holds a run of another configuration or data,
    ``RunError`` when the loss is not finite, the disk is full or another process still trains the same run.
    """
    folder, processes = Path(folder), join_processes(config)
    if processes.rank:
        return extension("speed.distributed").follow(config, folder, processes)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=patience):
            for stale in folder.rglob(".*.tmp"):  # what a kill left half-written
                stale.unlink()
            open_run_folder(config, folder, resume)
            processes.wait()
            if (folder / "result.json").exists():
                if damaged := damages(folder):
                    raise InputError(damaged[0])
                open_sources(folder, config)
                return read_result(folder)
            return Run(config, folder, progress, processes).finish()
    except Timeout:
        raise RunError(f"{folder}: another process is training this run") from None
    except OSError as error:
        raise RunError(f"{folder}: {error.strerror or error}") from error


class Run:
    """Everything a run needs, assembled from its configuration; ``finish`` trains what is left and evaluates."""

    def __init__(
        self, config: RunConfig, folder: Path, progress: bool = False, processes: OneProcess = ONE_PROCESS
    ) -> None:
        self.config, self.folder, self.progress, self.processes = config, folder, progress, processes
        data = open_data(config)
        seen = decodable(data)
        self.problems = problems_of(data, seen)
        self.noise = inject_noise(config, data["train"].table)
        self.model, self.inputs = build_model(config, data, device_of(config))
        self.problems += cut_captions(data, {name: split.cut for name, split in self.inputs.items()})
        self.trainer = Trainer(config, self.model, self.inputs["train"], self.noise, processes)
        self.facts = {**self._facts(), "pictures": picture_prints(data, seen)}
        for note in self.facts["notes"] if progress else ():
            print(printable(note), file=sys.stderr)
        self.metrics: list[dict[str, Any]] = []  # an epoch each, before the training as epoch 0
        self.before: dict[str, float] = {}
        self.begun: Midway | None = None
        self.writer = CheckpointWriter()

    def _facts(self) -> dict[str, Any]:
        """What ``run.json`` says first: fingerprints of configuration, data and noise, pairs by split, versions."""
        tables = {name: split.table for name, split in self.inputs.items()}
        versions = {"rrsitr_lib": rrsitr_lib.__version__, "torch": torch.__version__}
        return {
            "identity": IDENTITY,
            "config": self.config.fingerprint,
            "networks": self.trainer.method.networks,
            "data": {name: table.fingerprint for name, table in tables.items()},
            "pairs": {name: len(table) for name, table in tables.items()},
            "noise": self.noise.fingerprint,
            "notes": self._notes(),
            "versions": {**versions, "python": platform.python_version()},
        }

    def _notes(self) -> list[str]:
        """What is said once, before the first epoch: what a noise file is, what is odd about the pairs."""
        tables = [split.table for split in self.inputs.values()]
        notes = [f"tables read with {words}" for words in dict.fromkeys(table.read_as for table in tables) if words]
        notes += [noise_in_words(self.config.noise_file, self.noise)] if self.config.noise_file else []
        return [*notes, f"noted in {PROBLEMS_FILE}: {in_words(self.problems)}"] if self.problems else notes

    def finish(self) -> dict[str, Any]:
        """Restore what is committed, train the remaining epochs, evaluate the best weights on the test split."""
        ledger, steps = self._restore(), self.trainer.steps
        self.processes.wait()  # until the first epoch can be read
        self.processes.wait()  # until all have read it
        first, total = ledger.epochs, self.config.epochs * steps
        done = first * steps + (self.begun.steps if self.begun else 0)
        with progress_bar(total, self.folder.name, "step", done, self.progress) as bar, self.writer:
            for epoch in range(first, self.config.epochs):
                self._train_epoch(epoch, ledger, bar)
        result = self._result(ledger)
        self.processes.wait()
        return result

    def _restore(self) -> Ledger:
        folder = self.folder / "ledger"
        if not (state := self.restore_tensors()):
            started = time.perf_counter()
            self.before = evaluate(self.model, self.inputs["test"], self.config)
            self.metrics = [self._row(0, self.trainer.score_epoch(), None, started)]
            if not (self.folder / "config.yaml").exists():
                write_text(self.folder / "config.yaml", self.config.to_yaml())
            places = places_of(self.config, self.folder)
            write_json(self.folder / "run.json", sealed({**self.facts, "places": places, "before": self.before}))
            save_noise(self.noise, self.folder / "noise.npz")
            table = self.inputs["train"].table
            table.with_captions(self.noise.caption_index).write_csv(self.folder / PAIRS_FILE)
            if self.problems:
                write_problems(self.problems, self.folder / PROBLEMS_FILE)
            self._write_snapshot(epochs=0)
            return Ledger.create(folder, self.noise.mismatched, self.config.flat(), self.trainer.columns)
        self.metrics, self.before = state["metrics"], read_facts(self.folder)["before"]
        ledger = Ledger.open(folder)
        ledger.truncate(len(self.metrics) - 1)
        if not self.begun:  # within an epoch it has been done, and the weights are no longer those of the last
            self._derive(self.metrics, model_tensors(self.model))
        return ledger

    def restore_tensors(self) -> dict[str, Any]:
        """Weights, optimizer and scale from the last checkpoint; returns the state beside them, empty where none is."""
        if (saved := newest(self.folder)) is None:
            return {}
        check_left_out(self.folder / PROBLEMS_FILE, self.problems)
        check_sources(self.folder, saved.state["facts"], self.facts)
        restore_training(self.model, self.trainer.optimizer, saved.tensors)
        if scale := saved.state["scaler"]:  # of a machine that needs none it is empty
            self.trainer.scaler.load_state_dict(scale)
        self.begun = saved.begun
        return saved.state

    def _train_epoch(self, epoch: int, ledger: Ledger, bar: Any) -> None:
        started, clock = time.perf_counter(), Clock(self.config.checkpoint_minutes)

        def on_step(midway: Midway) -> None:
            bar.update()
            if clock.strikes() and torch.isfinite(midway.totals[: midway.steps]).all():
                state = self._state() | {"steps": midway.steps}
                save = partial(save_checkpoint, self.folder / MIDWAY_FILE, state=state)
                self.writer.write(self._tensors() | midway.tensors(), save)

        last = ledger.epoch(epoch - 1) if epoch else None
        record, objective = self.trainer.train_epoch(epoch, last, on_step, self.begun)
        self.begun = None
        self.metrics.append(row := self._row(epoch + 1, record, objective, started))
        bar.set_postfix_str(f"epoch {epoch + 1}: val mR {row['val_mR']:.1f} %", refresh=False)
        ledger.append(record)
        self._write_snapshot(epochs=epoch + 1)
        self.writer.write(self._tensors(), partial(self._commit, self._state()))

    def _tensors(self) -> dict[str, Tensor]:
        return training_tensors(self.model, self.trainer.optimizer)

    def _state(self) -> dict[str, Any]:
        return {"metrics": [*self.metrics], "facts": self.facts, "scaler": self.trainer.scaler.state_dict()}

    def _commit(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """An epoch, by copies of its tensors; the next one may be under way."""
        save_checkpoint(self.folder / LAST, tensors, state)
        (self.folder / MIDWAY_FILE).unlink(missing_ok=True)
        self._derive(state["metrics"], tensors)

    def _row(self, number: int, record: Record, objective: float | None, started: float) -> dict[str, Any]:
        """What ``metrics.csv`` says of an epoch, from 1; of the start as epoch 0, which has no objective."""
        quality = partition_quality(record["loss"], record["category"], self.noise.mismatched)
        validation = evaluate(self.model, self.inputs["val"], self.config)
        method = self.trainer.method_of(max(0, number - 1))
        return {
            "epoch": number,
            "warmup": method is not self.trainer.method,
            "gamma_1": method.thresholds[0],
            "gamma_2": method.thresholds[1],
            "objective": objective,
            "loss": float(record["loss"].mean()),
            "auroc": quality["auroc"],
            "clean": sum(quality["confusion"][0]),
            "ambiguous": sum(quality["confusion"][1]),
            "noisy": sum(quality["confusion"][2]),
            **{f"val_{name}": value for name, value in validation.items()},
            "seconds": round(time.perf_counter() - started, 2),
        }

    def _write_snapshot(self, epochs: int) -> None:
        network = networks_of(self.model)[0]
        write_snapshot(self.folder, epochs, network, self.inputs["train"], self.noise.caption_index, self.config.seed)

    def _derive(self, metrics: list[dict[str, Any]], tensors: dict[str, Tensor]) -> None:
        """Bring what follows from the last checkpoint up to date: the metrics table and, where it is, the best."""
        table, last = pd.DataFrame(metrics), metrics[-1]
        write_atomically(self.folder / "metrics.csv", lambda temporary: table.to_csv(temporary, index=False))
        if best_epoch(metrics) == last["epoch"]:
            state = {"epoch": last["epoch"], "val_mR": last["val_mR"], "facts": self.facts}
            save_checkpoint(self.folder / "best.safetensors", weights_of(tensors), state)

    def _result(self, ledger: Ledger) -> dict[str, Any]:
        restore_model(self.model, load_checkpoint(self.folder / "best.safetensors")[0])
        test, last = self.inputs["test"], ledger.epoch(ledger.epochs - 1)
        result = {
            "method": self.config.method,
            "networks": self.facts["networks"],
            "noise_rate": self.noise.rate,  # of a noise file its own
            "protocol": self.noise.protocol,
            "realised_noise_rate": self.noise.realised_rate,
            "seed": self.config.seed,
            "best_epoch": best_epoch(self.metrics),
            "test": self._tested(test),
            "before": self.before,
            "chance": chance_recall(test.image_of_row, len(test.table.images)),
            "partition": partition_quality(last["loss"], last["category"], self.noise.mismatched),
            "seconds": round(sum(row["seconds"] for row in self.metrics), 1),
            **peak_memory(),
        }
        commit_result(self.folder, result)
        return result

    def _tested(self, test: SplitInputs) -> dict[str, float]:
        """Test recalls, in percent; the best candidates of every query are kept beside the run."""
        with float32_products(rounded=False):
            found = rank(score_of(self.model, test, self.config), test.image_of_row, test.table.captions)
        found.save(self.folder)
        return found.recalls()


def best_epoch(metrics: list[dict[str, Any]]) -> int:
    """Number (from 1) of the first epoch with the best validation mR; the first row is of the start."""
    return 1 + int(np.argmax([row["val_mR"] for row in metrics[1:]]))
