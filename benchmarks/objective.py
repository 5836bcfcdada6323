"""Local similarity and objective, forward and backward, against the textbook form: time, and memory at the peak.

``python benchmarks/objective.py NAME B TEXT IMAGE WIDTH`` prints the MiB that one step adds, as ``extra_memory`` asks.
"""

import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from textbook import SCALE, textbook_local, textbook_objective
from timing import compare
from torch import Tensor

from rrsitr_lib.methods.rrsitr import rrsitr_objective
from rrsitr_lib.model.similarity import local_similarity

GOALS = {"objective": 3.0}


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
    command = [sys.executable, __file__, name, *map(str, sizes)]
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


def measure(sizes: tuple[int, ...], repeats: int, judged: bool) -> None:
    """Time and memory of both, ``sizes``: pairs, text tokens, image tokens, width; ``judged``: against the goals."""
    for part in ("local", "objective"):
        title = f"{part}, forward + backward, B {sizes[0]}, {sizes[1]} x {sizes[2]} x {sizes[3]}"
        forms = STEPS[f"{part}/ours"](sizes), STEPS[f"{part}/textbook"](sizes)
        compare(title, *forms, repeats, goal=GOALS.get(part) if judged else None)
        textbook, ours = (extra_memory(f"{part}/{form}", sizes) for form in ("textbook", "ours"))
        ratio = textbook / max(ours, 1)
        print(
            f"{part + ': extra memory at the peak':58} {textbook:7.0f} MiB {ours:7.0f} MiB {ratio:7.1f} x", flush=True
        )


if __name__ == "__main__":
    print_memory(sys.argv[1], tuple(map(int, sys.argv[2:])))
