"""The pages that the browser looks at, and the browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome

from tests.report import install
from tests.report.browser import browser
from tests.report.pages import good_and_failed, hostile, of_clusters, verified

_HAS_CHROMIUM = install.chromium()
collect_ignore = [] if _HAS_CHROMIUM else ["test_page.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _HAS_CHROMIUM:
        terminalreporter.write_line("Not run: tests/report/test_page.py looks at pages in Chromium, which is not here.")


class Pages:
    def __init__(self, directory: Path) -> None:
        runs = good_and_failed(directory / "cloud")
        self.details: dict[str, dict[str, Any]] = {name: detail for name, (_, detail) in runs.items()}
        pages = {name: page for name, (page, _) in runs.items()} | {
            "hostile": hostile(),
            "verified": verified(),
            **of_clusters(),
        }
        self.urls = {}
        for name, page in pages.items():
            path = directory / f"{name}.html"
            path.write_text(page)
            self.urls[name] = path.as_uri()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    return Pages(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="session")
def chrome() -> Iterator[Chrome]:
    with browser() as started:
        yield started
