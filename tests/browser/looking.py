"""What the browser tests share: waiting for what a reader would wait for, and what the console complained of."""

PATIENCE = 240  # seconds; a slow machine opens JupyterLab in twenty


def wait(driver, condition, what, seconds=PATIENCE):
    """Ask ``condition`` until it holds; its value. Fails with ``what`` and the console's last lines."""
    from selenium.common.exceptions import TimeoutException
    from selenium.webdriver.support.ui import WebDriverWait

    try:
        return WebDriverWait(driver, seconds, poll_frequency=0.3).until(lambda _: condition())
    except TimeoutException:
        said = "\n".join(entry["message"][:300] for entry in driver.get_log("browser")[-8:])
        raise AssertionError(f"not seen within {seconds} s: {what}\nconsole:\n{said}") from None


def found(driver, selector):
    """Elements by CSS selector."""
    from selenium.webdriver.common.by import By

    return driver.find_elements(By.CSS_SELECTOR, selector)


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
    ActionChains(driver).click_and_hold(handle).move_by_offset(pixels, 0).release().perform()
