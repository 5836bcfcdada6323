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
from browser.looking import (
    BUTTONS,
    PATIENCE,
    SELECTING,
    drag,
    draw_path,
    errors,
    found,
    panel,
    screenshot,
    toolbar,
    wait,
)  # fmt: skip
from nbformat.v4 import new_code_cell, new_notebook

from rrsitr_lib.methods.partition import CATEGORY_NAMES
from rrsitr_lib.show.explorers.controls import Slider
from rrsitr_lib.show.explorers.pacing import PacingExplorer
from rrsitr_lib.show.explorers.tabs import EXPLORERS, OF_TWO_RUNS, open_explorer

SELECTS = (("partition", "embedding"), ("weights", "flow"), ("margins", "compare"))  # those of a notebook each
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
    return _notebook(code)


def _notebook(code):
    notebook = new_notebook(cells=[new_code_cell(one) for one in code])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.writes(notebook)


@pytest.fixture
def lab(run, tmp_path_factory):
    """JupyterLab of this test alone, its settings apart from the reader's own; the address of a notebook."""
    place = tmp_path_factory.mktemp("lab")
    folder = place / "lab"
    shutil.copytree(run, folder / "run")
    (folder / "explorers.ipynb").write_text(_all_explorers(), encoding="utf-8")
    opened = "from rrsitr_lib.show.explorers.tabs import open_explorer\nopen_explorer({!r}, 'run'{}).view()"
    for names in SELECTS:
        code = [opened.format(name, ", other='run'" * (name in OF_TWO_RUNS)) for name in names]
        (folder / f"{names[0]}.ipynb").write_text(_notebook(code), encoding="utf-8")
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
        assert toolbar(cell) == BUTTONS | SELECTING[explorer.gesture], "none sends data away, none selects in vain"
        controls = dict(zip(explorer.specs, found(cell, ".widget-slider, .widget-dropdown"), strict=True))
        # a slider first, as a choice may leave it nothing to move; but a schedule must be chosen before its start
        for spec in sorted(controls, key=lambda one: (one.name == "start", not isinstance(one, Slider))):
            _move(browser, cell, spec, controls[spec])
        browser.execute_script("arguments[0].scrollIntoView({block: 'start'})", cell)
        screenshot(browser, f"explorer_{name}")
    assert "failed" not in browser.execute_script(SENTENCES)
    assert errors(browser) == []


# --- pairs chosen by hand ---


def _chosen(driver, cell, what):
    """How many pairs the sentence counts, and how many cards with an image stand below it."""
    counted = r"([\d,]+) selected: "
    wait(driver, lambda: re.search(counted + what, cell.text), f"a selection: {what}", 30)
    parts = found(cell, ".widget-html")
    (place,) = [k for k, part in enumerate(parts) if re.search(counted, part.text)]
    cards = found(parts[place + 1], "img[alt]")
    return int(re.search(counted, parts[place].text)[1].replace(",", "")), len(cards)


CORNERS = [(0.03, 0.03), (0.97, 0.03), (0.97, 0.97), (0.03, 0.97), (0.03, 0.1)]


@pytest.fixture
def selecting(browser, lab):
    """Opens the notebook of some explorers; gives a function that shows a figure, and the cells."""

    def show(names):
        _open(browser, lab.replace("explorers.ipynb", f"{names[0]}.ipynb"))
        _run_all(browser)
        wait(browser, lambda: _numbers(browser) == ["[1]:", "[2]:"], "all cells have run")
        return found(browser, ".jp-Notebook .jp-Cell")

    return show


def _figure_of(browser, cell):
    (plot,) = wait(browser, lambda: found(cell, ".js-plotly-plot"), "the figure")
    browser.execute_script("arguments[0].scrollIntoView({block: 'start'})", plot)
    wait(browser, lambda: found(plot, ".main-svg")[0].rect["width"] == plot.rect["width"] > 800, "as wide as its cell")
    return plot


