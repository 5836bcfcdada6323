"""In JupyterLab: a notebook is run from the menu, and every control of every explorer follows the mouse."""

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
from browser.looking import BUTTONS, PATIENCE, drag, errors, found, screenshot, toolbar, wait
from nbformat.v4 import new_code_cell, new_notebook

from rrsitr_lib.show.explorers.controls import Slider
from rrsitr_lib.show.explorers.pacing import PacingExplorer
from rrsitr_lib.show.explorers.tabs import EXPLORERS, open_explorer

SENTENCES = "return [...document.querySelectorAll('.widget-html')].map(e => e.innerText).join('|')"
NARROWEST, PULL = 150, 0.4  # pixels of a track; the part of it over which its handle is dragged
SHOWN = """
const plot = arguments[0].querySelector('.js-plotly-plot');
const words = [...arguments[0].querySelectorAll('.widget-html')].filter(one => !one.querySelector('code'));
return JSON.stringify([plot.data, plot.layout, words.map(one => one.innerText)]);
"""


# --- JupyterLab ---


def _all_explorers():
    """A notebook with an explorer a cell, after one that imports."""
    code = ["from rrsitr_lib.show.explorers.pacing import PacingExplorer"]
    code[0] += "\nfrom rrsitr_lib.show.explorers.tabs import open_explorer"
    code += [f"open_explorer({name!r}, 'run').view()" for name in EXPLORERS] + ["PacingExplorer().view()"]
    notebook = new_notebook(cells=[new_code_cell(one) for one in code])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.writes(notebook)


@pytest.fixture(scope="module")
def lab(run, tmp_path_factory):
    """JupyterLab over the notebook, its settings apart from the reader's own; the notebook's address."""
    place = tmp_path_factory.mktemp("lab")
    folder = place / "lab"
    shutil.copytree(run, folder / "run")
    (folder / "explorers.ipynb").write_text(_all_explorers(), encoding="utf-8")
    port = 8900 + os.getpid() % 90
    options = ("--no-browser", "--ip=127.0.0.1", f"--port={port}", "--allow-root", "--IdentityProvider.token=test")
    quiet = ("--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")
    apart = {f"JUPYTER_{name}_DIR": str(place / name.lower()) for name in ("CONFIG", "RUNTIME")}
    apart |= {f"JUPYTERLAB_{name}_DIR": str(place / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    command = [sys.executable, "-m", "jupyter", "lab", *options, f"--ServerApp.root_dir={folder}", *quiet]
    with open(place / "lab.log", "w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env={**os.environ, **apart})
    try:
        _until_it_answers(f"http://127.0.0.1:{port}/api?token=test", place / "lab.log")
        yield f"http://127.0.0.1:{port}/lab/tree/explorers.ipynb"
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
    """Open a notebook and wait for its kernel; now and then Lab waits for a reply that was lost, and a reload helps."""
    for left in reversed(range(times)):
        driver.get(f"{address}?token=test")
        wait(driver, lambda: found(driver, ".jp-Notebook .jp-Cell"), "the notebook")
        try:
            return _until_idle(driver, "an idle kernel", 60)
        except AssertionError:
            if not left:
                raise


def _until_idle(driver, what, seconds=PATIENCE):
    wait(driver, lambda: "| Idle" in found(driver, "#jp-main-statusbar")[0].text, what, seconds)


def _run_all(driver):
    """Open the menu and choose Run All Cells."""
    (menu,) = [one for one in found(driver, "#jp-MainMenu .lm-MenuBar-item") if one.text == "Run"]
    menu.click()
    wait(driver, lambda: found(driver, "li[data-command='runmenu:run-all']"), "the command")[0].click()


# --- every explorer ---


def _numbers(driver):
    """What stands beside the cells; an output that still arrives would move what lies under the mouse."""
    script = "return [...document.querySelectorAll('.jp-InputArea-prompt')].map(one => one.textContent.trim())"
    return driver.execute_script(script)


def _held(driver, cell, name):
    """What the kernel holds as the value of a control: it stands in the line that brings the view back."""
    line = driver.execute_script("return arguments[0].querySelector('.widget-html code').innerText", cell)
    return re.search(rf"\b{name}=('[^']*'|[^,)]+)", line)[1]


def _read(number):
    return float(number.text.replace("\N{MINUS SIGN}", "-"))


def _drag_it(driver, cell, spec, slider):
    """Drag to the roomier side; the number beside the track and the kernel's follow the hand."""
    (track,), (handle,), (number,) = (found(slider, one) for one in (".noUi-target", ".noUi-handle", ".widget-readout"))
    width, span = track.rect["width"], spec.values[-1] - spec.low
    assert width >= NARROWEST, f"the track of {spec.name} is {width} pixels wide"
    start = (float(_held(driver, cell, spec.name)) - spec.low) / span
    goal = start + (PULL if start < 0.5 else -PULL)
    drag(driver, handle, (goal - start) * width)
    wait(driver, lambda: float(_held(driver, cell, spec.name)) == _read(number), f"{spec.name} in the kernel", 30)
    reached = (_read(number) - spec.low) / span
    assert abs(reached - goal) <= max(0.03, spec.step / span), f"{spec.name} was dragged to {goal}, and is at {reached}"


def _choose_another(driver, cell, spec, dropdown):
    """Choose the last entry that is not the present one; of the schedules, the first is that of the run."""
    from selenium.webdriver.support.ui import Select

    menu, before = Select(found(dropdown, "select")[0]), _held(driver, cell, spec.name)
    menu.select_by_visible_text([option.text for option in menu.options if not option.is_selected()][-1])
    wait(driver, lambda: _held(driver, cell, spec.name) != before, f"{spec.name} in the kernel", 90)


def _move(driver, cell, spec, control):
    """Move one control with the mouse, and see figure, sentence or cards change."""
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", control)
    before = driver.execute_script(SHOWN, cell)
    (_drag_it if isinstance(spec, Slider) else _choose_another)(driver, cell, spec, control)
    wait(driver, lambda: driver.execute_script(SHOWN, cell) != before, f"what {spec.name} changes", 30)


def test_every_control_of_every_explorer_follows_the_mouse(browser, lab, run):
    _open(browser, lab)
    _run_all(browser)
    explorers = {name: open_explorer(name, run) for name in EXPLORERS} | {"pacing": PacingExplorer()}
    wait(browser, lambda: _numbers(browser) == [f"[{k}]:" for k in range(1, 2 + len(explorers))], "all cells have run")
    for place, (name, explorer) in enumerate(explorers.items(), 1):
        cell = found(browser, ".jp-Notebook .jp-Cell")[place]
        browser.execute_script("arguments[0].scrollIntoView({block: 'start'})", cell)
        wait(browser, lambda cell=cell: found(cell, ".js-plotly-plot .main-svg"), f"the figure of {name}")
        assert toolbar(cell) == BUTTONS, "none that sends data away, none that selects"
        controls = dict(zip(explorer.specs, found(cell, ".widget-slider, .widget-dropdown"), strict=True))
        # a slider first, as a choice may leave it nothing to move; but a schedule must be chosen before its start
        for spec in sorted(controls, key=lambda one: (one.name == "start", not isinstance(one, Slider))):
            _move(browser, cell, spec, controls[spec])
        browser.execute_script("arguments[0].scrollIntoView({block: 'start'})", cell)
        screenshot(browser, f"explorer_{name}")
    assert "failed" not in browser.execute_script(SENTENCES)
    assert errors(browser) == []
