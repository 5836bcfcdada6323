"""Lesson 04 in JupyterLab: every cell is run from the menu, the slider is dragged, picture and numbers follow."""

import os
import re
import subprocess
import sys
import time
import urllib.request

import pytest
from browser.looking import drag, errors, found, wait

from rrsitr_lib.notebook_run import NOTEBOOKS

LESSON = "04_self_paced_weights"
SENTENCES = "return [...document.querySelectorAll('.widget-html')].map(e => e.innerText).join('|')"
BARS = "return JSON.stringify(document.querySelector('.js-plotly-plot').calcdata.slice(1, 3).map(t => t.map(p => p.s)))"


@pytest.fixture
def lab(tmp_path):
    """JupyterLab over a copy of the lesson with small parameters, its settings apart from the reader's own; address."""
    folder = tmp_path / "lab"
    folder.mkdir()
    text = (NOTEBOOKS / f"{LESSON}.ipynb").read_text(encoding="utf-8")
    small = re.sub(r"EPOCHS = 8 ", "EPOCHS = 2 ", re.sub(r"SCENES = 400 ", "SCENES = 41 ", text))
    assert small != text
    (folder / "lesson.ipynb").write_text(small, encoding="utf-8")
    port = 8900 + os.getpid() % 90
    options = ("--no-browser", "--ip=127.0.0.1", f"--port={port}", "--allow-root", "--IdentityProvider.token=test")
    quiet = ("--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")
    apart = {f"JUPYTER_{name}_DIR": str(tmp_path / name.lower()) for name in ("CONFIG", "RUNTIME")}
    apart |= {f"JUPYTERLAB_{name}_DIR": str(tmp_path / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    command = [sys.executable, "-m", "jupyter", "lab", *options, f"--ServerApp.root_dir={folder}", *quiet]
    with open(tmp_path / "lab.log", "w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env={**os.environ, **apart})
    try:
        _until_it_answers(f"http://127.0.0.1:{port}/api?token=test", tmp_path / "lab.log")
        yield f"http://127.0.0.1:{port}/lab/tree/lesson.ipynb?token=test"
    finally:
        server.terminate()
        server.wait(30)


def _until_it_answers(address, log, seconds=120):
    for _ in range(seconds):
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            time.sleep(1)
    pytest.fail(log.read_text()[-2000:])


def _open(driver, address, times=3):
    """Open the lesson and wait for its kernel; now and then Lab waits for a reply that was lost, and a reload helps."""
    for left in reversed(range(times)):
        driver.get(address)
        wait(driver, lambda: found(driver, ".jp-Notebook .jp-Cell"), "the lesson")
        try:
            wait(driver, lambda: "| Idle" in found(driver, "#jp-main-statusbar")[0].text, "an idle kernel", 60)
            return
        except AssertionError:
            if not left:
                raise


def _run_all(driver):
    """Open the menu and choose Run All Cells."""
    (menu,) = [one for one in found(driver, "#jp-MainMenu .lm-MenuBar-item") if one.text == "Run"]
    menu.click()
    wait(driver, lambda: found(driver, "li[data-command='runmenu:run-all']"), "the command")[0].click()


def _look_for_the_explorer(driver):
    """Lab draws the outputs that are in sight: go to each cell in turn, as a reader does, until a slider is there."""
    for cell in found(driver, ".jp-Notebook .jp-Cell"):
        driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", cell)
        if handles := found(driver, ".jp-OutputArea .widget-slider [role=slider], .jp-OutputArea .noUi-handle"):
            return handles
    return []


def test_lesson_04_runs_and_its_slider_moves(browser, lab):
    _open(browser, lab)
    _run_all(browser)
    handle = wait(browser, lambda: _look_for_the_explorer(browser), "the explorer's slider")[0]
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", handle)
    wait(browser, lambda: "Mean weight in epoch" in browser.execute_script(SENTENCES), "the sentence")
    wait(browser, lambda: found(browser, ".js-plotly-plot .main-svg"), "the figure")
    # the lesson's next cell moves the explorer, so wait for the end before touching it
    wait(browser, lambda: "| Idle" in found(browser, "#jp-main-statusbar")[0].text, "the last cell")
    before = browser.execute_script(SENTENCES), browser.execute_script(BARS)
    drag(browser, handle, 150)
    wait(browser, lambda: browser.execute_script(SENTENCES) != before[0], "the numbers change", 60)
    wait(browser, lambda: browser.execute_script(BARS) != before[1], "the picture changes", 60)
    assert "failed" not in browser.execute_script(SENTENCES)
    assert errors(browser) == []
