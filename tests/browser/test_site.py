"""The site and the slides in a real browser, desktop and phone, from disk with the network off."""

import nbformat
import pytest
from browser.looking import ends, errors, found, moved, offline, resize, screenshot, wait
from nbformat.v4 import new_markdown_cell, new_notebook

from rrsitr_lib.teach import site
from rrsitr_lib.teach.slides import slides_of, write_slides
from rrsitr_lib.teach.sources import lesson_notebooks

LARGEST_BYTES = 10_000_000
SIZES = pytest.mark.parametrize(("width", "height"), [(1280, 720), (400, 850)])
ASKED = """
const asked = performance.getEntriesByType('resource').map(one => one.name);
return asked.filter(one => !/^(file|data|blob):/.test(one));
"""
UNNAMED = "return [...document.images].filter(one => !one.alt).length"
TEXT = r"""# A lesson

Its weight $w$ is

$$w = \cos\frac{\pi L}{2\gamma_1}$$

<details><summary>Answer</summary>

It falls.

</details>
"""
BELOW = """
show(arguments[0], true);
const inside = [...all[now].querySelectorAll('*')].filter(one => !one.closest('.notes, math'));
const ends = inside.map(one => one.getBoundingClientRect());
return [Math.max(...ends.map(one => one.bottom)), Math.max(...ends.map(one => one.right))];
"""


@pytest.fixture(scope="module")
def pages(run, tmp_path_factory):
    """The whole site, with the explorers of a run."""
    return site.build_site(tmp_path_factory.mktemp("site"), run).parent


