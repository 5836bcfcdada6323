"""The environment check: right on a healthy machine, and of use on a broken one."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from rrsitr_lib.teach import doctor
from rrsitr_lib.teach.doctor import Check, checks, report, start


def named(found, name):
    (check,) = [check for check in found if check.name == name]
    return check


def test_this_machine_is_ready():
    failed = [check for check in checks() if not check.ok]
    assert not failed, report(failed)


def test_every_dependency_is_checked():
    requirements = importlib.metadata.requires("rrsitr-lib")
    aside = re.compile(r"""extra == ['"](test|browser|trackers)['"]""")
    wanted = {line.split(";")[0].strip() for line in requirements if not aside.search(line)}
    names = {check.name.lower().replace("_", "-") for check in checks()}
    missing = [line for line in wanted if not any(line.lower().replace("_", "-").startswith(name) for name in names)]
    assert not missing


def test_report_is_a_line_a_check():
    text = report([Check("disk", True, "9 GiB free"), Check("kernel", False, "pip install ipykernel")])
    assert text.splitlines() == ["[OK] disk: 9 GiB free", "[FAIL] kernel: pip install ipykernel"]
    assert report([]) == ""


def test_no_detail_breaks_the_line():
    assert all("\n" not in check.detail and check.detail for check in checks())


def test_a_missing_package_is_named_with_what_to_do(monkeypatch):
    version = importlib.metadata.version

    def absent(name):
        if name == "plotly":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)
    check = named(checks(), "plotly")
    assert not check.ok and "pip install" in check.detail


@pytest.mark.parametrize("package", ["torch", "safetensors", "jupyter_client", "packaging", "numpy"])
def test_a_missing_library_does_not_end_the_report(package):
    """The command is of most use where an import fails."""
    code = f"import sys; sys.modules[{package!r}] = None; from rrsitr_lib.teach import doctor as d"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print(d.report(d.checks()))"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "[FAIL]" in done.stdout and "disk: " in done.stdout


def test_torchvision_of_another_build_is_recognised(monkeypatch):
    import torchvision

    def nms(*_):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(torchvision.ops, "nms", nms)
    check = named(checks(), "torch with torchvision")
    assert not check.ok and "nms does not exist" in check.detail and "install both together" in check.detail


def test_a_full_disk_fails(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=10**9))
    assert not named(checks(), "disk").ok


def test_an_old_python_fails(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    check = named(checks(), "Python")
    assert not check.ok and "3.10.4" in check.detail


def test_absent_tiny_weights_fail(monkeypatch, tmp_path):
    monkeypatch.setattr("rrsitr_lib.model.encoders.tiny.TINY_WEIGHTS", tmp_path / "absent.safetensors")
    check = named(checks(), "tiny weights")
    assert not check.ok and "make tiny-weights" in check.detail


def test_a_version_out_of_range_says_what_is_needed(monkeypatch):
    version = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "4.9" if name == "plotly" else version(name))
    check = named(checks(), "plotly")
    assert not check.ok and "4.9, needed is" in check.detail


def test_an_unwritable_cache_fails(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("RRSITR_CACHE", str(tmp_path / "file" / "cache"))
    check = named(checks(), "token cache")
    assert not check.ok and "RRSITR_CACHE" in check.detail


def test_a_machine_without_gpu_is_no_failure(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    check = named(checks(), "processor")
    assert check.ok and "no GPU" in check.detail


def test_start_says_all_is_well_and_leaves_the_global_state_alone(capsys):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = start(3), start(3)
    assert "[OK]" in capsys.readouterr().out
    assert first.random() == second.random() == np.random.default_rng(3).random()
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_start_shows_what_fails(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "checks", lambda: [Check("a", True, "fine"), Check("b", False, "do this")])
    start(0)
    assert capsys.readouterr().out == "[FAIL] b: do this\n"
