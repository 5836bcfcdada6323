"""What the browser tests share: waiting for what a reader would wait for, and what the console complained of."""

import os
from pathlib import Path

PATIENCE = 240  # seconds; a slow machine opens JupyterLab in twenty
DRAWN = "return JSON.stringify([document.getElementById('figure').data, document.getElementById('figure').layout])"
BUTTONS = {"Download plot as a PNG", "Zoom", "Pan", "Zoom in", "Zoom out", "Autoscale", "Reset axes"}

SELECTING = {"select": {"Box Select"}, "lasso": {"Lasso Select"}, "": set()}  # the button of a figure that reads it


def wait(driver, condition, what, seconds=PATIENCE):
    """Ask ``condition`` until it holds; its value. Fails with ``what`` and the console's last lines."""
    from selenium.common.exceptions import TimeoutException
    from selenium.webdriver.support.ui import WebDriverWait

    try:
        return WebDriverWait(driver, seconds, poll_frequency=0.3).until(lambda _: condition())
    except TimeoutException:
        said = "\n".join(entry["message"][:300] for entry in driver.get_log("browser")[-8:])
        raise AssertionError(f"not seen within {seconds} s: {what}\nconsole:\n{said}") from None


def found(place, selector):
    """Elements by CSS selector, in a page or below an element."""
    from selenium.webdriver.common.by import By

    return place.find_elements(By.CSS_SELECTOR, selector)


def boxes(driver, selector):
    """Left, top, width and height of each element, all at one moment: a figure drawn anew loses its elements."""
    script = """
        return [...document.querySelectorAll(arguments[0])].map(one => {
            const box = one.getBoundingClientRect();
            return [box.left + scrollX, box.top + scrollY, box.width, box.height];
        });
    """
    return driver.execute_script(script, selector)


def errors(driver):
    """What the console calls severe; a page has no icon, which is no fault."""
    return [
        entry["message"]
        for entry in driver.get_log("browser")
        if entry["level"] == "SEVERE" and "favicon" not in entry["message"]
    ]


def offline(driver):
    """No host can be reached: whatever a page asks for fails, and the console says so."""
    driver.execute_cdp_cmd("Network.enable", {})
    limits = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    driver.execute_cdp_cmd("Network.emulateNetworkConditions", limits)


def resize(driver, width, height):
    """A window of a desktop, or of a phone where it is narrow."""
    look = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", look)


def moved(driver, control, script):
    """What an exported page draws after a control was moved by a script."""
    driver.execute_script(script, control)
    asked = driver.execute_script("return document.body.dataset.asked")
    wait(driver, lambda: found(driver, f"body[data-frame='{asked}']"), f"frame {asked}", 30)
    return driver.execute_script(DRAWN)


def ends(control):
    """Scripts that put a control to its last and its first position, as a hand would."""
    move = "arguments[0].value = {0}; arguments[0].dispatchEvent(new Event('input'))"
    last = "arguments[0].max || arguments[0].options.length - 1"
    return [move.format(f"({last})"), move.format("0")]


def drag(driver, handle, pixels):
    """Take a slider's handle, and let it go ``pixels`` to the right (or the left, below zero)."""
    from selenium.webdriver.common.action_chains import ActionChains

    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", handle)
    ActionChains(driver).click_and_hold(handle).move_by_offset(round(pixels), 0).release().perform()


def panel(driver, plot, number=""):
    """Left, top, width and height of a panel of a plotly figure, in the window."""
    script = """
        const box = arguments[0].getBoundingClientRect();
        const [x, y] = ["xaxis", "yaxis"].map(name => arguments[0]._fullLayout[name + arguments[1]]);
        return [box.left + x._offset, box.top + y._offset, x._length, y._length];
    """
    return driver.execute_script(script, plot, number)


def draw_path(driver, panel, places):
    """Press the mouse at the first of ``places``, parts of a panel's width and height, and let it go at the last."""
    from selenium.webdriver.common.action_chains import ActionChains

    left, top, width, height = panel
    actions = ActionChains(driver, duration=120)
    pointer = actions.w3c_actions.pointer_action
    for number, (x, y) in enumerate(places):
        pointer.move_to_location(round(left + x * width), round(top + y * height))
        if number == 0:
            pointer.pointer_down()
    pointer.pointer_up()
    actions.perform()


def toolbar(place):
    """The titles of the buttons over a plotly figure."""
    return {button.get_attribute("data-title") for button in found(place, ".modebar-btn")}


def screenshot(driver, name):
    """Leave a picture of the window where RRSITR_SCREENSHOTS names a folder."""
    if folder := os.environ.get("RRSITR_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        driver.save_screenshot(str(Path(folder) / f"{name}.png"))
