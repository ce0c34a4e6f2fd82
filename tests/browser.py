"""A real Chromium without a window, and what the terminal in its page shows."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

# The page's script keeps its terminal to itself. This takes hold of it as it is made: the screen is drawn on
# a canvas, so there is no text in the page to read.
_TAKE_HOLD = """
Object.defineProperty(Object.prototype, 'fitAddon', {configurable: true, set(made) {
  delete Object.prototype.fitAddon; window.shownIn = this; this.fitAddon = made; }});
"""
_SHOWN = """
const all = window.shownIn && window.shownIn.terminal.buffer.active; const lines = [];
const width = all ? window.shownIn.terminal.cols : 0;
for (let y = 0; all && y < all.length; y++) lines.push(all.getLine(y).translateToString(true, 0, width));
return lines.join('\\n');
"""
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--window-size=1400,900", "about:blank",
)  # fmt: skip


def found() -> tuple[str, str] | None:
    """Where Chromium and its driver are, None where they are not."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    return (chromium, driver) if chromium and driver else None


@contextmanager
def browser(profile: Path) -> Iterator[Any]:
    """A driver with a new profile; skips the test, saying so, where there is no Chromium."""
    places = found()
    if places is None:
        pytest.skip("no Chromium here: apt-get install chromium chromium-driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = places[0]
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(places[1]))
    try:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _TAKE_HOLD})
        yield driver
    finally:
        driver.quit()


def shown(driver: Any) -> str:
    """The terminal's lines."""
    return str(driver.execute_script(_SHOWN)).replace("\u00a0", " ")


def until(driver: Any, condition: Callable[[str], bool], seconds: float = 60) -> str:
    """Waits for it; what was shown then."""
    end = time.monotonic() + seconds
    while not condition(text := shown(driver)):
        assert time.monotonic() < end, (
            f"never came about; the page shows\n{text}\n{driver.get_log('browser')}"
        )
        time.sleep(0.05)
    return text
