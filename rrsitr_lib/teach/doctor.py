"""Is this machine ready? One line a check, [OK] or [FAIL] with what to do."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rrsitr_lib.cores import cores
from rrsitr_lib.errors import printable

if TYPE_CHECKING:  # every other import below happens within a check, so that one that fails is reported
    import numpy as np
    from packaging.specifiers import SpecifierSet

INSTALL = "pip install -c constraints.txt -e '.[notebooks,study,site,test]'"
INSTALL_TOGETHER = "install both together: pip install --force-reinstall torch torchvision"
NEEDED_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class Check:
    """One finding: ``detail`` says what was found or, where not ``ok``, what to do."""

    name: str
    ok: bool
    detail: str


def checks() -> list[Check]:
    """Everything that a lesson or a run needs of the environment; never raises."""
    version = ".".join(map(str, sys.version_info[:3]))
    return [
        Check("Python", sys.version_info >= (3, 11), f"{version} (3.11 or newer is needed)"),
        *_packages(),
        _tried("torch with torchvision", _torch_pair, INSTALL_TOGETHER),
        _tried("processor", _processor),
        _tried("disk", _disk),
        _tried("Jupyter kernel", _kernel),
        _tried("tiny weights", _tiny_weights),
        _tried("token cache", _cache),
    ]


def report(found: list[Check]) -> str:
    """The checks as text, one line each.

    >>> report([Check("disk", True, "9 GiB free"), Check("kernel", False, "install ipykernel")])
    '[OK] disk: 9 GiB free\\n[FAIL] kernel: install ipykernel'
    """
    return "\n".join(f"[{'OK' if check.ok else 'FAIL'}] {check.name}: {printable(check.detail)}" for check in found)


def start(seed: int) -> np.random.Generator:
    """Begin a lesson: print what fails, or that all is well, and return a generator of the lesson's own."""
    from numpy.random import default_rng

    failed = [check for check in checks() if not check.ok]
    print(report(failed) if failed else "[OK] the environment has all that the lessons need")
    return default_rng(seed)


def _tried(name: str, look: Callable[[], tuple[bool, str]], advice: str = INSTALL) -> Check:
    """A check that breaks is a finding, not the end of the report."""
    try:
        return Check(name, *look())
    except Exception as error:  # a damaged package can raise anything at import
        return Check(name, False, f"{' '.join(str(error).split())[:90]}; {advice}")


def _packages() -> list[Check]:
    """What pyproject.toml asks for, tests aside, against what is installed."""
    try:
        from packaging.requirements import Requirement

        needed = [Requirement(line) for line in importlib.metadata.requires("rrsitr-lib") or ()]
    except ImportError:  # of packaging, or of the project's own metadata
        return [Check("rrsitr-lib", False, f"not installed: {INSTALL}")]
    return [
        _package(one.name, one.specifier)
        for one in needed
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("notebooks", "study"))
    ]


def _package(name: str, allowed: SpecifierSet) -> Check:
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(name, False, f"not installed: {INSTALL}")
    fits = allowed.contains(found, prereleases=True)
    return Check(name, fits, found if fits else f"{found}, needed is {allowed}: {INSTALL}")


def _torch_pair() -> tuple[bool, str]:
    """torch and torchvision of two builds import, and then fail at the first operator."""
    import torch
    import torchvision

    boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 1.9, 1.9]])
    kept = torchvision.ops.nms(boxes, torch.tensor([0.9, 0.8]), 0.5)
    return kept.tolist() == [0], "one build, operators work"


def _processor() -> tuple[bool, str]:
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU, the lessons need none"
    return True, f"{device}, {cores()} cores"


def _disk() -> tuple[bool, str]:
    free = shutil.disk_usage(Path.cwd()).free
    return free >= NEEDED_BYTES, f"{free / 1024**3:.0f} GiB free here (2 are needed)"


def _kernel() -> tuple[bool, str]:
    from jupyter_client.kernelspec import KernelSpecManager

    found = "python3" in KernelSpecManager().find_kernel_specs()
    return found, "python3" if found else "there is none called python3: pip install ipykernel"


def _tiny_weights() -> tuple[bool, str]:
    from rrsitr_lib.model.encoders.tiny import Tiny, TinyStrong

    absent = [recipe.shipped.name for recipe in (Tiny, TinyStrong) if not recipe.shipped.exists()]
    return not absent, f"{', '.join(absent)} not there: make tiny-weights (minutes)" if absent else "shipped"


def _cache() -> tuple[bool, str]:
    from rrsitr_lib.files import cache_folder

    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True, "writable"
    except OSError as error:
        return False, f"{folder}: {error.strerror}; set RRSITR_CACHE to a writable folder"
