"""What the browser tests share: waiting for what a reader would wait for, and what the console complained of."""

import os
from pathlib import Path

PATIENCE = 240  # seconds; a slow machine opens JupyterLab in twenty
BUTTONS = {"Download plot as a PNG", "Zoom", "Pan", "Zoom in", "Zoom out", "Autoscale", "Reset axes"}


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


def errors(driver):
    """What the console calls severe; a page has no icon, which is no fault."""
    return [
        entry["message"]
        for entry in driver.get_log("browser")
        if entry["level"] == "SEVERE" and "favicon" not in entry["message"]
    ]


def drag(driver, handle, pixels):
    """Take a slider's handle, and let it go ``pixels`` to the right (or the left, below zero)."""
    from selenium.webdriver.common.action_chains import ActionChains

    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", handle)
    ActionChains(driver).click_and_hold(handle).move_by_offset(round(pixels), 0).release().perform()


def toolbar(place):
    """The titles of the buttons over a plotly figure."""
    return {button.get_attribute("data-title") for button in found(place, ".modebar-btn")}


def screenshot(driver, name):
    """Leave a picture of the window where RRSITR_SCREENSHOTS names a folder."""
    if folder := os.environ.get("RRSITR_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        driver.save_screenshot(str(Path(folder) / f"{name}.png"))
