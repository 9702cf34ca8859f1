"""`python -m docs.screenshots`: pictures of the report pages of real runs of the embedded cloud, into docs/images."""

import base64
import tempfile
from pathlib import Path
from typing import Final

from selenium.webdriver.common.by import By

from tests.report.browser import browser, look
from tests.report.pages import good_and_failed

IMAGES: Final = Path(__file__).parent / "images"
WIDTH: Final = 1120
# Each picture shows the page from its top down to the end of this part.
LAST_PART: Final = {"good": "section[aria-labelledby=topology]", "failed": ".causes"}
MARGIN: Final = 24


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, browser() as chrome:
        for name, (page, _) in good_and_failed(Path(directory) / "cloud").items():
            path = Path(directory) / f"{name}.html"
            path.write_text(page, encoding="utf-8")
            look(chrome, width=WIDTH)
            chrome.get(path.as_uri())
            last = chrome.find_element(By.CSS_SELECTOR, LAST_PART[name]).rect
            clip = {"x": 0, "y": 0, "width": WIDTH, "height": last["y"] + last["height"] + MARGIN, "scale": 1}
            shot = chrome.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
            (IMAGES / f"report-{name}.png").write_bytes(base64.b64decode(shot["data"]))
            print(f"docs/images/report-{name}.png")


if __name__ == "__main__":
    main()
