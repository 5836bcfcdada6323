"""One epoch of training and one evaluation: what the run repeats."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.noise import Noise
from rrsitr_lib.errors import InputError, RunError
from rrsitr_lib.evaluation import FusedScore, recall
from rrsitr_lib.model.encoders import Features
from rrsitr_lib.objective.rrsitr import Objective, Parts, contrastive_objective, rrsitr_objective
from rrsitr_lib.randomness import drawn_from
from rrsitr_lib.training import distributed
from rrsitr_lib.training.epoch_record import EpochRecord
from rrsitr_lib.training.gradient_cache import backward_in_slices
from rrsitr_lib.training.inputs import RowBatches, SplitInputs, epoch_order, load
from rrsitr_lib.training.pace import Pace
from rrsitr_lib.training.schedules import warmup_cosine

EVALUATION_BATCH = 128


def make_optimizer(model: nn.Module, config: RunConfig) -> torch.optim.AdamW:
    """AdamW without decay on biases, norms and other vectors (paper, training)."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]
    fused = all(parameter.is_cuda for parameter in trainable)
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=fused or None)


class Epoch:
    """Trains one epoch and gathers its ledger rows."""

    def __init__(self, config: RunConfig, model: nn.Module, inputs: SplitInputs, noise: Noise) -> None:
        if not 2 <= config.batch_size <= len(inputs.table):
            rows = len(inputs.table)
            raise InputError(f"batch_size is {config.batch_size}, but train has {rows} rows: allowed are 2 to {rows}")
        self.config, self.model, self.inputs, self.noise = config, model, inputs, noise
        self.device = next(model.parameters()).device
        self.steps = len(inputs.table) // config.batch_size
        self.autocast = uses_bfloat16(config, self.device)

    def run(
        self, epoch: int, pace: Pace, optimizer: torch.optim.Optimizer, on_step: Callable[[], Any]
    ) -> tuple[dict[str, np.ndarray], float]:
        """All whole batches in the epoch's order, then the rest of the rows scored only.

        Returns the ledger rows, (N,) a column, and the mean objective. Raises ``RunError`` when a loss is not finite.
        """
        record, totals, norms = EpochRecord(len(self.inputs.table), self.device), [], []
        if self.config.weight_order == "random":
            drawn = np.random.default_rng([self.config.seed, epoch]).random(len(self.inputs.table))
            pace = replace(pace, draws=torch.from_numpy(drawn))
        order = epoch_order(len(self.inputs.table), self.config.seed, epoch)
        whole = np.split(order[: self.steps * self.config.batch_size], self.steps)
        own = [distributed.share(rows) for rows in whole]
        batches = load(self._dataset(own, epoch), self.config.workers)
        self.model.train()
        with drawn_from(self.config.seed, epoch, distributed.rank(), device=self.device):  # what dropout draws
            for step, (rows, (_, images, captions)) in enumerate(zip(whole, batches, strict=True)):
                set_learning_rate(optimizer, self.config, epoch * self.steps + step, self.config.epochs * self.steps)
                optimizer.zero_grad(set_to_none=True)
                result = self._backward(rows, images, captions, pace)
                distributed.sum_gradients(self.model)
                norms.append(nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm).detach())
                totals.append(result.total.detach())
                record.write(rows, result, trained=True)
                # on a GPU the question would wait for the step to end; there it is asked once an epoch
                if self.device.type == "cpu" and not torch.isfinite(totals[-1] + norms[-1]):
                    self._stop(epoch, rows, record)
                optimizer.step()
                on_step()
        if not torch.isfinite(torch.stack(totals) + torch.stack(norms)).all():
            self._stop(epoch, order, record)
        self._score_rest(record, order, epoch, pace)
        return record.columns(), float(torch.stack(totals).double().mean())

    def _backward(self, rows: np.ndarray, images: Tensor, captions: Tensor, pace: Pace) -> Objective:
        """The objective of the global batch, its gradients left in the parameters of this process's share."""
        images, captions = images.to(self.device, non_blocking=True), captions.to(self.device, non_blocking=True)
        if self.config.gradient_slice:
            objective = partial(self._objective, rows, pace=pace)
            return backward_in_slices(self._encode, images, captions, objective, self.config.gradient_slice)
        result = self._objective(rows, *self._encode(images, captions), pace=pace)
        result.total.backward()
        return result

    def _score_rest(self, record: EpochRecord, order: np.ndarray, epoch: int, pace: Pace) -> None:
        """Pairs that filled no batch are not trained on; a batch filled up with others gives them their losses."""
        rest = order[self.steps * self.config.batch_size :]
        if not len(rest):
            return
        self.model.eval()
        filled = np.concatenate([rest, order[: self.config.batch_size - len(rest)]])
        with torch.no_grad(), distributed.alone():
            rows, images, captions = self._dataset([filled], epoch)[0]
            encoded = self._encode(images.to(self.device), captions.to(self.device))
            result = self._objective(rows, *encoded, pace=pace)
        record.write(rest, result, trained=False)

    def _dataset(self, row_batches: list[np.ndarray], epoch: int) -> RowBatches:
        return RowBatches(self.inputs, row_batches, self.noise.caption_index, epoch)

    def _encode(self, images: Tensor, captions: Tensor) -> tuple[Features, Features]:
        """Both towers, in mixed precision where it is on; what the losses see is float32 (float64 stays)."""
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.autocast):
            image, text = self.model(images, captions)
        return image.single_precision(), text.single_precision()

    def _objective(self, rows: np.ndarray, image: Features, text: Features, pace: Pace) -> Objective:
        image, text = distributed.gather(image), distributed.gather(text)
        features = (image.pooled, text.pooled, image.tokens, text.tokens)
        config, (gamma_1, gamma_2) = self.config, pace.gammas
        shared = {"gamma_1": gamma_1, "gamma_2": gamma_2, "sigma": config.sigma, "scale": config.scale}
        if pace.plain:
            counted = self._counted(rows)
            return contrastive_objective(*features, **shared, local=config.local_loss, counted=counted)
        parts = Parts(config.local_loss, config.self_paced, config.triplet, config.weight_order)
        by_row = (pace.category, pace.draws)
        category, draws = (None if known is None else known[rows].to(self.device) for known in by_row)
        shared |= {"lambda_1": config.lambda_1, "lambda_2": config.lambda_2, "category": category, "draws": draws}
        return rrsitr_objective(*features, **shared, parts=parts)

    def _counted(self, rows: np.ndarray) -> Tensor | None:
        """The oracle alone knows which pairs are mismatched."""
        return (
            torch.from_numpy(~self.noise.mismatched[rows]).to(self.device) if self.config.method == "oracle" else None
        )

    def _stop(self, epoch: int, rows: np.ndarray, record: EpochRecord) -> None:
        loss = record.columns()["loss"][rows]
        bad = rows[~np.isfinite(loss)] if not np.isfinite(loss).all() else rows
        table, named = self.inputs.table, []
        for row in bad[:3]:
            named.append(
                f"row {row} ({table.image_ids[row]}: {str(table.captions[self.noise.caption_index[row]])[:60]!r})"
            )
        kept = f"the checkpoint of epoch {epoch} is kept" if epoch else "no epoch was finished"
        raise RunError(
            f"epoch {epoch + 1}: loss or gradient not finite for {len(bad)} pairs: {', '.join(named)}; {kept}"
        )


