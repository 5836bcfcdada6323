"""Options of the test command."""


def pytest_addoption(parser):
    """Browser tests need a browser: they run where they are asked for."""
    parser.addoption("--browser", action="store_true", help="run the tests in a real browser")


def pytest_collection_modifyitems(items):
    """The longest module first, so that no process waits for another at the end."""
    items.sort(key=lambda item: "test_nbval" not in item.nodeid)
