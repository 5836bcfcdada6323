"""All speed claims in one run: ratios against the textbook forms, with their spread over repeats.

Usage: python benchmarks/run.py [--quick]
"""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.noise import PROTOCOLS, inject
from rrsitr_lib.evaluation import FusedScore, recall
from rrsitr_lib.files import checksum
from rrsitr_lib.methods.rrsitr import rrsitr_objective
from rrsitr_lib.model.similarity import Features, cosine_similarity, local_similarity
from rrsitr_lib.training import checkpoint
from rrsitr_lib.training import ledger as ledger_module
from rrsitr_lib.training.ledger import COLUMNS, Ledger
from rrsitr_lib.training.run import train

SCALE = 20.0


def textbook_local(text_tokens: Tensor, image_tokens: Tensor, scale: float = 1.0) -> Tensor:
    """The formula as it is written: every table of token cosines, then its Frobenius norm."""
    text, image = F.normalize(text_tokens, dim=-1), F.normalize(image_tokens, dim=-1)
    return scale * torch.linalg.norm(torch.einsum("ald,bmd->ablm", text, image), dim=(-2, -1))


def textbook_objective(image: Tensor, text: Tensor, image_tokens: Tensor, text_tokens: Tensor) -> Tensor:
    """The paper's objective with the textbook local similarity and torch's own cross-entropy."""
    similarity = cosine_similarity(image, text)
    local = textbook_local(text_tokens, image_tokens, SCALE).T
    own = torch.arange(len(image))
    loss = sum(
        F.cross_entropy(logits, own, reduction="none")
        for table in (SCALE * similarity, local)
        for logits in (table, table.T)
    )
    gamma = torch.where(loss < 5, 5.0, 18.0)
    with torch.no_grad():
        weight = torch.where(loss < 18, torch.cos(torch.pi / 2 * loss / gamma).clamp(0, 1), 0.0)
        shift = -(2 * gamma / torch.pi) * (weight * torch.arccos(weight) - torch.sqrt(1 - weight**2))
    negatives = similarity.masked_fill(torch.eye(len(image), dtype=torch.bool), -torch.inf)
    triplet = 0
    for hardest in (negatives.amax(1), negatives.amax(0)):
        gap = hardest - similarity.diagonal()
        triplet = triplet + torch.relu(0.6 * (1 + torch.relu(gap)) + gap)
    paced = torch.where(loss < 5, 1.0, 0.8) * (weight * loss + shift)
    return torch.where(loss < 18, paced, 0.9 * triplet).mean()


def batch(size: int, text_length: int, image_length: int, width: int) -> list[Tensor]:
    """Random features: image, text, image tokens, text tokens, half of the pairs alike."""
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(size, width, generator=generator)
    text = image + torch.randn(size, width, generator=generator)
    tokens = [torch.randn(size, length, width, generator=generator) for length in (image_length, text_length)]
    return [image, text, tokens[0], tokens[1] + image[:, None]]


def local_step(form: Callable[..., Tensor], sizes: tuple[int, ...]) -> Callable[[], object]:
    """Forward and backward of a local similarity."""
    _, _, image_tokens, text_tokens = batch(*sizes)

    def step() -> None:
        text, image = text_tokens.clone().requires_grad_(), image_tokens.clone().requires_grad_()
        form(text, image, SCALE).sum().backward()

    return step


def objective_step(form: Callable[..., Tensor], sizes: tuple[int, ...]) -> Callable[[], object]:
    """Forward and backward of the whole objective."""
    features = batch(*sizes)

    def step() -> None:
        form(*[feature.clone().requires_grad_() for feature in features]).backward()

    return step


STEPS = {
    "local/ours": lambda sizes: local_step(local_similarity, sizes),
    "local/textbook": lambda sizes: local_step(textbook_local, sizes),
    "objective/ours": lambda sizes: objective_step(lambda *f: rrsitr_objective(*f, scale=SCALE).total, sizes),
    "objective/textbook": lambda sizes: objective_step(textbook_objective, sizes),
}


