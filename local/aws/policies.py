"""Evaluates policies of resources and of identities: as much of IAM's grammar as ours use.

Source: IAM guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators".
"""

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Decision = Literal["allow", "explicit deny", "implicit deny"]
Value = str | tuple[str, ...]
"""Of a condition key: a tuple when the key has several values."""


@dataclass(frozen=True)
class Caller:
    """Who asks: every ARN that names an AWS principal (or its account), or a service. Neither: anonymous."""

    arns: frozenset[str] = field(default_factory=frozenset)
    service: str | None = None


ANONYMOUS = Caller()


def decide(
    document: Mapping[str, Any], caller: Caller, action: str, context: Mapping[str, Value], resource: str | None = None
) -> Decision:
    """What a resource policy says of one request; `resource` None: the policy's own resource (trust policies)."""
    statements = as_list(document.get("Statement", []))
    return verdict((s for s in statements if _names_caller(s, caller)), action, context, resource)


def verdict(
    statements: Iterable[Mapping[str, Any]], action: str, context: Mapping[str, Value], resource: str | None
) -> Decision:
    """What these statements, which are about the caller, say together: a Deny wins."""
    effects = {statement["Effect"] for statement in statements if applies(statement, action, context, resource)}
    if "Deny" in effects:
        return "explicit deny"
    return "allow" if "Allow" in effects else "implicit deny"


def applies(statement: Mapping[str, Any], action: str, context: Mapping[str, Value], resource: str | None) -> bool:
    """Whether a statement is about this action on this resource in these circumstances."""
    return (
        _names_action(statement, action)
        and _names_resource(statement, resource)
        and all(_holds(operator, keys, context) for operator, keys in statement.get("Condition", {}).items())
    )


def as_list(value: Any) -> list[Any]:
    """Policies may write a single value without its list."""
    return value if isinstance(value, list) else [value]


def _names_caller(statement: Mapping[str, Any], caller: Caller) -> bool:
    principal = statement.get("Principal")
    if principal is None:
        return False
    if principal == "*":
        return True
    if caller.service is not None:
        return caller.service in as_list(principal.get("Service", []))
    return any(name == "*" or name in caller.arns for name in as_list(principal.get("AWS", [])))


def _names_action(statement: Mapping[str, Any], action: str) -> bool:
    if "NotAction" in statement:
        return not matches_any(as_list(statement["NotAction"]), action, ignore_case=True)
    return matches_any(as_list(statement.get("Action", [])), action, ignore_case=True)


def _names_resource(statement: Mapping[str, Any], resource: str | None) -> bool:
    if resource is not None and "NotResource" in statement:
        return not matches_any(as_list(statement["NotResource"]), resource)
    if resource is None or "Resource" not in statement:
        return True
    return matches_any(as_list(statement["Resource"]), resource)


def _holds(operator: str, keys: Mapping[str, Any], context: Mapping[str, Value]) -> bool:
    known = {name.lower(): value for name, value in context.items()}
    return all(_key_holds(operator, known.get(name.lower()), as_list(wanted)) for name, wanted in keys.items())


def _key_holds(operator: str, actual: Value | None, wanted: list[Any]) -> bool:
    quantifier, _, operator = operator.rpartition(":")
    if quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise NotImplementedError(f"the embedded cloud does not know the condition quantifier {quantifier}")
    if_exists = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    if operator == "Null":
        return (actual is None) == (str(wanted[0]).lower() == "true")
    negated = "Not" in operator
    if actual is None:
        return quantifier == "ForAllValues" or if_exists or (negated and quantifier != "ForAnyValue")
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in wanted]
    values = (actual,) if isinstance(actual, str) else actual
    hits = [_value_hits(operator.replace("Not", ""), value, texts) != negated for value in values]
    return all(hits) if quantifier == "ForAllValues" else any(hits)


def _value_hits(operator: str, actual: str, texts: list[str]) -> bool:
    match operator:
        case "StringEquals":
            return actual in texts
        case "StringEqualsIgnoreCase" | "Bool":
            return actual.lower() in [text.lower() for text in texts]
        case "StringLike" | "ArnLike" | "ArnEquals":
            return matches_any(texts, actual)
        case _:
            raise NotImplementedError(f"the embedded cloud does not know the condition operator {operator}")


def matches_any(patterns: Iterable[str], value: str, *, ignore_case: bool = False) -> bool:
    """IAM's wildcards: * for any text, ? for one character."""
    return _glob(tuple(patterns), ignore_case).fullmatch(value) is not None


@functools.lru_cache(maxsize=4096)
def _glob(patterns: tuple[str, ...], ignore_case: bool) -> re.Pattern[str]:
    """Of all at once: a role's statement names up to forty actions, and every call asks for each."""
    parts = {"*": ".*", "?": "."}
    globs = ("".join(parts.get(c, re.escape(c)) for c in pattern) for pattern in patterns)
    return re.compile("|".join(globs) if patterns else "(?!)", re.IGNORECASE if ignore_case else 0)
