"""The training loop: one epoch, batch by batch, by the method that the configuration names."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rrsitr_lib.config import PRESETS, RunConfig
from rrsitr_lib.data.noise import Noise
from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.methods import METHODS, Batch, Method, MethodSettings, Objective, RunFacts
from rrsitr_lib.methods.base import column_of
from rrsitr_lib.model.similarity import Features
from rrsitr_lib.randomness import drawn_from
from rrsitr_lib.registry import extension
from rrsitr_lib.training.batches import Loader, RowBatches, SplitInputs, epoch_order
from rrsitr_lib.training.device import ONE_PROCESS, OneProcess, float32_products, half_type, to_device
from rrsitr_lib.training.epoch_buffer import EpochBuffer
from rrsitr_lib.training.evaluate import networks_of
from rrsitr_lib.training.ledger import COLUMNS
from rrsitr_lib.training.midway import Midway
from rrsitr_lib.training.optimizer import make_optimizer, set_learning_rate

Record = Mapping[str, np.ndarray]
Encoded = list[tuple[Features, Features]]  # (image, text) of every network
WARMUP_METHOD = "contrastive"


class Trainer:
    """Trains a model epoch by epoch, and gives the ledger rows of each.

    Raises ``InputError`` for a batch size that the table does not fill, and a warm-up longer than the training; the
    preset's own warm-up may be longer: it is what a short run then is.
    """

    def __init__(
        self,
        config: RunConfig,
        model: nn.Module,
        inputs: SplitInputs,
        noise: Noise,
        processes: OneProcess = ONE_PROCESS,
    ) -> None:
        self.rows = rows = len(inputs.table)
        if not 2 <= config.batch_size <= rows:
            raise InputError(f"batch_size is {config.batch_size}, but train has {rows} rows: allowed are 2 to {rows}")
        processes.own_rows(np.arange(config.batch_size))  # what does not divide is refused before anything is written
        self.config, self.model, self.inputs, self.noise, self.processes = config, model, inputs, noise, processes
        self.device = next(model.parameters()).device
        self.shared = [processes.share(network) for network in networks_of(model)]
        self.loader = Loader(RowBatches(inputs, noise.caption_index, processes), config, self.device)
        self.steps = rows // config.batch_size
        total, fields = config.epochs * self.steps, RunConfig.model_fields
        own = PRESETS[config.preset].get("warmup_steps", fields["warmup_steps"].default)
        if config.warmup_steps > total and config.warmup_steps != own:
            raise InputError(f"warmup_steps is {config.warmup_steps} of {total} steps: allowed are 0 to {total}")
        self.half = half_type(config, self.device)
        self.optimizer = make_optimizer(model, config)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.half == torch.float16)
        self.method, self.warmup = self._methods()
        own, further = {"loss": "<f4", **self.method.columns}, range(1, self.method.networks)
        others = {column_of(name, number): kind for number in further for name, kind in own.items()}
        self.columns = {**COLUMNS, **self.method.columns, **others}
        self.steps_done = 0

    def _methods(self) -> tuple[Method, Method]:
        """The method of the run, and that of its warm-up with what both know of its settings."""
        config, chosen = self.config, METHODS[self.config.method]
        truth = self.noise.mismatched if chosen.needs_truth else None
        facts = (self.rows, config.batch_size, config.epochs, config.seed, self.device)
        run = RunFacts(*facts, config.local_fraction, truth, config.plain_epochs)
        settings, plain = config.method_settings, METHODS[WARMUP_METHOD]
        shared = {name: getattr(settings, name) for name in MethodSettings.model_fields}
        return chosen(settings, run), plain(plain.Settings(**shared), run)

    def method_of(self, epoch: int) -> Method:
        """The method of an epoch: contrastive while it warms up."""
        return self.warmup if epoch < self.config.plain_epochs else self.method

    def train_epoch(
        self,
        epoch: int,
        last: Record | None,
        on_step: Callable[[Midway], Any] = lambda midway: None,
        begun: Midway | None = None,
    ) -> tuple[dict[str, np.ndarray], float]:
        """All whole batches in the epoch's order, then the rest of the rows scored only.

        Once the method has stopped, all rows are scored only. ``last``: the ledger rows of the epoch before, None
        before the first; ``begun``: how far the epoch was when it was cut off. Returns the ledger rows, (N,) a column,
        and the mean objective. Raises ``RunError`` when a loss is not finite.
        """
        config, rows = self.config, self.rows
        method = self.method_of(epoch)
        method.begin_epoch(epoch, self._known(epoch, self.processes.agreed(last) if last else None))
        buffer = EpochBuffer(rows, self.columns, self.device)
        order, totals = self._order(epoch), torch.zeros(self.steps, device=self.device)
        first = self._go_on(begun, buffer, totals) if begun else 0
        on_device = torch.from_numpy(order).to(self.device)
        whole = np.split(order[: self.steps * config.batch_size], self.steps)
        batches = self.loader.epoch(epoch, whole[first:])
        self.model.train(not method.stopped)
        with (
            drawn_from(config.seed, epoch, device=self.device) as draw,
            float32_products(rounded=self.half is not None),
        ):
            for step, batch in enumerate(batches, first):
                draw(config.seed, epoch, step, self.processes.rank)  # what dropout draws
                self.steps_done = epoch * self.steps + step
                set_learning_rate(self.optimizer, config, self.steps_done, config.epochs * self.steps)
                here = on_device[step * config.batch_size : (step + 1) * config.batch_size]
                totals[step] = self.step(method, buffer, here, *batch)
                # on a GPU the question would wait for the step to end; there it is asked once an epoch
                if self.device.type == "cpu" and not torch.isfinite(totals[step]):
                    self._stop(epoch, whole[step], buffer)
                on_step(Midway(step + 1, totals, buffer.tensors))
        if not torch.isfinite(totals).all():
            self._stop(epoch, order, buffer)
        self._score_rows(method, buffer, order[self.steps * config.batch_size :], order, epoch)
        return buffer.columns(), float(totals.double().mean())

    def _order(self, epoch: int) -> np.ndarray:
        return epoch_order(self.rows, self.config.seed, epoch, self.inputs.shards, self.config.shard_window)

    def _go_on(self, begun: Midway, buffer: EpochBuffer, totals: Tensor) -> int:
        """What the steps of a cut off epoch left; the number of the next one."""
        buffer.restore(begun.columns)
        totals.copy_(begun.totals)
        return begun.steps

    def _known(self, epoch: int, last: Record | None) -> Record | None:
        """What the last epoch recorded: after the warm-up all but the method's own columns, which it left empty."""
        if last is None or self.method_of(epoch - 1) is self.method_of(epoch):
            return last
        own = {column_of(name, number) for name in self.method.columns for number in range(self.method.networks)}
        return {name: column for name, column in last.items() if name not in own}

    def step(self, method: Method, buffer: EpochBuffer, rows: Tensor, images: Tensor, captions: Tensor) -> Tensor:
        """One step of the optimizer; the total of the objective, not finite where the gradient is not.

        A batch of a method that has stopped is scored only.
        """
        if method.stopped:
            results = self._score(method, rows, images, captions, self.processes)
            buffer.write(rows, results, trained=False)
            return torch.stack([result.total for result in results]).sum()
        self.optimizer.zero_grad(set_to_none=True)
        results = self.backward(method, rows, images, captions)
        self.scaler.unscale_(self.optimizer)
        norms = [nn.utils.clip_grad_norm_(one.parameters(), self.config.clip_norm) for one in networks_of(self.model)]
        buffer.write(rows, results, trained=True)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        total = torch.stack([result.total.detach() for result in results]).sum()
        if self.scaler.is_enabled():  # it leaves out a step whose gradient overflows, and goes on with a smaller scale
            return total
        return torch.where(torch.isfinite(torch.stack(norms).sum()), total, torch.nan)

    def backward(self, method: Method, rows: Tensor, images: Tensor, captions: Tensor) -> list[Objective]:
        """The objective of the global batch, by network; its gradients are left in every process's parameters."""
        images, captions = self._to_device(images), to_device(captions, self.device)

        def objectives(encoded: Encoded) -> list[Objective]:
            return self._objectives(method, rows, encoded, self.processes)

        def backward(results: list[Objective]) -> None:
            total = torch.stack([result.total for result in results]).sum()
            self.scaler.scale(total * self.processes.size).backward()  # of which the mean over them is taken

        if self.config.gradient_slice:
            in_slices = extension("speed.gradient_cache").backward_in_slices
            unshared = partial(self.processes.unshared, self.shared)
            return in_slices(self.encode, images, captions, objectives, backward, self.config.gradient_slice, unshared)
        results = objectives(self.encode(images, captions))
        backward(results)
        return results

    def _objectives(self, method: Method, rows: Tensor, encoded: Encoded, processes: OneProcess) -> list[Objective]:
        whole = [(processes.gather(image), processes.gather(text)) for image, text in encoded]
        results = []
        for number, (image, text) in enumerate(whole):
            others = tuple((image.detach(), text.detach()) for k, (image, text) in enumerate(whole) if k != number)
            results.append(method.objective(Batch(rows, image, text, number, others, self.steps_done)))
        return results

    def score_epoch(self) -> dict[str, np.ndarray]:
        """The ledger rows of all pairs by the model as it is, in the first epoch's order; nothing is trained."""
        order = self._order(0)
        method, buffer = self.method_of(0), EpochBuffer(self.rows, self.columns, self.device)
        method.begin_epoch(0, None)
        with float32_products(rounded=self.half is not None):
            self._score_rows(method, buffer, order, order, 0)
        return buffer.columns()

    def _score_rows(self, method: Method, buffer: EpochBuffer, rows: np.ndarray, order: np.ndarray, epoch: int) -> None:
        """Losses of pairs that are not trained on, batch by batch; the last one is filled up with others."""
        self.model.eval()
        size, batches = self.config.batch_size, RowBatches(self.inputs, self.noise.caption_index)
        filled = np.concatenate([rows, order[:size]])
        asked = [filled[start : start + size] for start in range(0, len(rows), size)]
        read: Iterable[tuple[Tensor, Tensor]] = (batches[epoch, own] for own in asked)
        if len(asked) > 1:  # for the few rows that an epoch leaves no processes are started to decode their images
            read = Loader(batches, self.config, self.device).epoch(epoch, asked)
        for number, (own, batch) in enumerate(zip(asked, read, strict=True)):
            on_device = torch.from_numpy(own).to(self.device)
            results = self._score(method, on_device, *batch, ONE_PROCESS)
            buffer.write(on_device[: len(rows) - number * size], results, trained=False)

    @torch.no_grad()
    def _score(
        self, method: Method, rows: Tensor, images: Tensor, captions: Tensor, processes: OneProcess
    ) -> list[Objective]:
        """The objective of a batch, by network, without gradient."""
        images, captions = self._to_device(images), to_device(captions, self.device)
        encoded = self.encode(images, captions, networks_of(self.model))  # other processes may do something else
        return self._objectives(method, rows, encoded, processes)

    def _to_device(self, images: Tensor) -> Tensor:
        images, wanted = to_device(images, self.device), networks_of(self.model)[0].memory_format
        if images.is_cuda and images.ndim == 4:
            return images.contiguous(memory_format=wanted)
        return images

    def encode(self, images: Tensor, captions: Tensor, networks: list[nn.Module] | None = None) -> Encoded:
        """Both towers of every network, in mixed precision where it is on; losses see float32 (float64 stays)."""
        with torch.autocast(self.device.type, dtype=self.half, enabled=self.half is not None):
            encoded = [network(images, captions) for network in networks or self.shared]
        return [(image.single_precision(), text.single_precision()) for image, text in encoded]

    def _stop(self, epoch: int, rows: np.ndarray, buffer: EpochBuffer) -> None:
        loss = buffer.columns()["loss"][rows]
        bad = rows[~np.isfinite(loss)] if not np.isfinite(loss).all() else rows
        table, named = self.inputs.table, []
        for row in bad[:3]:
            caption = str(table.captions[self.noise.caption_index[row]])[:60]
            named.append(f"row {row} ({table.image_ids[row]}: {caption!r})")
        kept = f"the checkpoint of epoch {epoch} is kept" if epoch else "no epoch was finished"
        raise RunError(
            f"epoch {epoch + 1}: loss or gradient not finite for {len(bad)} pairs: {', '.join(named)}; {kept}"
        )