def test_a_range_a_cell_and_a_lasso_show_their_pairs_and_a_threshold_is_dragged(browser, selecting, run):
    cells, partition = selecting(SELECTS[0]), open_explorer("partition", run)
    draw_path(
        browser, panel(browser, _figure_of(browser, cells[0])), [(0.3, 0.5), (0.4, 0.5), (0.5, 0.52), (0.6, 0.55)]
    )
    count, cards = _chosen(browser, cells[0], r"loss \d+")
    assert 0 < count < len(partition.run.mismatched) and cards == min(12, count)
    draw_path(browser, panel(browser, _figure_of(browser, cells[0]), "2"), [(0.75, 0.15)])  # the cards have moved it
    count, cards = _chosen(browser, cells[0], "mismatched pairs called noisy")
    assert str(count) == partition.draw(**partition.values).data[2].text[2][1] and cards == min(12, count)
    screenshot(browser, "selected_cell")

    top, gamma = partition.figure.layout.xaxis.range[1], float(_held(browser, cells[0], "gamma_2"))
    draw_path(browser, panel(browser, _figure_of(browser, cells[0])), [(gamma / top, 0.3), (12 / top, 0.3)])
    wait(browser, lambda: abs(float(_held(browser, cells[0], "gamma_2")) - 12) <= 1, "gamma_2 follows its line", 30)

    draw_path(browser, panel(browser, _figure_of(browser, cells[1])), CORNERS)
    count, cards = _chosen(browser, cells[1], "points of the pca map")
    assert 1 < count <= len(open_explorer("embedding", run).here) and cards == min(12, count)
    screenshot(browser, "selected_lasso")
    assert errors(browser) == []


def test_a_row_and_a_range_of_weights_and_a_cell_of_the_flow_show_their_pairs(browser, selecting, run):
    cells, pairs = selecting(SELECTS[1]), len(open_explorer("weights", run).run.mismatched)
    draw_path(browser, panel(browser, _figure_of(browser, cells[0])), [(0.5, 0.25)])
    assert _chosen(browser, cells[0], r"row \d+ of the map, true") == (1, 1), "a small run has a row a pair"
    path = [(0.05, 0.5), (0.3, 0.5), (0.5, 0.52), (0.97, 0.55)]
    draw_path(browser, panel(browser, _figure_of(browser, cells[0]), "2"), path)
    count, cards = _chosen(browser, cells[0], r"weight \d")
    assert 0 < count <= pairs and cards == min(12, count)
    screenshot(browser, "selected_weights")

    counts = [[int(number) for number in row] for row in open_explorer("flow", run).figure.data[0].text]
    most, row, column = max((number, row, k) for row, line in enumerate(counts) for k, number in enumerate(line))
    place = [((column + 0.5) / 3, 1 - (row + 0.5) / 3)]
    draw_path(browser, panel(browser, _figure_of(browser, cells[1])), place)
    assert _chosen(browser, cells[1], f"true pairs, {CATEGORY_NAMES[row]} in epoch 1") == (most, min(12, most))
    screenshot(browser, "selected_flow")
    assert errors(browser) == []


def test_a_range_of_margins_and_a_lasso_in_the_comparison_show_their_pairs_and_a_cosine_is_dragged(
    browser, selecting, run
):
    cells, pairs = selecting(SELECTS[2]), len(open_explorer("margins", run).run.mismatched)
    path = [(0.03, 0.5), (0.3, 0.5), (0.7, 0.52), (0.97, 0.55)]
    draw_path(browser, panel(browser, _figure_of(browser, cells[0]), "3"), path)
    count, cards = _chosen(browser, cells[0], r"margin \d")
    assert 0 < count <= pairs and cards == min(12, count)
    places = [(float(_held(browser, cells[0], "hardest_text")) + 1.02) / 2.04, (-0.4 + 1.02) / 2.04]
    draw_path(browser, panel(browser, _figure_of(browser, cells[0])), [(at, 0.5) for at in places])
    wait(browser, lambda: abs(float(_held(browser, cells[0], "hardest_text")) + 0.4) <= 0.1, "the line's cosine", 30)
    screenshot(browser, "selected_margins")

    draw_path(browser, panel(browser, _figure_of(browser, cells[1])), CORNERS)
    count, cards = _chosen(browser, cells[1], "points of the comparison")
    assert 1 < count <= pairs and cards == min(12, count)
    screenshot(browser, "selected_compare")
    assert errors(browser) == []
