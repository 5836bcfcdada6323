"""A real browser: Debian's chromium by its own driver, only where ``--browser`` asks for it."""

import shutil

import pytest
from browser.looking import screenshot

from rrsitr_lib.config import RunConfig
from rrsitr_lib.training.run import train

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,1000",
)  # fmt: skip
SMALL = {"encoder": "tiny", "scenes": 41, "epochs": 4, "noise_rate": 0.4, "method": "rrsitr", "seed": 3}


@pytest.fixture(scope="session")
def wanted(request):
    """Skips what needs a browser where none was asked for."""
    if not request.config.getoption("--browser"):
        pytest.skip("needs chromium; make test-browser asks for it")


@pytest.fixture(scope="session")
def run(wanted, tmp_path_factory):
    """A real run, small: everything that explorers read is there."""
    folder = tmp_path_factory.mktemp("runs") / "rrsitr"
    train(RunConfig.build(**SMALL), folder, progress=False)
    return folder


@pytest.fixture
def browser(wanted, request, tmp_path):
    """A browser with a profile of its own; a screenshot is left where RRSITR_SCREENSHOTS names a folder."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield driver
        screenshot(driver, request.node.name.replace("/", "_"))
    finally:
        driver.quit()
