"""Step time of the paper's model on a GPU against a plain reading of the authors' recipe, in one run.

Ours: stored bytes transformed on the device, bfloat16, Gram matrices, fused AdamW. Plain: eight workers that decode and
transform JPEG files, float16 with a scaler, the table of all token cosines by ``einsum``. Weights and images are
random: they do not change the time. Usage:

    python benchmarks/gpu.py                                  # ViT-B/32 at 100 and 1,024 pairs; --compile, --slice 512
    python benchmarks/gpu.py --encoder tiny --batches 20 --steps 2 --device cpu    # only shows that it runs
"""

import argparse
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from textbook import textbook_local
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

from rrsitr_lib.config import RunConfig
from rrsitr_lib.experiments.measured_step import WORDS, stand_in_trainer
from rrsitr_lib.methods import Batch
from rrsitr_lib.methods import pair_loss as pair_loss_module
from rrsitr_lib.model.encoder import Encoder, build_encoder
from rrsitr_lib.speed.stored_images import StoredImages
from rrsitr_lib.training.batches import ImageFiles, RowBatches, SplitInputs, TokenNumbers
from rrsitr_lib.training.epoch_buffer import EpochBuffer

RSITMD_PAIRS = 19_305


def synchronise(device: torch.device) -> None:
    """Wait for everything that was asked of the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(step: Callable[[], object], steps: int, device: torch.device) -> float:
    """Median seconds of a call, after two calls that warm up."""
    times = []
    for number in range(steps + 2):
        synchronise(device)
        start = time.perf_counter()
        step()
        synchronise(device)
        times += [time.perf_counter() - start] if number >= 2 else []
    return statistics.median(times)


def waits_of(step: Callable[[], object], device: torch.device) -> list[str]:
    """Lines at which the host waits for the GPU in a call; none on a CPU, which has nothing to wait for."""
    if device.type != "cuda":
        return []
    torch.cuda.set_sync_debug_mode("warn")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        step()
    torch.cuda.set_sync_debug_mode("default")
    return [f"{Path(one.filename).name}:{one.lineno}" for one in caught if "synchroniz" in str(one.message)]


def peak_flops(device: torch.device) -> float:
    """Measured bfloat16 rate of the card: a product of square matrices, operations a second."""
    size = 8192 if device.type == "cuda" else 512
    left, right = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * size**3 / seconds_of(lambda: left @ right, 10, device)


def images_on_disk(folder: Path, count: int, size: int) -> list[Path]:
    """JPEG files, as the sets have them."""
    generator, paths = np.random.default_rng(0), []
    for number in range(count):
        small = Image.fromarray(generator.integers(0, 255, (16, 16, 3), dtype=np.uint8))
        paths.append(folder / f"{number}.jpg")
        small.resize((size, size), Image.Resampling.BICUBIC).save(paths[-1], quality=90)
    return paths


class Ours:
    """One step as a run takes it, with the parts of it apart for the profile."""

    def __init__(self, encoder: Encoder, config: RunConfig, images: np.ndarray, device: torch.device) -> None:
        rows, self.device = config.batch_size, device
        self.stored = StoredImages(images, encoder, True, 0, device)
        captions = TokenNumbers([WORDS] * rows, encoder)
        self.trainer = stand_in_trainer(config, encoder.train(), self.stored, captions)
        self.method = self.trainer.method_of(0)
        self.method.begin_epoch(0, None)
        self.buffer = EpochBuffer(rows, self.trainer.columns, device)
        self.rows, self.number = np.arange(rows), 0
        self.captions, self.on_device = captions.fetch(self.rows), torch.arange(rows, device=device)

    def data(self) -> Tensor:
        """A batch of transformed images on the device."""
        self.number += 1
        return self.stored.fetch(self.rows % len(self.stored), self.number)

    def step(self) -> None:
        """Data, both towers, objective, gradients, optimiser, record."""
        self.trainer.step(self.method, self.buffer, self.on_device, self.data(), self.captions)

    def parts(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """Forward parts by themselves; what is left of the step is backward and optimiser."""
        images, captions = self.data(), self.captions.to(self.device)
        yield "data", self.data
        yield "towers, forward", partial(self.trainer.encode, images, captions)
        image, text = (features.detach() for features in self.trainer.encode(images, captions)[0])
        yield "objective, forward", partial(self.method.objective, Batch(self.on_device, image, text))


class Plain(Ours):
    """The authors' recipe read plainly: loader workers, float16 with a scaler, every table of token cosines."""

    def __init__(
        self,
        encoder: Encoder,
        config: RunConfig,
        images: np.ndarray,
        device: torch.device,
        paths: list[Path],
        workers: int,
    ) -> None:
        super().__init__(encoder, config, images, device)
        files = ImageFiles(paths, encoder.train_transform, encoder.eval_transform, 0)
        inputs = SplitInputs(self.trainer.inputs.table, files, self.trainer.inputs.captions)
        batches = [(0, self.rows % len(paths))] * 10_000
        dataset = RowBatches(inputs, np.arange(len(self.rows)))
        shared = {"batch_size": None, "sampler": batches, "collate_fn": lambda batch: batch}
        self.batches = iter(DataLoader(dataset, num_workers=workers, **shared))
        self.scaler = torch.amp.GradScaler(device.type, enabled=device.type == "cuda")

    def data(self) -> Tensor:
        """The images of the next batch."""
        return next(self.batches)[0].to(self.device)

    def step(self) -> None:
        """One step of training under autocast."""
        optimizer, model = self.trainer.optimizer, self.trainer.model
        optimizer.zero_grad(set_to_none=True)
        half = torch.float16 if self.device.type == "cuda" else torch.bfloat16
        with torch.autocast(self.device.type, dtype=half):
            image, text = model(self.data(), self.captions.to(self.device))
        ours, pair_loss_module.local_similarity = pair_loss_module.local_similarity, textbook_local
        try:
            batch = Batch(self.on_device, image.single_precision(), text.single_precision())
            self.scaler.scale(self.method.objective(batch).total).backward()
        finally:
            pair_loss_module.local_similarity = ours
        self.scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), self.trainer.config.clip_norm)
        self.scaler.step(optimizer)
        self.scaler.update()
        float(image.pooled.detach().abs().max())  # a loss is printed and rows recorded every step: the host waits