def extra_memory(name: str, sizes: tuple[int, ...]) -> float:
    """Peak MiB that one step adds, in a process of its own: the peak of a process never falls again."""
    command = [sys.executable, __file__, "--memory", name, *map(str, sizes)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def print_memory(name: str, sizes: tuple[int, ...]) -> None:
    """What ``extra_memory`` runs: a small step first, so that libraries are loaded, then the real one."""
    STEPS[name]((4, 3, 3, sizes[3]))()
    step = STEPS[name](sizes)
    before = peak_kib()
    step()
    print((peak_kib() - before) / 1024)


def peak_kib() -> int:
    """Peak memory of this process. Linux's getrusage would begin at the peak of the process that started this one."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])


def compare(
    title: str, ours: Callable[[], object], textbook: Callable[[], object], repeats: int, warm: bool = True
) -> None:
    """Time both in turn, so that the machine's drift hits both; print the ratio and its spread."""
    if warm:
        ours(), textbook()
    ratios, seconds = [], []
    for _ in range(repeats):
        times = [timed(textbook), timed(ours)]
        ratios.append(times[0] / times[1])
        seconds.append(times)
    slow, fast = np.median(seconds, axis=0)
    spread = f"{min(ratios):.1f} to {max(ratios):.1f}"
    print(f"{title:58} {slow:9.3f} s {fast:9.3f} s {np.median(ratios):7.1f} x   ({spread})", flush=True)


def timed(action: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def multiples_of_first(actions: Sequence[Callable[[], object]], rounds: int) -> tuple[float, list[str]]:
    """Median seconds of the first action, and of all the time as its multiple: median, quartiles in brackets.

    Every round times all in turn, so that the machine's drift hits all.
    """
    seconds = np.array([[timed(action) for action in actions] for _ in range(rounds)])
    quartiles = np.quantile(seconds / seconds[:, :1], [0.25, 0.5, 0.75], axis=0)
    return float(np.median(seconds[:, 0])), [
        f"{middle:.2f} ({low:.2f} to {high:.2f})" for low, middle, high in quartiles.T
    ]


def evaluation(captions: int, images: int, lengths: tuple[int, int], width: int, repeats: int) -> None:
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
    compare(title, ours, textbook, repeats, warm=False)  # the textbook form takes minutes


def plain(title: str, action: Callable[[], object], repeats: int) -> None:
    """A figure with no textbook form beside it."""
    times = [timed(action) for _ in range(repeats)]
    print(f"{title:58} {'':11} {np.median(times):9.3f} s {'':9}   ({min(times):.3f} to {max(times):.3f} s)", flush=True)


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


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, one repeat: only to see that it runs")
    parser.add_argument("--memory", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory:
        print_memory(arguments.memory[0], tuple(map(int, arguments.memory[1:])))
        return
    sizes, repeats = ((20, 7, 9, 64), 1) if arguments.quick else ((100, 77, 49, 512), 5)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; median of {repeats}, spread in brackets")
    print(f"{'':58} {'textbook':>11} {'ours':>11} {'ratio':>9}")
    for part in ("local", "objective"):
        title = f"{part}, forward + backward, B {sizes[0]}, {sizes[1]} x {sizes[2]} x {sizes[3]}"
        compare(title, STEPS[f"{part}/ours"](sizes), STEPS[f"{part}/textbook"](sizes), repeats)
        textbook, ours = (extra_memory(f"{part}/{form}", sizes) for form in ("textbook", "ours"))
        ratio = textbook / max(ours, 1)
        print(f"{part + ': extra memory at the peak':58} {textbook:7.0f} MiB {ours:7.0f} MiB {ratio:7.1f} x")
    evaluation(*((90, 18, (7, 9), 64, 1) if arguments.quick else (2260, 452, (77, 49), 512, 2)))
    noise(10_000 if arguments.quick else 1_000_000, repeats)
    ledger(*((1_600, 5, 1) if arguments.quick else (160_000, 50, 5)))
    checksums(*((40, 1) if arguments.quick else (400, 3)))


if __name__ == "__main__":
    main()
