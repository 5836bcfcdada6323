"""Options of the test command, and what many tests stand on."""

import os
from pathlib import Path

import pytest

from rrsitr_lib.scenes import dataset

os.environ["RRSITR_TRACEBACK"] = "1"  # an error of the library fails a test with all that is known of it


def pytest_addoption(parser):
    """Browser tests need a browser, and studies that are killed their time: they run where asked for."""
    parser.addoption("--browser", action="store_true", help="run the tests in a real browser")
    parser.addoption("--long", action="store_true", help="run the tests that are marked as long, and no others")


def pytest_configure(config):
    """What ``@pytest.mark.long`` means."""
    config.addinivalue_line("markers", "long: starts many processes, one after another; run by make test-long")


def pytest_collection_modifyitems(config, items):
    """The longest module first, so that no process waits for another at the end."""
    asked = config.getoption("--long")
    config.hook.pytest_deselected(items=[item for item in items if bool(item.get_closest_marker("long")) != asked])
    items[:] = [item for item in items if bool(item.get_closest_marker("long")) == asked]
    items.sort(key=lambda item: "test_nbval" not in item.nodeid)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the test's own."""
    monkeypatch.setenv("RRSITR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def few_scenes():
    """Small validation and test splits, here and in processes started here, for tests that are not about recall."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent / "few_scenes"), prepend=os.pathsep)
        for name in ("VAL", "TEST"):
            patch.setattr(dataset, name, 30)
        dataset._scenes.cache_clear()
        yield
    dataset._scenes.cache_clear()
