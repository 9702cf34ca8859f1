"""One door for a real account and for the embedded cloud: the command knows neither, and there is no second view."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from local.cloud import ROOT

OF_THE_EMBEDDED_CLOUD = re.compile(r"embedded|moto|localhost|127\.0\.0\.1|\blocal[./]|simulat", re.IGNORECASE)
VIEWS = {"rich.live", "rich.table", "rich.progress", "rich.layout", "rich.tree"}


def modules(package: str) -> Iterator[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    yield from found


def imported(module: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(module.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def test_the_command_imports_nothing_of_the_embedded_cloud_and_says_no_word_of_it() -> None:
    for module in modules("eks_efs"):
        assert not {name for name in imported(module) if name.split(".")[0] in ("local", "moto", "tests", "bench")}
        said = OF_THE_EMBEDDED_CLOUD.findall(module.read_text())
        assert not said, f"{module.relative_to(ROOT)} says {said}"


def test_the_embedded_cloud_has_no_view_of_its_own() -> None:
    for module in modules("local"):
        assert not imported(module) & VIEWS, f"{module.relative_to(ROOT)} draws"


def test_the_embedded_cloud_takes_of_the_command_only_how_it_ends_and_reads_files() -> None:
    taken = {name for module in modules("local") for name in imported(module) if name.split(".")[0] == "eks_efs"}
    assert taken <= {"eks_efs.documents", "eks_efs.endings"}
