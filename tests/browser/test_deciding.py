"""In JupyterLab: pairs are called wrong or right by keys and buttons, and two runs are compared under the mouse."""

import json
import time
import urllib.request

import nbformat
import pytest
from browser.looking import errors, found, screenshot, wait
from browser.test_lab import SENTENCES, _numbers, _open, _run_all, lab  # noqa: F401
from nbformat.v4 import new_code_cell, new_notebook

GALLERY = "from rrsitr_lib.show.explorers.tabs import open_explorer\nopen_explorer('gallery', 'run').view()"
COMPARE = "from rrsitr_lib.show.explorers.tabs import explore\nexplore('run', 'run')"
GAME = """
from rrsitr_lib.config import RunConfig
from rrsitr_lib.data.datasets import inject_noise, open_data
from rrsitr_lib.model.encoder import build_encoder
from rrsitr_lib.show.explorers.game import spot_the_wrong_pair
config = RunConfig.build(encoder="tiny", scenes=60, noise_rate=0.4)
train = open_data(config)["train"]
spot_the_wrong_pair(train, inject_noise(config, train.table), build_encoder("tiny", pad_tokens="masked")).view()
""".strip()


@pytest.fixture
def opened(browser, lab):  # noqa: F811
    """Show the output of one cell, in a notebook and a workspace of its own; gives the element of the cell."""

    def show(code, name):
        notebook = new_notebook(cells=[new_code_cell(code)])
        notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
        body = json.dumps({"type": "notebook", "content": json.loads(nbformat.writes(notebook))}).encode()
        address = lab.replace("/lab/tree/explorers.ipynb", f"/api/contents/{name}.ipynb?token=test")
        urllib.request.urlopen(urllib.request.Request(address, body, method="PUT")).close()
        _open(browser, lab.replace("/lab/tree/explorers", f"/lab/workspaces/{name}/tree/{name}"))
        _run_all(browser)
        wait(browser, lambda: _numbers(browser) == ["[1]:"], "the cell has run")
        return found(browser, ".jp-Notebook .jp-Cell")[0]

    return show


def press(browser, keys):
    """Keys one by one, as fast as a hand: each has changed a card and moved on before the next; not so the sentence."""
    from selenium.webdriver.common.action_chains import ActionChains

    for key in keys:
        before = state(browser)[:2]
        ActionChains(browser).send_keys(key).perform()
        wait(browser, lambda before=before: state(browser)[:2] != before, f"what the key {key!r} changes", 30)
        wait(browser, lambda: _stands_still(browser), f"the end of what the key {key!r} changes", 30)


def _stands_still(browser):
    """The card is marked at once, the hand may move a little later."""
    before = state(browser)[:2]
    time.sleep(0.15)
    return state(browser)[:2] == before


def told(browser, words):
    """Wait for words in the sentence."""
    wait(browser, lambda: words in state(browser)[2], f"the sentence says {words!r}", 30)


def state(browser):
    """The place of the hand, what is said of every card, and the sentence."""
    here = "cards.findIndex(one => one.classList.contains('here'))"
    said = "cards.map(one => one.querySelector('[aria-pressed=true]')?.textContent || '')"
    cards = "const cards = [...document.querySelectorAll('.rrsitr-deck .card')];"
    words = browser.execute_script(SENTENCES)
    return [*browser.execute_script(f"{cards} return [{here}, {said}]"), words]


def test_the_gallery_is_decided_by_keys_and_buttons(browser, opened):
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import Select

    cell = opened(GALLERY, "gallery")
    wait(browser, lambda: len(found(cell, ".rrsitr-deck .card")) == 24, "the cards")
    found(cell, ".rrsitr-deck .card b")[0].click()
    press(browser, ["w", "r", Keys.ARROW_RIGHT, "w", "u", Keys.ARROW_LEFT, "r"])
    place, said, _ = state(browser)
    assert place == 3 and said[:5] == ["wrong", "right", "right", "", ""]
    found(found(cell, ".rrsitr-deck .card")[20], "button")[0].click()
    wait(browser, lambda: state(browser)[1][20] == "wrong", "what the button says")
    press(browser, [Keys.ARROW_RIGHT] * 3 + ["w"])
    told(browser, "Page 2 of all pairs")  # keys go on working when the page is turned
    screenshot(browser, "gallery_keys")
    assert found(browser, ".jp-CodeCell") and not found(browser, ".jp-RawCell"), "r decides, and changes no cell"
    (truth,) = [one for one in found(cell, ".widget-dropdown select") if "blind" in one.text]
    Select(truth).select_by_visible_text("blind")
    told(browser, "of 24 decided")  # a blind page
    assert "loss" not in found(cell, ".rrsitr-deck")[0].text
    screenshot(browser, "gallery_blind")
    found(cell, ".rrsitr-deck .card b")[0].click()
    press(browser, "wr" * 12)
    told(browser, "; you ")
    wait(browser, lambda: "MISMATCHED" in found(cell, ".rrsitr-deck")[0].text, "the truth of the page")
    screenshot(browser, "gallery_opened")
    assert "failed" not in state(browser)[2] and errors(browser) == []


def test_the_game_is_played_to_the_end(browser, opened):
    cell = opened(GAME, "game")
    wait(browser, lambda: [one for one in found(cell, ".rrsitr-deck .card") if one.is_displayed()], "a card")
    deck = found(cell, ".rrsitr-deck")[0]
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", deck)
    found(deck, ".card.here b")[0].click()
    press(browser, "w")
    assert sum(one.is_displayed() for one in found(deck, ".card")) == 1, "one after the other"
    screenshot(browser, "game_begun")
    found(deck, ".card.here button")[1].click()
    told(browser, "2 of 20")
    press(browser, "wr" * 9)
    told(browser, "You: ")
    told(browser, "untrained model")
    verdict = found(deck, ".verdict")[0]
    assert "You: " in verdict.text
    in_sight = "const box = arguments[0].getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight"
    wait(browser, lambda: browser.execute_script(in_sight, verdict), "the verdict without scrolling", 10)
    assert all(one.is_displayed() for one in found(deck, ".card")) and "MISMATCHED" in deck.text
    screenshot(browser, "game_over")
    assert errors(browser) == []


def test_a_point_of_the_comparison_shows_its_pair(browser, opened):
    from selenium.webdriver.common.action_chains import ActionChains

    cell = opened(COMPARE, "compare")
    wait(browser, lambda: found(cell, ".js-plotly-plot .main-svg"), "the figure")
    assert found(cell, ".lm-TabBar-tabLabel")[0].text == "Compare"
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", found(cell, ".js-plotly-plot")[0])
    point = found(cell, ".scatterlayer .point")[3]
    ActionChains(browser).move_to_element(point).perform()
    wait(browser, lambda: "pair" in [one.text[:4] for one in found(cell, ".widget-html b")], "the card of a point", 30)
    screenshot(browser, "compare_hover")
    assert errors(browser) == []
