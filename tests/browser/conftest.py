"""A real browser: Debian's chromium by its own driver, only where ``--browser`` asks for it."""

import os
import shutil
from pathlib import Path

import pytest

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1300,1000",
)  # fmt: skip


@pytest.fixture
def browser(request, tmp_path):
    """A browser with a profile of its own; a screenshot is left where RRSITR_SCREENSHOTS names a folder."""
    if not request.config.getoption("--browser"):
        pytest.skip("needs chromium; make test-browser asks for it")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield driver
        if folder := os.environ.get("RRSITR_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            driver.save_screenshot(str(Path(folder) / f"{request.node.name.replace('/', '_')}.png"))
    finally:
        driver.quit()
