"""All speed claims on a CPU in one run: ratios against the textbook forms, their spread, and the goals beside them.

Usage: python benchmarks/cpu.py [--quick] [--only objective step heads tokens evaluation noise ledger explorers]
"""

import argparse
import os
import tempfile
import time
from functools import partial
from unittest.mock import patch

import explorers
import heads
import numpy as np
import objective
import step
import torch
from textbook import textbook_local, textbook_objective
from timing import compare, plain

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.noise import PROTOCOLS, inject
from rrsitr_lib.evaluation import FusedScore, recall
from rrsitr_lib.files import checksum
from rrsitr_lib.frozen_towers.heads_on_tokens import CachedTokens
from rrsitr_lib.frozen_towers.token_cache import image_tokens, pixels_of
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.model.similarity import Features, cosine_similarity
from rrsitr_lib.registry import ENCODERS
from rrsitr_lib.training import checkpoint
from rrsitr_lib.training import ledger as ledger_module
from rrsitr_lib.training.ledger import COLUMNS, Ledger
from rrsitr_lib.training.run import train

GOAL = 10.0  # of the evaluation
HEADS_GOAL = 2.1  # ten epochs of RSICD in 10 minutes instead of 21
ALL = ("objective", "step", "heads", "tokens", "evaluation", "noise", "ledger", "explorers")


def evaluation(captions: int, images: int, lengths: tuple[int, int], width: int, repeats: int, judged: bool) -> None:
    """Recall of a test set from the fused score, against the textbook form in chunks of 64 captions."""
    generator = torch.Generator().manual_seed(0)
    draw = partial(torch.randn, generator=generator)
    text = Features(draw(captions, width), draw(captions, lengths[0], width))
    image = Features(draw(images, width), draw(images, lengths[1], width))
    answers = np.arange(captions) % images

    def textbook() -> None:
        chunks = [textbook_local(text.tokens[start : start + 64], image.tokens) for start in range(0, captions, 64)]
        recall(0.9 * cosine_similarity(text.pooled, image.pooled) + 0.1 * torch.cat(chunks), answers)

    title = f"evaluation, {captions} captions x {images} images"
    ours = lambda: recall(FusedScore(text, image), answers)  # noqa: E731
    compare(
        title, ours, textbook, repeats, warm=False, goal=GOAL if judged else None
    )  # the textbook form takes minutes


