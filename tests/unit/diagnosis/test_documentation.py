"""docs/diagnosis.md is what the rules say."""

from pathlib import Path

import pytest

from provisioner.diagnosis.documentation import markdown
from provisioner.diagnosis.model import Rule
from provisioner.diagnosis.rules import RULES

ROOT = Path(__file__).parents[3]


def test_the_document_is_current() -> None:
    assert (ROOT / "docs/diagnosis.md").read_text(encoding="utf-8") == markdown()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_probe_says_what_it_looks_at(rule: Rule) -> None:
    assert (rule.probe.__doc__ or "").strip()