def set_learning_rate(optimizer: torch.optim.Optimizer, config: RunConfig, step: int, total: int) -> None:
    """Warm-up and cosine as a function of the step alone, so that a resumed run needs no scheduler state."""
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * warmup_cosine(step, config.warmup_steps, total)


def uses_bfloat16(config: RunConfig, device: torch.device) -> bool:
    """Mixed precision where it is asked for, or by default where the GPU has it."""
    by_default = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return config.precision == "bfloat16" or (config.precision == "auto" and by_default)


@torch.no_grad()
def encode(model: nn.Module, inputs: SplitInputs, config: RunConfig) -> tuple[Features, Features]:
    """Features of all images and captions of a split, (image, text), float32; shorter captions padded with zeros.

    Taught in: notebooks/00_start_here
    """
    model.eval()
    device = next(model.parameters()).device
    encoded = []
    for bank, tower in ((inputs.images, model.image), (inputs.captions, model.text)):
        parts = []
        for start in range(0, len(bank), EVALUATION_BATCH):
            items = np.arange(start, min(start + EVALUATION_BATCH, len(bank)))
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=uses_bfloat16(config, device)):
                parts.append(tower(bank.fetch(items).to(device)))
        longest = max(part.tokens.shape[1] for part in parts)
        tokens = [nn.functional.pad(p.tokens.float(), (0, 0, 0, longest - p.tokens.shape[1])) for p in parts]
        encoded.append(Features(torch.cat([part.pooled.float() for part in parts]), torch.cat(tokens)))
    return encoded[0], encoded[1]


def evaluate(model: nn.Module, inputs: SplitInputs, config: RunConfig) -> dict[str, float]:
    """Recall at 1, 5, 10 both ways and mR of a split, in percent. Taught in: notebooks/06_training_end_to_end"""
    image, text = encode(model, inputs, config)
    return recall(FusedScore(text, image, config.local_share), inputs.image_of_row)
