"""Exported pages, opened from disk with the network off: every control moves picture and numbers, and nothing fails."""

import nbformat
import pytest
from browser.looking import BUTTONS, errors, found, toolbar, wait
from nbformat.v4 import new_code_cell, new_notebook, new_output

from rrsitr_lib.show.explorers.pacing import PacingExplorer
from rrsitr_lib.show.explorers.tabs import EXPLORERS, open_explorer
from rrsitr_lib.show.page import LARGEST_BYTES, write_page
from rrsitr_lib.teach.site import lesson_html, page_of

DRAWN = "return JSON.stringify([document.getElementById('figure').data, document.getElementById('figure').layout])"


def _offline(driver):
    driver.execute_cdp_cmd("Network.enable", {})
    limits = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    driver.execute_cdp_cmd("Network.emulateNetworkConditions", limits)


def _ends(control):
    """Scripts that put a control to its last and its first position, as a hand would."""
    move = "arguments[0].value = {0}; arguments[0].dispatchEvent(new Event('input'))"
    last = "arguments[0].max || arguments[0].options.length - 1"
    return [move.format(f"({last})"), move.format("0")]


def _moved(driver, control, script):
    """What is drawn after a move."""
    driver.execute_script(script, control)
    asked = driver.execute_script("return document.body.dataset.asked")
    wait(driver, lambda: found(driver, f"body[data-frame='{asked}']"), f"frame {asked}", 30)
    return driver.execute_script(DRAWN)


@pytest.mark.parametrize("name", [*EXPLORERS, "pacing"])
def test_exported_page_moves_without_network(browser, run, tmp_path, name):
    explorer = PacingExplorer() if name == "pacing" else open_explorer(name, run)
    assert not explorer.message
    page = write_page(explorer, tmp_path / "page.html")
    assert page.stat().st_size < LARGEST_BYTES
    _offline(browser)
    browser.get(page.as_uri())
    wait(browser, lambda: found(browser, "body[data-frame]") and found(browser, "#figure .main-svg"), "the page draws")
    (said,), controls = found(browser, "#said"), found(browser, "#controls input, #controls select")
    assert len(controls) == len(explorer.on_page or explorer.specs)
    for control in controls:
        seen = {(_moved(browser, control, script), said.text) for script in _ends(control)}
        assert len(seen) == 2, f"{control.get_attribute('name')} changes nothing"
    assert toolbar(browser) == BUTTONS, "none that sends data away, none that selects"
    assert errors(browser) == []


def test_in_a_lesson_s_page_the_explorer_moves(browser, tmp_path):
    """Its page stands in the widget's place, and works there from disk as it does by itself."""
    explorer, name = PacingExplorer(), page_of("pacing")
    data, metadata = explorer.view()._repr_mimebundle_()
    cell = new_code_cell("PacingExplorer().view()", outputs=[new_output("display_data", data, metadata=metadata)])
    nbformat.write(new_notebook(cells=[cell]), tmp_path / "lesson.ipynb")
    write_page(explorer, tmp_path / name, frames=20)
    page = lesson_html(tmp_path / "lesson.ipynb", tmp_path / "lesson.html", {name: explorer.title})
    browser.get(page.as_uri())
    (frame,) = found(browser, "iframe")
    browser.execute_script("arguments[0].scrollIntoView()", frame)
    assert frame.rect["width"] > 600
    browser.switch_to.frame(frame)
    wait(browser, lambda: found(browser, "body[data-frame]") and found(browser, "#figure .main-svg"), "the page draws")
    assert "This pair is clean" in found(browser, "#said")[0].text
    control = found(browser, "#controls input")[0]
    assert len({_moved(browser, control, script) for script in _ends(control)}) == 2
