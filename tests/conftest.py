"""Options of the test command."""


def pytest_addoption(parser):
    """Browser tests need a browser: they run where they are asked for."""
    parser.addoption("--browser", action="store_true", help="run the tests in a real browser")
