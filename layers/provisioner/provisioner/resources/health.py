"""EKS says in health issues why something failed; people need them in the error, not only in the console."""

from collections.abc import Iterable, Mapping
from typing import Any


def summary(issues: Iterable[Mapping[str, Any]]) -> str:
    """`code: message (resource ids)` of every issue of a cluster, Fargate profile or add-on."""
    return "; ".join(_line(issue) for issue in issues) or "EKS reports no health issue"


def _line(issue: Mapping[str, Any]) -> str:
    resource_ids = ", ".join(issue.get("resourceIds", []))
    return f"{issue.get('code')}: {issue.get('message')}" + (f" ({resource_ids})" if resource_ids else "")
