"""Is this machine ready? One line a check, [OK] or [FAIL] with what to do."""

import importlib.metadata
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PACKAGES = (
    "torch", "torchvision", "open_clip_torch", "timm", "transformers", "scikit-learn", "pandas", "pillow",
    "jupyterlab", "ipywidgets", "matplotlib", "plotly", "anywidget", "umap-learn", "papermill", "nbval",
)  # fmt: skip
NEEDED_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class Check:
    """One finding: ``detail`` says what was found or, where not ``ok``, what to do."""

    name: str
    ok: bool
    detail: str


def checks() -> list[Check]:
    """Everything that a lesson or a run needs of the environment. Taught in: notebooks/00_start_here"""
    version = ".".join(map(str, sys.version_info[:3]))
    return [
        Check("Python", sys.version_info >= (3, 11), f"{version} (3.11 or newer is needed)"),
        *map(_package, PACKAGES),
        _torch_pair(),
        Check("processor", True, f"{_device()}, {os.cpu_count()} cores"),
        _disk(Path.cwd()),
        _kernel(),
        _tiny_weights(),
        _cache(),
    ]


def report(found: list[Check]) -> str:
    """The checks as text, one line each.

    >>> report([Check("disk", True, "9 GiB free"), Check("kernel", False, "install ipykernel")])
    '[OK] disk: 9 GiB free\\n[FAIL] kernel: install ipykernel'
    """
    return "\n".join(f"[{'OK' if check.ok else 'FAIL'}] {check.name}: {check.detail}" for check in found)


def start(seed: int) -> np.random.Generator:
    """Begin a lesson: print what fails, or that all is well, and return a generator of the lesson's own.

    Taught in: notebooks/00_start_here
    """
    found = checks()
    failed = [check for check in found if not check.ok]
    print(report(failed) if failed else f"[OK] all {len(found)} checks of the environment passed")
    return np.random.default_rng(seed)


def _package(name: str) -> Check:
    try:
        return Check(name, True, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Check(name, False, "not installed: pip install -c constraints.txt -e '.[notebooks,test]'")


def _torch_pair() -> Check:
    """torch and torchvision of two builds import, and then fail at the first operator."""
    try:
        import torch
        import torchvision

        boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 1.9, 1.9]])
        kept = torchvision.ops.nms(boxes, torch.tensor([0.9, 0.8]), 0.5)
        return Check("torch with torchvision", kept.tolist() == [0], "one build, operators work")
    except (ImportError, RuntimeError) as error:
        advice = "install both together: pip install --force-reinstall torch torchvision"
        return Check("torch with torchvision", False, f"{' '.join(str(error).split())[:80]}; {advice}")


def _device() -> str:
    try:
        import torch

        return torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU, the lessons need none"
    except ImportError:
        return "unknown without torch"


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    return Check("disk", free >= NEEDED_BYTES, f"{free / 1024**3:.0f} GiB free here (2 are needed)")


def _kernel() -> Check:
    try:
        from jupyter_client.kernelspec import KernelSpecManager

        found = "python3" in KernelSpecManager().find_kernel_specs()
    except ImportError:
        found = False
    return Check("Jupyter kernel", found, "python3" if found else "pip install ipykernel")


def _tiny_weights() -> Check:
    path = Path(__file__).parents[1] / "model" / "weights" / "rrsitr_tiny.safetensors"
    return Check("tiny weights", path.exists(), path.name if path.exists() else "make tiny-weights (minutes)")


def _cache() -> Check:
    from rrsitr_lib.model.token_cache import cache_folder

    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return Check("token cache", True, "writable")
    except OSError as error:
        return Check("token cache", False, f"{folder}: {error.strerror}; set RRSITR_CACHE to a writable folder")
