"""How something differs from what was asked for, and what becomes of that.

Every kind of difference is a DriftKind: a line of docs/drift.md, with the fix that people read. Drift and plan are the
same comparison; a plan makes it before anything exists.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final

# The path of the difference between a resource and none.
EXISTS: Final = "exists"


class Severity(StrEnum):
    CRITICAL = "critical"
    """Pods cannot use the storage now, data is at risk, or neither can be seen."""
    WARNING = "warning"
    """It works, but it is not what was asked for."""
    INFORMATION = "information"
    """It is as it was asked for; no difference that a check, an alarm or a repair counts."""


@dataclass(frozen=True)
class Difference:
    """`expected` and `actual` are small JSON values; `repairable`: a provision run converges it."""

    resource: str
    path: str
    expected: Any
    actual: Any
    severity: Severity
    fix: str
    repairable: bool

    def payload(self) -> dict[str, Any]:
        """{resource, path, expected, actual, severity, fix, repairable}."""
        return {**asdict(self), "severity": str(self.severity)}


@dataclass(frozen=True)
class DriftKind:
    """`resource`, `path` and `fix` are templates; {expected} and {actual} are known to every fix."""

    resource: str
    path: str
    severity: Severity
    meaning: str
    fix: str
    repairable: bool = True

    def found(self, *, expected: Any, actual: Any, **names: Any) -> Difference:
        said = {"expected": _said(expected), "actual": _said(actual)}
        return Difference(
            self.resource.format_map(names),
            self.path.format_map(names),
            expected,
            actual,
            self.severity,
            self.fix.format_map(said | names),
            self.repairable,
        )

    def missing(self, **names: Any) -> Difference:
        """Of a kind whose path is EXISTS."""
        return self.found(expected=True, actual=False, **names)


@dataclass(frozen=True)
class Inspected:
    """One resource that was looked at; `inside` names the resources without which it cannot exist."""

    resource: str
    differences: tuple[Difference, ...] = ()
    inside: tuple[str, ...] = ()

    @classmethod
    def of(cls, resource: str, differences: Iterable[Difference]) -> "Inspected":
        return cls(resource, tuple(differences))

    def within(self, resources: Iterable[str]) -> "Inspected":
        return replace(self, inside=(*self.inside, *resources))

    @property
    def is_missing(self) -> bool:
        return any(each.path == EXISTS for each in self.differences)


def drift(inspected: Iterable[Inspected]) -> list[Difference]:
    """What to tell: of what is inside something that is missing nothing, since the one difference says it all."""
    everything = list(inspected)
    missing = {each.resource for each in everything if each.is_missing}
    return [each for one in everything if not missing.intersection(one.inside) for each in one.differences]


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
