"""What the policy of a VPC endpoint lets through, as far as its document alone can say.

Source: IAM User Guide, "Policy evaluation logic", "IAM JSON policy elements"; AWS PrivateLink guide, "Control access to
VPC endpoints using endpoint policies".
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

Answer = Literal["yes", "no", "perhaps"]


def permits(document: str | None, action: str, resource: str | None) -> Answer:
    """Whether it lets anybody do `action` on `resource`; None: on something whose ARN we do not know.

    Conditions and named principals are not evaluated: a statement with them says neither yes nor no.
    """
    statements = json.loads(document or "{}").get("Statement", [])
    found: dict[str, set[Answer]] = {"Allow": set(), "Deny": set()}
    for statement in statements if isinstance(statements, list) else [statements]:
        found[str(statement.get("Effect"))].add(_is_about(statement, action, resource))
    if "yes" in found["Deny"]:
        return "no"
    if not document or ("yes" in found["Allow"] and "perhaps" not in found["Deny"]):
        return "yes"
    return "perhaps" if found["Allow"] & {"yes", "perhaps"} else "no"


def _is_about(statement: Mapping[str, Any], action: str, resource: str | None) -> Answer:
    if not _named(statement, "Action", action.lower(), lower=True):
        return "no"
    if resource is not None and not _named(statement, "Resource", resource):
        return "no"
    is_for_all = resource is not None or statement.get("Resource", "*") in ("*", ["*"])
    if is_for_all and not statement.get("Condition") and statement.get("Principal") in ("*", {"AWS": "*"}):
        return "yes"
    return "perhaps"


def _named(statement: Mapping[str, Any], element: str, value: str, *, lower: bool = False) -> bool:
    is_negated = f"Not{element}" in statement
    patterns = statement.get(f"Not{element}" if is_negated else element, "*")
    listed = patterns if isinstance(patterns, list) else [patterns]
    return _matches((each.lower() if lower else each for each in listed), value) is not is_negated


def _matches(patterns: Iterable[str], value: str) -> bool:
    """IAM's wildcards: * for any text, ? for one character."""
    return any(
        re.fullmatch(re.escape(each).replace(r"\*", ".*").replace(r"\?", "."), value) is not None for each in patterns
    )
