"""docs/drift.md is what the kinds of differences say, and nothing is left out."""

import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

import provisioner.fleet
import provisioner.kubernetes
import provisioner.resources
from provisioner.difference import DriftKind
from provisioner.inspection.documentation import SECTIONS, kinds_of, markdown

ROOT = Path(__file__).parents[3]
KINDS = [kind for module in SECTIONS.values() for kind in kinds_of(module)]


def test_the_document_is_current() -> None:
    assert (ROOT / "docs/drift.md").read_text(encoding="utf-8") == markdown()


def test_every_kind_that_the_code_knows_is_in_it() -> None:
    modules = [
        import_module(f"{package.__name__}.{found.name}")
        for package in (provisioner.resources, provisioner.kubernetes, provisioner.fleet)
        for found in pkgutil.iter_modules(package.__path__)
    ]
    known = {kind for module in modules for kind in kinds_of(module)}
    assert known == set(KINDS)
    assert len(KINDS) == len(set(KINDS)) >= 30


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.resource} {kind.path}".replace(" ", "-"))
def test_every_kind_is_told_in_sentences(kind: DriftKind) -> None:
    assert kind.meaning.endswith(".")
    assert not kind.fix.endswith(".")
    assert "\n" not in kind.meaning + kind.fix
    assert kind.fix.startswith("a run ") or not kind.repairable
