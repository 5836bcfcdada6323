"""Options of the test command, and what many tests stand on."""

import pytest


def pytest_addoption(parser):
    """Browser tests need a browser: they run where they are asked for."""
    parser.addoption("--browser", action="store_true", help="run the tests in a real browser")


def pytest_collection_modifyitems(items):
    """The longest module first, so that no process waits for another at the end."""
    items.sort(key=lambda item: "test_nbval" not in item.nodeid)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the test's own."""
    monkeypatch.setenv("RRSITR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def few_scenes(monkeypatch):
    """Small validation and test splits, for tests that are not about recall."""
    monkeypatch.setattr("rrsitr_lib.scenes.dataset.VAL", 20)
    monkeypatch.setattr("rrsitr_lib.scenes.dataset.TEST", 20)
