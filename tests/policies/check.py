"""Checks every statement of every policy that we ship against the Service Authorization Reference.

IAM accepts an action that does not exist, a resource that the action does not take, and a condition key that is never
there; such a statement never holds. `python -m tests.policies.check` prints every finding and fails when there is one.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from local.aws.permissions import reference
from local.aws.permissions.reference import Action, Target
from local.aws.policies import matches_any
from tests.policies.documents import Document, flat, shipped

IN_EVERY_REQUEST = {"aws:calledvia", "aws:principalarn", "aws:securetransport", "aws:viaawsservice"}
"""The global keys that we use; no list of all can be loaded. Source: IAM guide, "AWS global condition context keys"."""

OF_SERVICES = {"aws:sourceaccount", "aws:sourcearn"}
"""There when a service comes on somebody's behalf. Which of them which service shows to whom is for the embedded cloud
to say (local/aws/patches/deliveries.py, local/aws/service_roles.py)."""

A_ROLE = "arn:aws:iam::111122223333:role/name"


@dataclass(frozen=True)
class Subject:
    """What one statement is about: each action as it is named, with all that the name stands for."""

    actions: Mapping[str, Sequence[Action]]
    resources: Sequence[str]
    for_a_service: bool

    @classmethod
    def of(cls, kind: str, statement: Mapping[str, Any]) -> "Subject":
        named = [str(name) for name in flat(statement["Action"]) if name != "*"]
        # A trust policy is about its role; a key's writes * for the key.
        resources = [A_ROLE] if kind == "trust" else [str(each) for each in flat(statement["Resource"])]
        principal = statement.get("Principal")
        return cls(
            {name: _actions(name) for name in named}, resources, isinstance(principal, dict) and "Service" in principal
        )


def findings(document: Document) -> Iterator[str]:
    checks = [_existence, _resources, *([_width] if document.kind == "identity" else [])]
    for number, statement in enumerate(document.statements, 1):
        where = f"{document.where}, {statement.get('Sid', f'statement {number}')}"
        if excluded := {"NotAction", "NotResource"} & statement.keys():
            yield f"{where}: {' and '.join(excluded)} says what is not meant; only what is named can be checked"
            continue
        subject = Subject.of(document.kind, statement)
        for check in checks:
            yield from (f"{where}: {finding}" for finding in check(subject))
        for operator, keys in statement.get("Condition", {}).items():
            yield from (f"{where}: {finding}" for key in keys for finding in _condition(subject, operator, key))


def _existence(subject: Subject) -> Iterator[str]:
    for name, actions in subject.actions.items():
        if not actions:
            yield f"{name} is no action of the Service Authorization Reference"


def _resources(subject: Subject) -> Iterator[str]:
    """Each action finds a resource that it takes, and each resource an action that takes it."""
    if "*" in subject.resources:
        return
    known = {name: actions for name, actions in subject.actions.items() if actions}
    idle = [name for name, actions in known.items() if not any(_targets(each, subject.resources) for each in actions)]
    for name in idle:
        yield f"{name} takes {_taken(known[name]) or 'only *'}, not {' or '.join(subject.resources)}"
    for resource in subject.resources:
        if known and not idle and not any(_targets(each, [resource]) for actions in known.values() for each in actions):
            yield f"none of its actions takes {resource}"


def _width(subject: Subject) -> Iterator[str]:
    for name, actions in subject.actions.items():
        if "*" in subject.resources and _taken(actions):
            yield f"{name} is allowed on *, but takes {_taken(actions)}"


def _taken(actions: Sequence[Action]) -> str:
    return " or ".join(sorted({target.type.arn for action in actions for target in action.targets}))


def _condition(subject: Subject, operator: str, key: str) -> Iterator[str]:
    if key.lower() in IN_EVERY_REQUEST:
        return
    if key.lower() in OF_SERVICES:
        if not subject.for_a_service:
            yield f"{key} is there only when a service is the principal"
        return
    for name, actions in subject.actions.items():
        if actions and not any(_has(action, key, subject.resources) for action in actions):
            yield f"{name} has no condition key {key} on {' or '.join(subject.resources)}"
        elif not operator.startswith("For") and operator != "Null" and any(_has_several(each, key) for each in actions):
            yield f"{key} of {name} has several values: {operator} needs ForAnyValue: or ForAllValues:"


def _has(action: Action, key: str, resources: Sequence[str]) -> bool:
    if "*" in resources:
        return action.supports(key)
    return any(action.supports(key, target) for target in _targets(action, resources))


def _has_several(action: Action, key: str) -> bool:
    known = reference.service(action.service).condition_key(key)
    return known is not None and known.type.startswith("ArrayOf")


@cache
def _actions(name: str) -> Sequence[Action]:
    """All that a name, with wildcards perhaps, stands for; nothing for one that does not exist."""
    prefix, _, pattern = name.partition(":")
    if prefix.lower() not in reference.services():
        return ()
    known = reference.service(prefix.lower()).actions.items()
    return [action for each, action in known if matches_any([pattern], each, ignore_case=True)]


def _targets(action: Action, resources: Sequence[str]) -> list[Target]:
    """What the action takes that may have one of these ARNs."""
    return [target for target in action.targets if "*" in resources or any(_is(target, each) for each in resources)]


@cache
def _is(target: Target, resource: str) -> bool:
    """Whether that pattern has ARNs of this type, and no other type of the service says more of what they are.

    A bucket's pattern covers its objects' too: bucket/* is objects, and no bucket.
    """
    own = target.type.arn_of()
    others = [each.arn_of() for each in reference.service(target.type.service).resource_types.values()]
    special = [each for each in others if matches_any([own], each) and not matches_any([each], own)]
    return _have_common_arn(own, resource) and not matches_any(special, resource)


def _have_common_arn(one: str, other: str) -> bool:
    """A wildcard does not reach over the five colons before the resource."""
    parts = list(zip(one.split(":", 5), other.split(":", 5), strict=False))
    return len(parts) == 6 and all(_have_common_text(*part) for part in parts)


@cache
def _have_common_text(one: str, other: str) -> bool:
    """Whether there is a text that both patterns match."""
    if not one or not other:
        return set(one + other) <= {"*"}
    if other[0] == "*":
        one, other = other, one
    if one[0] == "*":
        return _have_common_text(one[1:], other) or _have_common_text(one, other[1:])
    return (one[0] == other[0] or "?" in (one[0], other[0])) and _have_common_text(one[1:], other[1:])


def main() -> int:
    every = list(shipped())
    found = [finding for document in every for finding in findings(document)]
    count = sum(len(document.statements) for document in every)
    good = f"{count} statements of policies: every action exists, takes what is named, and has the condition's keys"
    print("\n".join(found) or good)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
