"""What docs/diagnosis.md and docs/obstacles.md say of a rule, for whoever has its name from an event."""

import difflib
import functools
import re
from dataclasses import asdict, dataclass
from typing import Any, Final

from eks_efs.endings import WrongInput
from first_contact.root import ROOT

_CELLS: Final = ("What is there", "Most likely of", "What to do", "Known from")


@dataclass(frozen=True)
class Rule:
    """`text` is Markdown."""

    name: str
    about: str
    text: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@functools.cache
def rules() -> dict[str, Rule]:
    """By name; both pages are generated from the code, and tests keep them current."""
    return {rule.name: rule for rule in (*_causes(), *_obstacles())}


def rule(name: str) -> Rule:
    """Raises: WrongInput for a name that no rule has."""
    if name not in rules():
        close = difflib.get_close_matches(name, rules(), n=1)
        hint = f"did you mean {close[0]}?" if close else "eks-efs explain lists them"
        raise WrongInput(f"there is no rule {name!r}; {hint}")
    return rules()[name]


def _causes() -> list[Rule]:
    _, *sections = re.split(r"^## ", (ROOT / "docs" / "diagnosis.md").read_text(), flags=re.MULTILINE)
    named = (section.partition("\n") for section in sections)
    return [Rule(name, "why a run failed", text.strip()) for name, _, text in named]


def _obstacles() -> list[Rule]:
    rows = re.findall(r"^\| `([\w-]+)` \| (.*) \|$", (ROOT / "docs" / "obstacles.md").read_text(), re.MULTILINE)
    return [Rule(name, "what is in the way of a removal", _listed(row)) for name, row in rows]


def _listed(row: str) -> str:
    cells = [cell.replace(r"\|", "|") for cell in row.split(" | ")]
    return "\n".join(f"- {title}: {cell}" for title, cell in zip(_CELLS, cells, strict=True))
