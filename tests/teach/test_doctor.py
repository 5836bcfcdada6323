"""The environment check: right on a healthy machine, and of use on a broken one."""

import importlib
import importlib.metadata
import re
import shutil
import sys
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest

from rrsitr_lib.teach import doctor
from rrsitr_lib.teach.doctor import Check, checks, report, start


def test_this_machine_is_ready():
    found = checks()
    assert all(check.ok for check in found), report(found)
    assert all("\n" not in check.detail and check.detail for check in found)


def test_every_dependency_is_checked():
    requirements = importlib.metadata.requires("rrsitr-lib")
    aside = re.compile(r"""extra == ['"](test|browser|trackers|site)['"]""")
    wanted = {line.split(";")[0].strip() for line in requirements if not aside.search(line)}
    names = {check.name.lower().replace("_", "-") for check in checks()}
    missing = [line for line in wanted if not any(line.lower().replace("_", "-").startswith(name) for name in names)]
    assert not missing


def fails(name, said):
    """The check of this name fails, and says so."""
    (check,) = [check for check in checks() if check.name == name]
    assert not check.ok and said in check.detail


@pytest.mark.parametrize(("found", "said"), [(None, "not installed: pip install"), ("4.9", "4.9, needed is")])
def test_a_package_that_is_missing_or_too_old_is_named_with_what_to_do(monkeypatch, found, said):
    version = importlib.metadata.version

    def other(name):
        if name == "plotly" and found is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return found if name == "plotly" else version(name)

    monkeypatch.setattr(importlib.metadata, "version", other)
    fails("plotly", said)


@pytest.mark.parametrize("package", ["torch", "safetensors", "jupyter_client", "packaging", "numpy"])
def test_a_missing_library_does_not_end_the_report(package):
    """The command is of most use where an import fails; the project itself is imported anew, without the library."""
    checks()  # whatever it needs is loaded: a second torchvision would be an error
    with patch.dict(sys.modules, {name: None for name in [package, *sys.modules] if name.partition(".")[0] == package}):
        for name in [name for name in sys.modules if name.startswith("rrsitr_lib")]:
            del sys.modules[name]
        anew = importlib.import_module("rrsitr_lib.teach.doctor")
        text = anew.report(anew.checks())
    assert "[FAIL]" in text and "disk: " in text


def test_torchvision_of_another_build_is_recognised(monkeypatch):
    import torchvision

    def nms(*_):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(torchvision.ops, "nms", nms)
    fails("torch with torchvision", "nms does not exist; install both together")


def test_a_full_disk_fails(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=10**9))
    fails("disk", "1 GiB free here (2 are needed)")


def test_an_old_python_fails(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    fails("Python", "3.10.4")


def test_absent_tiny_weights_fail(monkeypatch, tmp_path):
    monkeypatch.setattr("rrsitr_lib.model.encoders.tiny.TinyStrong.shipped", tmp_path / "absent.safetensors")
    fails("tiny weights", "make tiny-weights")


def test_an_unwritable_cache_fails(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("RRSITR_CACHE", str(tmp_path / "file" / "cache"))
    fails("token cache", "set RRSITR_CACHE")


def test_a_machine_without_gpu_is_no_failure(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert any(check.ok and check.name == "processor" and "no GPU" in check.detail for check in checks())


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
