"""docs/obstacles.md is what the kinds of obstacles say, and nothing is left out."""

import pkgutil
from importlib import import_module
from pathlib import Path

from provisioner.removal import obstacles
from provisioner.removal.documentation import KINDS, markdown
from provisioner.removal.obstacles.model import Kind

ROOT = Path(__file__).parents[3]


def test_the_document_is_current() -> None:
    assert (ROOT / "docs/obstacles.md").read_text(encoding="utf-8") == markdown()


def test_every_kind_that_the_code_knows_is_in_it_once() -> None:
    modules = [
        import_module(f"{obstacles.__name__}.{found.name}") for found in pkgutil.iter_modules(obstacles.__path__)
    ]
    known = {value for module in modules for value in vars(module).values() if isinstance(value, Kind)}
    assert known == set(KINDS)
    assert len(KINDS) == len({kind.rule for kind in KINDS}) >= 12
