"""What a reader sees: exported pages and lesson 04 in JupyterLab, in a real browser, sliders moved by the keyboard."""

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest

from rrsitr_lib.show.explorers.pacing import PacingExplorer
from rrsitr_lib.show.explorers.partition import PartitionExplorer
from rrsitr_lib.show.explorers.weights import WeightsExplorer
from rrsitr_lib.show.page import write_page
from rrsitr_lib.teach.notebooks import NOTEBOOKS
from rrsitr_lib.training.ledger import COLUMNS, Ledger

PATIENCE = 240


def wait(driver, condition, what, seconds=PATIENCE):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(driver, seconds, poll_frequency=0.3).until(lambda _: condition(), message=what)


def errors(driver):
    return [
        entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE" and "favicon" not in entry["message"]
    ]


@pytest.fixture
def ledger(tmp_path):
    generator = np.random.default_rng(3)
    written = Ledger.create(tmp_path / "run" / "ledger", np.arange(60) % 3 == 0, {"seed": 3})
    for _ in range(4):
        written.append({name: generator.random(60) * (25 if name == "loss" else 1) for name in COLUMNS})
    return written


@pytest.mark.parametrize("kind", [WeightsExplorer, PartitionExplorer, PacingExplorer])
def test_exported_page_moves_without_network(browser, ledger, tmp_path, kind):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    explorer = kind() if kind is PacingExplorer else kind(ledger)
    browser.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    browser.get(write_page(explorer, tmp_path / "page.html", frames=60).as_uri())
    body = browser.find_element(By.TAG_NAME, "body")
    wait(browser, lambda: body.get_attribute("data-frame"), "the page draws")
    said = browser.find_element(By.ID, "said")
    before, traces = (
        said.text,
        "return JSON.stringify(document.getElementById('figure').data.map(t => [t.y, t.z, t.x]))",
    )
    drawn = browser.execute_script(traces)
    slider = browser.find_element(By.CSS_SELECTOR, "input[type=range]")
    slider.send_keys(Keys.HOME)
    wait(browser, lambda: said.text != before, "the numbers change", 20)
    assert browser.execute_script(traces) != drawn or kind is PartitionExplorer, "the picture changes"
    assert browser.find_elements(By.CSS_SELECTOR, "#figure .main-svg"), "a figure is drawn"
    assert errors(browser) == []


@pytest.fixture
def lab(tmp_path):
    """JupyterLab over a copy of lesson 04 with small parameters; yields its address."""
    folder = tmp_path / "lab"
    folder.mkdir()
    text = (NOTEBOOKS / "04_self_paced_weights.ipynb").read_text(encoding="utf-8")
    small = re.sub(r"EPOCHS = 8 ", "EPOCHS = 2 ", re.sub(r"SCENES = 400 ", "SCENES = 41 ", text))
    (folder / "04.ipynb").write_text(small, encoding="utf-8")
    port = 8900 + os.getpid() % 90
    options = ("--no-browser", "--ip=127.0.0.1", f"--port={port}", "--allow-root", "--IdentityProvider.token=test")
    quiet = ("--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")
    command = [sys.executable, "-m", "jupyter", "lab", *options, f"--ServerApp.root_dir={folder}", *quiet]
    with open(tmp_path / "lab.log", "w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    address = f"http://127.0.0.1:{port}/lab/tree/04.ipynb?token=test"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api?token=test", timeout=2).close()
                break
            except OSError:
                time.sleep(0.3)
        else:
            pytest.fail((tmp_path / "lab.log").read_text()[-2000:])
        yield address
    finally:
        server.terminate()
        server.wait(30)


@pytest.mark.xfail(reason="the slider and the sentence are found in JupyterLab, the figure not yet")
def test_lesson_04_runs_in_jupyterlab_and_its_slider_moves(browser, lab, tmp_path):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.get(lab)
    wait(browser, lambda: browser.find_elements(By.CSS_SELECTOR, ".jp-Notebook .jp-Cell"), "the lesson opens")
    time.sleep(5)  # the kernel connects
    menu = wait(browser, lambda: browser.find_elements(By.XPATH, "//li[.//div[text()='Run']]"), "the menu")[0]
    menu.click()
    wait(browser, lambda: browser.find_elements(By.XPATH, "//li[@data-command='runmenu:run-all']"), "the command")[
        0
    ].click()

    def scrolled():
        """Lab draws the cells that are in sight: look further down until the widget is there."""
        browser.execute_script("document.querySelectorAll('.jp-WindowedPanel-outer').forEach(e => e.scrollBy(0, 500))")
        return browser.find_elements(By.CSS_SELECTOR, ".jp-OutputArea .widget-slider [role=slider]")

    handle = wait(browser, scrolled, "the explorer's slider")[0]
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", handle)
    words = "return [...document.querySelectorAll('.widget-html')].map(e => e.innerText).join('|')"
    wait(browser, lambda: "Mean weight in epoch" in browser.execute_script(words), "the sentence")
    wait(browser, lambda: browser.find_elements(By.CSS_SELECTOR, ".js-plotly-plot .main-svg"), "the figure")
    picture = "return document.querySelector('.js-plotly-plot').data[1].y.toString()"
    before = browser.execute_script(words), browser.execute_script(picture)
    ActionChains(browser).click(handle).send_keys(Keys.ARROW_LEFT).perform()
    wait(browser, lambda: browser.execute_script(words) != before[0], "the numbers change", 60)
    wait(browser, lambda: browser.execute_script(picture) != before[1], "the picture changes", 60)
    browser.save_screenshot(str(tmp_path / "lab.png"))
    shutil.copyfile(
        tmp_path / "lab.png", os.environ["RRSITR_SCREENSHOT"]
    ) if "RRSITR_SCREENSHOT" in os.environ else None
