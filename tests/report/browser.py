"""A headless Chromium of the operating system, driven by its own chromedriver: nothing is downloaded."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from selenium.common.exceptions import SessionNotCreatedException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

PROGRAMS = ("chromium", "chromedriver")
STARTS, PATIENCE_SECONDS = 5, 300.0
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)


@contextmanager
def browser() -> Iterator[Chrome]:
    """A browser with an empty profile, gone afterwards."""
    chromium, driver = (shutil.which(program) for program in PROGRAMS)
    assert chromium, "chromium is installed"
    # What of it still writes when it has been told to quit is in nobody's way.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        options.binary_location = chromium
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        chrome = _started(options, str(driver))
        chrome.set_script_timeout(PATIENCE_SECONDS)
        try:
            yield chrome
        finally:
            chrome.quit()


def _started(options: ChromeOptions, driver: str) -> Chrome:
    """chromedriver gives it a minute, in which a machine that has much other work may not get it to start."""
    for _ in range(STARTS - 1):
        with suppress(SessionNotCreatedException):
            return Chrome(options=options, service=Service(driver))
    return Chrome(options=options, service=Service(driver))


def look(chrome: Chrome, *, width: int, height: int = 900, scheme: str = "light", media: str = "screen") -> None:
    """As a person's screen or printer: a width in CSS pixels, light or dark, screen or print."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
