"""Clients that others wrote, on an embedded cloud of their own; what a machine does not have is left out, and said."""

from pathlib import Path

import pytest

from tests.clients.terraform import MISSING

NEEDED = {"test_terraform.py": MISSING}


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return True if NEEDED.get(collection_path.name) else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for file_name, missing in NEEDED.items():
        if missing:
            terminalreporter.write_line(f"{file_name} was left out: there is {missing}.")