def noise(pairs: int, repeats: int) -> None:
    """Every protocol at 40 %, five captions an image, with class names and with captions given."""
    images = np.arange(pairs) // 5
    names = np.array([f"class{'abcdefghij'[k % 10]}_{k}.jpg" for k in range(pairs // 5)], dtype=object)[images]
    captions = np.array([f"caption {k}" for k in range(pairs)], dtype=object)
    for protocol in PROTOCOLS:
        plain(f"noise {protocol}, {pairs:,} pairs", lambda p=protocol: inject(names, 0.4, p), repeats)
    plain(f"noise shuffle with captions, {pairs:,} pairs", lambda: inject(names, 0.4, captions=captions), repeats)


def ledger(pairs: int, epochs: int, repeats: int) -> None:
    """Open a ledger and read one epoch, and all epochs of ten pairs, as a slider does."""
    with tempfile.TemporaryDirectory() as folder:
        written = Ledger.create(folder, np.arange(pairs) % 5 < 2, {})
        rows = {name: np.random.default_rng(0).random(pairs).astype(dtype) for name, dtype in COLUMNS.items()}
        for _ in range(epochs):
            written.append(rows)
        plain(f"ledger opening, {pairs:,} x {epochs}", lambda: Ledger.open(folder), repeats)
        opened = Ledger.open(folder)
        plain("ledger: loss of one epoch", lambda: np.array(opened.column("loss")[epochs // 2]), repeats)
        plain("ledger: ten pairs over all epochs", lambda: np.array(opened.column("loss")[:, ::16000]), repeats)
        plain("ledger: weight of all pairs and epochs", lambda: opened.column("weight").mean(), repeats)


def checksums(scenes: int, epochs: int) -> None:
    """What the checksums of checkpoints and ledger cost, as a part of the epochs that they guard."""
    spent = [0.0]

    def timed_checksum(*parts: object) -> str:
        started = time.perf_counter()
        found = checksum(*parts)
        spent[0] += time.perf_counter() - started
        return found

    checkpoint.checksum = ledger_module.checksum = timed_checksum
    with tempfile.TemporaryDirectory() as folder:
        config = RunConfig.build(encoder="tiny", scenes=scenes, epochs=epochs, warmup_steps=2, noise_rate=0.4)
        seconds = train(config, folder, progress=False)["seconds"]
    title = f"checksums of {epochs} epochs of {5 * scenes:,} pairs, of their time"
    print(f"{title:58} {'':11} {spent[0]:9.4f} s {100 * spent[0] / seconds:7.2f} %")


def heads_step(repeats: int, judged: bool) -> None:
    """A step of the heads on cached tokens in both forms, and in the shape of the preset rsicd beside the default."""
    default, small = heads.SHAPES[0], heads.OF_RSICD
    named = f"heads, a step, {default[0]} features, {default[1] ** 2} image tokens"
    compare(named, heads.step_of(*default), heads.step_of(*default, textbook_objective), repeats)
    named = f"heads of the preset rsicd, {small[0]} features, {small[1] ** 2}, to these"
    compare(named, heads.step_of(*small), heads.step_of(*default), repeats, goal=HEADS_GOAL if judged else None)


def tokens(encoder: str, images: int, repeats: int) -> None:
    """A batch of image tokens by the frozen tower, and from the cache that it was written to once."""
    towers = build_encoder(encoder, "none").eval()
    size = ENCODERS[encoder].image_size
    pixels = np.random.default_rng(0).integers(0, 255, (images, size, size, 3), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, {"RRSITR_CACHE": folder}):
        cached = CachedTokens(*image_tokens(towers, pixels, "images"))

        @torch.no_grad()
        def textbook() -> None:
            towers.image(pixels_of(towers, pixels, range(images)))

        compare(
            f"tokens of {images} images, {encoder}: cache", lambda: cached.fetch(np.arange(images)), textbook, repeats
        )


def full(wanted: set[str], quick: bool) -> None:
    """All that is wanted, in the order of the help."""
    once = 1 if quick else 5
    if "objective" in wanted:
        objective.measure((20, 7, 9, 64) if quick else (100, 77, 49, 512), once, judged=not quick)
    if "step" in wanted:
        step.measure(20 if quick else 100, once)
    if "heads" in wanted:
        heads_step(once, not quick)
    if "tokens" in wanted:
        tokens(*(("tiny", 20) if quick else ("vit-b-32", 100)), once)
    if "evaluation" in wanted:
        evaluation(*((90, 18, (7, 9), 64, 1, False) if quick else (2260, 452, (77, 49), 512, 2, True)))
    if "noise" in wanted:
        noise(10_000 if quick else 1_000_000, once)
    if "ledger" in wanted:
        ledger(*((1_600, 5) if quick else (160_000, 50)), once)
        checksums(*((40, 1) if quick else (400, 3)))
    if "explorers" in wanted:
        explorers.measure([(2_000, 5)] if quick else [(20_000, 30)])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes, one repeat: only to see that it runs")
    parser.add_argument("--only", nargs="+", choices=ALL, default=ALL)
    arguments = parser.parse_args()
    repeats = 1 if arguments.quick else 5
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {os.cpu_count()} cores, load "
          f"{os.getloadavg()[0]:.1f}; median of {repeats} (evaluation: 2), least and most in brackets")  # fmt: skip
    print(f"{'':58} {'textbook':>11} {'ours':>11} {'ratio':>9}")
    full(set(arguments.only), arguments.quick)


if __name__ == "__main__":
    main()
