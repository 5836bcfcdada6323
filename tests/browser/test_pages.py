"""Exported pages, opened from disk with the network off: every control moves picture and numbers, and nothing fails."""

import pytest
from browser.looking import BUTTONS, errors, found, toolbar, wait

from rrsitr_lib.show.explorers.pacing import PacingExplorer
from rrsitr_lib.show.explorers.tabs import EXPLORERS, open_explorer
from rrsitr_lib.show.page import LARGEST_BYTES, write_page

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
