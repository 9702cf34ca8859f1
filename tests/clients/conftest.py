"""Clients that others wrote, on an embedded cloud of their own; what a machine does not have is left out, and said."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cloud import EmbeddedCloud
from tests.clients.terraform import MISSING

NEEDED = {"test_terraform.py": MISSING}


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return True if NEEDED.get(collection_path.name) else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for file_name, missing in NEEDED.items():
        if missing:
            terminalreporter.write_line(f"{file_name} was left out: there is {missing}.")


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud
