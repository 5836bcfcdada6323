"""Where a run came from: code version, packages, machine, time and, where it can be read, energy."""

import contextlib
import importlib.metadata
import platform
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rrsitr_lib.files import read_json, sealed, write_json

FILE, HIDDEN = "provenance.json", ".provenance.json"
PACKAGES = ("rrsitr-lib", "torch", "torchvision", "open-clip-torch", "timm", "transformers", "numpy", "pandas",
            "scikit-learn", "pillow", "papermill", "dask", "distributed")  # fmt: skip
POWERCAP = Path("/sys/class/powercap")


@contextlib.contextmanager
def recorded(run: str | Path, processes: int = 1) -> Iterator[None]:
    """Note in the run's folder where it came from; a run that goes on after an interruption gets a session more.

    ``processes``: by how many it is trained together.
    A session that was killed has no time. A finished run is not touched.
    """
    run = Path(run)
    if (run / "result.json").exists() and (run / FILE).exists():
        yield
        return
    found = [path for path in (run / HIDDEN, run / FILE) if path.exists()]  # hidden: of a session that was killed
    earlier = read_json(found[0])["sessions"] if found else []
    began = datetime.now(UTC).isoformat(timespec="seconds")
    session: dict[str, Any] = {"began": began, "seconds": None, "joules": None}
    where = {
        "code": code_version(),
        "packages": packages(),
        **machine(),
        "processes": processes,
        "sessions": [*earlier, session],
    }
    run.mkdir(parents=True, exist_ok=True)
    started, energy = time.perf_counter(), _joules()
    try:
        write_json(run / HIDDEN, where)  # a run claims only an empty folder: until then the record is out of sight
        yield
    finally:
        used = _joules()
        session["seconds"] = round(time.perf_counter() - started, 1)
        if used is not None and energy is not None and used >= energy:  # the counter starts anew now and then
            session["joules"] = round(used - energy)
        if (run / "config.yaml").exists():
            write_json(run / FILE, sealed(where))
        (run / HIDDEN).unlink(missing_ok=True)


def code_version() -> dict[str, Any]:
    """Version of the package; where it lies in a git checkout also the commit, and whether files differ from it."""
    found: dict[str, Any] = {"version": importlib.metadata.version("rrsitr-lib"), "commit": None, "dirty": None}
    folder = Path(__file__).parents[2]
    if (folder / ".git").exists():
        command = ["git", "--no-optional-locks", "-C", str(folder), "status", "--porcelain=v2", "--branch"]
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.splitlines()
            commit = said[0].removeprefix("# branch.oid ")
            if commit != "(initial)":  # there is none yet
                found |= {"commit": commit, "dirty": not all(line.startswith("#") for line in said)}
    return found


def packages() -> dict[str, str]:
    """Versions of the packages that a result may depend on; those that are not installed are left out."""
    found = {}
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def machine() -> dict[str, Any]:
    """Device and system; no name of the machine or of a user."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else _processor()
    system = f"{platform.system()} {platform.machine()}"
    return {"device": device, "system": system, "python": platform.python_version(), "threads": torch.get_num_threads()}


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return f"CPU {line.partition(':')[2].strip()}"
    return f"CPU {platform.processor() or platform.machine()}"


def _joules() -> float | None:
    """Energy that the processor packages count, everything on them included.

    None where they cannot be read, and beside a GPU, most of whose energy they would leave out.
    """
    import torch

    if torch.cuda.is_available():
        return None
    try:
        counters = [path for path in POWERCAP.glob("intel-rapl:*/energy_uj") if path.parent.name.count(":") == 1]
        return sum(int(path.read_text()) for path in counters) / 1e6 if counters else None
    except (OSError, ValueError):
        return None
