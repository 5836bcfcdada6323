"""The sheet of a review in a browser, from the disk: keys, buttons, what is kept, and the table that is saved."""

import numpy as np
import pandas as pd
import pytest
from browser.looking import found, wait
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains

from rrsitr_lib.audit.read_pairs import AuditPairs
from rrsitr_lib.audit.review_sheet import PAGE, TABLE, read_review, write_sheet

CAPTIONS = ["a lake", 'a "big" road, wet', "two lines\nhere", "<b>bold</b> & co", "湖", "a farm"]


@pytest.fixture
def sheet(tmp_path):
    """The folder of an audit of six pairs, half of them called wrong."""
    names = [f"{number}.png" for number in range(6)]
    for number, name in enumerate(names):
        Image.fromarray(np.full((64, 64, 3), 40 * number, np.uint8)).save(tmp_path / name)
    pairs = AuditPairs(names, CAPTIONS, list(range(1, 7)), [tmp_path / name for name in names], [])
    table = pd.DataFrame({"row": pairs.rows, "image": names, "caption": CAPTIONS, "left_out": [True, False] * 3})
    table.to_csv(tmp_path / "suspects.csv", index=False)
    write_sheet(tmp_path, table, pairs, (3, 3), seed=0)
    return tmp_path


def said(browser):
    script = "return [...document.querySelectorAll('li')].map(one => one.querySelector('[aria-pressed=true]')"
    return browser.execute_script(script + "?.dataset.word ?? '')")


def kept_after_reload(browser):
    """A browser writes storage behind a page's back: a reload may come too early, and must overwrite nothing."""
    browser.refresh()
    return said(browser) == ["wrong", "right", "", "", "wrong", ""]


def test_a_sheet_is_decided_by_keys_and_buttons_kept_and_saved(browser, sheet):
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(sheet / "saved")})
    browser.get((sheet / PAGE).as_uri())
    shown = browser.execute_script("return [...document.querySelectorAll('li p')].map(one => one.textContent)")
    assert sorted(shown) == sorted(CAPTIONS)
    ActionChains(browser).send_keys("wrwu").perform()
    assert said(browser) == ["wrong", "right", "", "", "", ""]
    found(browser, "li")[4].find_element("css selector", "[data-word=wrong]").click()
    wait(browser, lambda: kept_after_reload(browser), "decisions are kept over a reload", 60)
    found(browser, "#save")[0].click()
    path = sheet / "saved" / TABLE
    wait(browser, path.exists, "the table is saved")
    saved, blank = (pd.read_csv(one, keep_default_na=False) for one in (path, sheet / TABLE))
    assert saved["decision"].tolist() == ["wrong", "right", "undecided", "undecided", "wrong", "undecided"]
    assert saved[["row", "image", "caption"]].equals(blank[["row", "image", "caption"]])
    review = read_review(sheet, path)
    assert review.flagged[1] + review.others[1] == 3
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
