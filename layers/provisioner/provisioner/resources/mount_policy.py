"""What a file-system policy lets a pod on Fargate do: nobody in particular, over TLS, through a mount target.

Source: IAM User Guide, "Policy evaluation logic"; EFS User Guide, "Using IAM to control file system data access".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal


@dataclass(frozen=True)
class Decision:
    effect: Literal["allowed", "denied", "undecided"]
    because: str


def decide(policy: Mapping[str, Any] | None, action: str, access_point_arn: str = "") -> Decision:
    """Whether `action` (such as ClientMount) is allowed; undecided where a condition is one that we do not know."""
    if policy is None:
        return Decision("allowed", "there is no policy, and without one everything is allowed")
    context = {"aws:securetransport": "true", "elasticfilesystem:accessedviamounttarget": "true"}
    if access_point_arn:
        context["elasticfilesystem:accesspointarn"] = access_point_arn
    applying: dict[str, list[tuple[str, bool | None]]] = {"Allow": [], "Deny": []}
    for number, statement in enumerate(_list(policy.get("Statement")), start=1):
        if _is_about(statement, action) and _is_for_anybody(statement):
            holds = _conditions_hold(statement.get("Condition") or {}, context)
            if holds is not False:
                name = str(statement.get("Sid") or f"statement {number}")
                applying.setdefault(str(statement.get("Effect")), []).append((name, holds))
    denials, grants = applying["Deny"], applying["Allow"]
    for name, holds in denials:
        if holds:
            return Decision("denied", f"{name} denies {action}")
    unknown = [name for name, holds in (*denials, *grants) if holds is None]
    allowing = [name for name, holds in grants if holds]
    if allowing and not any(holds is None for _, holds in denials):
        return Decision("allowed", f"{allowing[0]} allows {action}")
    if unknown:
        return Decision("undecided", f"{unknown[0]} has a condition on {action} that only a mount can tell")
    return Decision("denied", f"no statement allows {action} to a client without an IAM identity")


def _is_about(statement: Mapping[str, Any], action: str) -> bool:
    name = f"elasticfilesystem:{action}".lower()
    if "NotAction" in statement:
        return not any(fnmatchcase(name, str(each).lower()) for each in _list(statement["NotAction"]))
    return any(fnmatchcase(name, str(each).lower()) for each in _list(statement.get("Action")))


def _is_for_anybody(statement: Mapping[str, Any]) -> bool:
    if "NotPrincipal" in statement:
        return True
    principal = statement.get("Principal", {})
    return principal == "*" or (isinstance(principal, Mapping) and "*" in _list(principal.get("AWS")))


def _conditions_hold(conditions: Mapping[str, Any], context: Mapping[str, str]) -> bool | None:
    """None when a condition is about something that is not known here, and no other one fails."""
    answers = [
        _holds(operator, context.get(key.lower()), [str(value) for value in _list(values)])
        for operator, keys in conditions.items()
        for key, values in keys.items()
    ]
    if False in answers:
        return False
    return None if None in answers else True


def _holds(operator: str, actual: str | None, values: list[str]) -> bool | None:
    match = re.fullmatch(r"(String|Arn|Bool)(Not)?(Equals|Like)?(IgnoreCase)?(IfExists)?", operator)
    if actual is None or match is None:
        return None
    found = any(fnmatchcase(actual.lower(), value.lower()) for value in values)
    return found != bool(match[2])


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