@pytest.fixture(scope="module")
def small(wanted, tmp_path_factory):
    """A site of one lesson with a formula and a folded answer; its page."""
    place = tmp_path_factory.mktemp("small")
    nbformat.write(new_notebook(cells=[new_markdown_cell(TEXT)]), place / "00_small.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site, "NOTEBOOKS", place)
        site.write_site(place / "out", [site.describe(place / "00_small.ipynb")], [])
    return place / "out" / "00_small.html"


def _path(driver):
    return driver.current_url.rpartition("/")[2].partition("#")[0]


@SIZES
def test_every_page_fits_its_window_and_asks_no_host(browser, pages, width, height):
    resize(browser, width, height)
    offline(browser)
    for page in sorted(pages.glob("*.html")):
        browser.get(page.as_uri())
        if page.stem.startswith("explore_"):
            wait(browser, lambda: found(browser, "body[data-frame]"), f"{page.stem} draws")
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width, f"{page.name} is {wide} pixels wide"
        assert browser.execute_script(ASKED) == [] == errors(browser), page.name
        assert browser.execute_script(UNNAMED) == 0, page.name
        assert browser.title and browser.title != "Notebook"
        if page.stem in ("index", "glossary", "03_partition"):
            screenshot(browser, f"site_{width}_{page.stem}")


def test_the_site_is_small(pages):
    assert sum(file.stat().st_size for file in pages.rglob("*") if file.is_file()) <= LARGEST_BYTES


def test_the_search_finds_a_word(browser, pages):
    browser.get((pages / "index.html").as_uri())
    found(browser, "input[name=q]")[0].send_keys("margin\n")
    wait(
        browser,
        lambda: "05_robust_triplet.html" in [_link(one) for one in found(browser, "#search-results li a")],
        "lesson 05",
    )
    assert errors(browser) == []


def _link(element):
    return element.get_attribute("href").rpartition("/")[2].partition("?")[0].partition("#")[0]


def test_next_and_previous_go_through_all_lessons(browser, pages):
    wanted = [f"{notebook.stem}.html" for notebook in lesson_notebooks()] + ["explorers.html", "glossary.html"]
    browser.get((pages / "index.html").as_uri())
    for way, path in ((".next-page", wanted), (".prev-page", [*wanted[-2::-1], "index.html"])):
        for page in path:
            browser.get(found(browser, way)[0].get_attribute("href"))
            assert _path(browser) == page
            if page != "index.html":
                assert _link(found(browser, ".sidebar-tree .current-page > a, .sidebar-tree .current > a")[0]) == page


@SIZES
def test_an_explorer_inside_a_lesson_answers_a_slider(browser, pages, width, height):
    resize(browser, width, height)
    browser.get((pages / "04_self_paced_weights.html").as_uri())
    frame = next(one for one in found(browser, "iframe") if _link_of(one) == "explore_pacing.html")
    browser.execute_script("arguments[0].scrollIntoView()", frame)
    browser.switch_to.frame(frame)
    wait(browser, lambda: found(browser, "body[data-frame]") and found(browser, "#figure .main-svg"), "the page draws")
    control = found(browser, "#controls input")[0]
    assert len({moved(browser, control, script) for script in ends(control)}) == 2
    assert not [one for one in found(browser, "h1, nav, #embed") if one.is_displayed()], "the lesson says it already"
    browser.switch_to.default_content()
    wait(browser, lambda: _fits(browser, frame), "as high as the page inside it")
    screenshot(browser, f"site_{width}_explorer")


def _fits(driver, frame):
    # explorers above it grow, and what is outside the window is not drawn
    driver.execute_script("arguments[0].scrollIntoView()", frame)
    driver.switch_to.frame(frame)
    inside = driver.execute_script("return document.body.offsetHeight")
    driver.switch_to.default_content()
    return abs(frame.rect["height"] - inside) < 30


def _link_of(frame):
    return frame.get_attribute("src").rpartition("/")[2]


def test_an_explorer_leads_back_to_its_lesson(browser, pages):
    browser.get((pages / "explore_pacing.html").as_uri())
    ways = {_link(one): one.text for one in found(browser, "nav a")}
    assert [*ways] == ["04_self_paced_weights.html", "explorers.html", "index.html"]
    assert all((pages / way).exists() for way in ways)


def test_an_answer_unfolds_and_a_formula_is_drawn(browser, small):
    browser.get(small.as_uri())
    (answer,), (formula, block) = found(browser, "details p"), found(browser, "math")
    assert not answer.is_displayed() and block.rect["height"] > formula.rect["height"] > 5
    found(browser, "summary")[0].click()
    assert answer.is_displayed() and answer.text == "It falls."


def test_the_keyboard_reaches_content_and_menus_and_is_seen(browser, small):
    from selenium.webdriver.common.keys import Keys

    resize(browser, 400, 850)
    browser.get(small.as_uri())
    (menu,) = found(browser, ".sidebar-drawer")
    assert menu.rect["x"] < 0
    seen = []
    for _ in range(4):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        here = browser.switch_to.active_element
        seen.append(here.get_attribute("id") or here.get_attribute("class"))
        if seen[-1] == "__navigation":
            outline = "return getComputedStyle(document.querySelector('.nav-overlay-icon')).outlineStyle"
            assert browser.execute_script(outline) == "solid"
            here.send_keys(Keys.SPACE)
            wait(browser, lambda: menu.rect["x"] >= 0, "the menu")
    assert "__navigation" in seen and any("skip-to-content" in one for one in seen)


@pytest.mark.parametrize("notebook", lesson_notebooks(), ids=lambda path: path.stem)
def test_no_slide_overflows(browser, tmp_path, notebook):
    resize(browser, 1280, 720)
    offline(browser)
    browser.get(write_slides(notebook, tmp_path / "slides.html").as_uri())
    for number, slide in enumerate(slides_of(notebook)):
        bottom, right = browser.execute_script(BELOW, number)
        assert bottom <= 720 and right <= 1280, f"slide {number + 1}, {slide.title}: ends at {right:.0f}, {bottom:.0f}"
        if slide.figure:
            assert found(browser, "section.now img")[0].rect["height"] > 250, (
                f"slide {number + 1}: a figure too small to read"
            )
    assert errors(browser) == []


def test_a_slide_builds_up_and_shows_notes(browser, small, tmp_path):
    from selenium.webdriver.common.action_chains import ActionChains

    browser.get(write_slides(small.parents[1] / "00_small.ipynb", tmp_path / "slides.html").as_uri())
    (answer,), (notes,) = found(browser, "section.now .answer"), found(browser, "section.now .notes")
    assert not answer.is_displayed() and not notes.is_displayed() and found(browser, "section.now math")
    ActionChains(browser).send_keys(" ").perform()
    assert answer.is_displayed()
    ActionChains(browser).send_keys("n").perform()
    assert notes.is_displayed()
