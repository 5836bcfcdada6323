"""One training step on the CPU by part, ours and as the textbook writes it: encoder ``tiny``, random images.

Textbook: captions are tokenised in the step and as long as the encoder's context, the table of all token cosines, AdamW
parameter by parameter, a dictionary of numbers a pair as record. Images and towers are the same in both.
"""

import time
from collections.abc import Iterator

import numpy as np
import torch
from textbook import textbook_objective
from timing import ratio_line
from torch import nn

from rrsitr_lib.config import RunConfig
from rrsitr_lib.experiments.measured_step import WORDS, stand_in_trainer
from rrsitr_lib.methods import Batch
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.registry import ENCODERS
from rrsitr_lib.training.batches import ImageFiles, TokenNumbers
from rrsitr_lib.training.epoch_buffer import EpochBuffer

PARTS = ("data", "encoder, forward", "objective, forward", "backward", "optimiser", "record")
RECORDED = ("pair_loss", "global_loss", "local_loss", "category", "weight")


class Steps:
    """Both forms on one model; each yields where a part ends."""

    def __init__(self, pairs: int) -> None:
        config, cpu = RunConfig.build(encoder="tiny", batch_size=pairs), torch.device("cpu")
        self.encoder = build_encoder("tiny", "none", config.pad_tokens).train()
        size = ENCODERS["tiny"].image_size
        pixels = np.random.default_rng(0).integers(0, 255, (pairs, size, size, 3), dtype=np.uint8)
        self.images = ImageFiles(pixels, self.encoder.eval_transform, self.encoder.eval_transform, 0)
        self.texts = TokenNumbers([WORDS] * pairs, self.encoder)
        self.trainer = stand_in_trainer(config, self.encoder, self.images, self.texts)
        self.method = self.trainer.method_of(0)
        self.method.begin_epoch(0, None)
        self.rows, self.on_device = np.arange(pairs), torch.arange(pairs)
        self.buffer = EpochBuffer(pairs, self.trainer.columns, cpu)
        self.limit, settings = config.clip_norm, {"lr": config.learning_rate, "weight_decay": config.weight_decay}
        self.plain_adamw = torch.optim.AdamW(self.encoder.parameters(), **settings, foreach=False, fused=False)
        (image, text), *_ = self.trainer.encode(self.images.fetch(self.rows, 0), self.texts.fetch(self.rows))
        with torch.no_grad():
            self.example = self.method.objective(Batch(self.on_device, image, text))

    def ours(self) -> Iterator[None]:
        """As the trainer takes it."""
        images, captions = self.images.fetch(self.rows, 0), self.texts.fetch(self.rows)
        yield
        (image, text), *_ = self.trainer.encode(images, captions)
        yield
        found = self.method.objective(Batch(self.on_device, image, text))
        yield
        self.trainer.optimizer.zero_grad(set_to_none=True)
        found.total.backward()
        yield
        nn.utils.clip_grad_norm_(self.encoder.parameters(), self.limit)
        self.trainer.optimizer.step()
        yield
        self.buffer.write(self.on_device, [found], trained=True)
        yield

    def textbook(self) -> Iterator[None]:
        """The same by the formulas as they are written."""
        images, captions = self.images.fetch(self.rows, 0), self.encoder.tokenize([WORDS] * len(self.rows))
        yield
        image, text = self.encoder(images, captions)
        yield
        total = textbook_objective(image.pooled, text.pooled, image.tokens, text.tokens)
        yield
        self.plain_adamw.zero_grad(set_to_none=True)
        total.backward()
        yield
        nn.utils.clip_grad_norm_(self.encoder.parameters(), self.limit, foreach=False)
        self.plain_adamw.step()
        yield
        record = {name: getattr(self.example, name) for name in RECORDED}
        _ = [{"row": int(row), **{name: float(value[row]) for name, value in record.items()}} for row in self.rows]
        yield


def laps(parts: Iterator[None]) -> list[float]:
    """Seconds of every part."""
    times = [time.perf_counter()]
    times += [time.perf_counter() for _ in parts]
    return np.diff(times).tolist()


def measure(pairs: int, repeats: int) -> None:
    """A line a part, and the whole step."""
    steps = Steps(pairs)
    laps(steps.textbook()), laps(steps.ours())  # the first ones are slower
    seconds = np.array([[laps(steps.textbook()), laps(steps.ours())] for _ in range(repeats)])
    ratio_line(f"step of tiny, B {pairs}", seconds.sum(axis=2))
    shares = np.median(seconds[:, 1] / seconds[:, 1].sum(axis=1, keepdims=True), axis=0)
    for number, part in enumerate(PARTS):
        ratio_line(f"  {part}, {shares[number]:.1%} of ours", seconds[:, :, number])