def measure(one: Ours, steps: int, device: torch.device, peak: float, name: str) -> float:
    """Print step time, share of the peak, seconds an epoch of RSITMD and memory; the seconds, NaN without memory."""
    pairs = one.trainer.config.batch_size
    try:
        with FlopCounterMode(display=False) as counter:
            one.step()
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        seconds = seconds_of(one.step, steps, device)
    except torch.cuda.OutOfMemoryError:
        print(f"{name:22}{pairs:>7}   out of memory")
        return float("nan")
    memory = torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else float("nan")
    share = counter.get_total_flops() / seconds / peak
    epoch = seconds * (RSITMD_PAIRS // pairs)
    print(f"{name:22}{pairs:>7}{1000 * seconds:10.1f} ms{share:9.1%}{epoch:11.1f} s{memory:10.1f} GiB", flush=True)
    return seconds


def main() -> None:
    """Measure every batch size, ours and plain in turn, then ours by part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="vit-b-32")
    parser.add_argument("--batches", type=int, nargs="+", default=[100, 1024])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--slice", type=int, default=0, help="gradient caching, pairs a slice")
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else "no GPU: these are not the numbers to quote"
    peak = peak_flops(device)
    product = f"bfloat16 product {peak / 1e12:.1f} Tflop/s"
    print(f"{card}; torch {torch.__version__}; {product}; median of {arguments.steps}\n")
    print(f"{'':22}{'pairs':>7}{'step':>13}{'of peak':>9}{'RSITMD epoch':>13}{'memory':>13}")
    with tempfile.TemporaryDirectory() as folder:
        paths = images_on_disk(Path(folder), min(256, max(arguments.batches)), 256)
        images = np.stack([np.asarray(Image.open(path)) for path in paths])
        for pairs in arguments.batches:
            shared = {"encoder": arguments.encoder, "gradient_slice": arguments.slice}
            config = RunConfig.build(preset="paper", batch_size=pairs, **shared)
            towers = [build_encoder(arguments.encoder, "none").to(device) for _ in range(2)]
            ours = Ours(towers[0], config, images, device)
            if arguments.compile:
                towers[0].compile_towers()
            fast = measure(ours, arguments.steps, device, peak, "ours")
            plain = Plain(towers[1], config, images, device, paths, arguments.workers)
            slow = measure(plain, arguments.steps, device, peak, "plain")
            print(f"  the recipe takes {slow / fast:.1f} times ours")
            step = seconds_of(ours.step, arguments.steps, device)
            spent = {name: seconds_of(part, arguments.steps, device) for name, part in ours.parts()}
            spent["backward and optimiser"] = step - sum(spent.values())
            print("  ours by part: " + ", ".join(f"{name} {1000 * took:.1f} ms" for name, took in spent.items()))
            print(
                f"  ours waits for the GPU in a step: {', '.join(waits_of(ours.step, device)) or 'never'}", flush=True
            )


if __name__ == "__main__":
    main()
