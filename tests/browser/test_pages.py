"""Exported pages, opened from disk with the network off: every control moves image and numbers, and nothing fails."""

import pytest
from browser.looking import BUTTONS, boxes, ends, errors, found, moved, offline, resize, toolbar, wait
from show.test_contract import opened

from rrsitr_lib.show.explorers.pacing import PacingExplorer
from rrsitr_lib.show.explorers.tabs import EXPLORERS, OF_TWO_RUNS
from rrsitr_lib.show.page import FRAMES, LARGEST_BYTES, write_page
from rrsitr_lib.show.positions import thin

PANELS = "#figure .draglayer .nsewdrag"


def _open(driver, page):
    driver.get(page.as_uri())
    wait(driver, lambda: found(driver, "body[data-frame]") and found(driver, "#figure .main-svg"), "the page draws")


def _offered(explorer):
    """The controls that a page has: those of which it keeps more than one position."""
    kept = zip(explorer.specs, thin(explorer.specs, explorer.values, FRAMES), strict=True)
    return {spec.name for spec, values in kept if len(values) > 1}


@pytest.mark.parametrize("name", [*EXPLORERS, *OF_TWO_RUNS, "pacing"])
def test_exported_page_moves_without_network(browser, run, tmp_path, name):
    explorer = opened(name, run)
    assert not explorer.message
    page = write_page(explorer, tmp_path / "page.html")
    assert page.stat().st_size < LARGEST_BYTES
    offline(browser)
    _open(browser, page)
    (said,), controls = found(browser, "#said"), found(browser, "#controls input, #controls select")
    assert {control.get_attribute("name") for control in controls} == _offered(explorer)
    for control in sorted(controls, key=lambda one: one.get_attribute("name") == "start"):  # idle without a schedule
        if not control.is_enabled():
            (schedule,) = found(browser, "select[name='schedule']")
            moved(browser, schedule, ends(schedule)[0])
        assert control.is_enabled(), f"{control.get_attribute('name')} cannot be moved"
        seen = {(moved(browser, control, script), said.text) for script in ends(control)}
        assert len(seen) == 2, f"{control.get_attribute('name')} changes nothing"
    sliders = found(browser, "#controls input")
    assert [one.get_attribute("aria-valuetext") for one in sliders] == [one.text for one in found(browser, "output")]
    for play in found(browser, "#controls button"):
        (epoch,) = found(browser, "input[name='epoch']")
        moved(browser, epoch, ends(epoch)[1])
        play.click()
        wait(
            browser, lambda epoch=epoch: epoch.get_property("value") == epoch.get_attribute("max"), "the last epoch", 30
        )
        assert play.text == "▶ play", "it stops by itself"
    assert toolbar(browser) == BUTTONS, "none that sends data away, none that selects"
    assert errors(browser) == []


def test_on_a_phone_panels_stand_below_each_other(browser, tmp_path):
    resize(browser, 400, 850)
    _open(browser, write_page(PacingExplorer(), tmp_path / "page.html", frames=20))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 400
    (left, top, width, height), (other_left, other_top, *_) = boxes(browser, PANELS)
    assert left == other_left and width > 250
    assert top + height < other_top
    resize(browser, 1200, 850)
    wait(browser, lambda: [box[0] > 500 for box in boxes(browser, PANELS)] == [False, True], "panels side by side")


def test_a_page_offers_the_line_that_embeds_it(browser, tmp_path):
    page = write_page(PacingExplorer(), tmp_path / "page.html", frames=20)
    _open(browser, page)
    found(browser, "#embed summary")[0].click()
    line = found(browser, "#snippet")[0].text
    assert line.startswith(f'<iframe src="{page.as_uri()}" title="Self-paced functions"')
    found(browser, "#copy")[0].click()
    assert browser.execute_script("return getSelection().toString()") == line
    assert found(browser, "#copied")[0].text in ("copied", "press Ctrl+C")
