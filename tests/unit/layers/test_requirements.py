"""The layer's lock is what the embedded cloud's environment has, less what nothing imports."""

import re
from pathlib import Path

from layers.recipe.dependencies import REQUIREMENTS
from layers.recipe.sources import ROOT

LOCKED = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[\w.]+)(?P<rest>.*?(?:\n    --hash=sha256:[0-9a-f]{64} ?\\?)+)")


def locked(path: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """Name -> version and hashes."""
    text = path.read_text()
    return {
        found["name"]: (found["version"], frozenset(re.findall(r"[0-9a-f]{64}", found["rest"])))
        for found in LOCKED.finditer(text)
    }


def test_the_layer_has_the_versions_that_the_embedded_cloud_runs_with() -> None:
    layer, embedded_cloud = locked(REQUIREMENTS), locked(ROOT / "requirements.txt")
    assert layer
    assert {name: embedded_cloud.get(name) for name in layer} == layer


def test_nothing_excluded_is_in_the_layer() -> None:
    lines = REQUIREMENTS.with_name("excludes.txt").read_text().splitlines()
    excluded = {line for line in lines if not line.startswith("#")}
    assert excluded
    assert not excluded & locked(REQUIREMENTS).keys()
