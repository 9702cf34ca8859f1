"""What botocore's client leaves to AWS's servers: pattern, length, range and enum, and required once more.

A shape becomes one function, made once; what needs no look is left out of it. A violation is one sentence in the words
of AWS's own services. Source: aws-sdk-js#3321 (EFS), fluent-plugin-cloudwatch-logs#223 (CloudWatch Logs, pattern before
length), winston-cloudwatch#55 (a list's length), centralize-logs#5 (null), cf-to-tf#5 (CloudFormation).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from local.aws.models import operation_model
from local.aws.models.patterns import is_matched

NUMBERS = ("integer", "long", "float", "double", "short", "byte", "bigdecimal", "biginteger")


@dataclass(frozen=True)
class Violation:
    """`kind` is the constraint's name in the model; `path` is `tags.1.member.key`, `value` as Java would print it."""

    kind: str
    path: str
    value: str
    demand: str

    def __str__(self) -> str:
        return f"{self.value} at '{self.path}' failed to satisfy constraint: {self.demand}"


NOT_ENFORCED = {
    ("backup", "backupVaultName", "pattern"): "EFS guide, Backing up EFS file systems: aws/efs/automatic-backup-vault",
    ("s3", "createBucketConfiguration.locationConstraint", "enum"): "endpoints.json: S3 in more regions than the enum",
}
"""By service, path and kind: what a model says and AWS does not insist on, with the source."""

Check = Callable[[Any, str], list[Violation]]
"""Of a value and the path to it."""
Demand = tuple[str, str]
"""The kind of a constraint and AWS's sentence about it."""


def violations(service: str, operation: str, parameters: Mapping[str, Any]) -> list[Violation]:
    """Of a request whose parameters are named as in the model."""
    found = _check_of(service, operation)(parameters, "")
    return [violation for violation in found if (service, violation.path, violation.kind) not in NOT_ENFORCED]


@cache
def _check_of(service: str, operation: str) -> Check:
    shape = operation_model(service, operation).input_shape
    return (_compiler(service).check(shape) if shape else None) or nothing


@cache
def _compiler(service: str) -> Compiler:
    return Compiler()


def nothing(_value: Any, _path: str) -> list[Violation]:
    return []


class Compiler:
    """Checks of one service's shapes; a shape that contains itself refers to its own check."""

    def __init__(self) -> None:
        self._checks: dict[str, Check | None] = {}

    def check(self, shape: Shape) -> Check | None:
        """None where nothing is asked of the value."""
        if shape.name not in self._checks:
            self._checks[shape.name] = self._referring_to(shape.name)
            self._checks[shape.name] = self._made(shape)
        return self._checks[shape.name]

    def _referring_to(self, name: str) -> Check:
        def check(value: Any, path: str) -> list[Violation]:
            made = self._checks[name]
            return made(value, path) if made else []

        return check

    def _made(self, shape: Shape) -> Check | None:
        match shape:
            case StructureShape():
                return self._of_structure(shape)
            case ListShape():
                return _both(_of_value(shape), self._of_items(shape))
            case MapShape():
                return _both(_of_value(shape), self._of_entries(shape))
            case _:
                return _of_value(shape)

    def _of_structure(self, shape: StructureShape) -> Check | None:
        checks = {name: check for name, member in shape.members.items() if (check := self.check(member))}
        required = tuple(shape.required_members)
        if not checks and not required:
            return None

        def check_members(value: Any, path: str) -> list[Violation]:
            found = []
            for name in required:
                if value.get(name) is None:
                    found.append(Violation("required", _join(path, name), "Value null", "Member must not be null"))
            for name, given in value.items():
                if given is not None and name in checks:
                    found += checks[name](given, _join(path, name))
            return found

        return check_members

    def _of_items(self, shape: ListShape) -> Check | None:
        """What a plain item violates is told of the list as a whole."""
        check = self.check(shape.member)
        if check is None:
            return None
        if not isinstance(shape.member, (StructureShape, ListShape, MapShape)):
            return _of_each(shape.member, lambda value: value)

        def check_items(value: Any, path: str) -> list[Violation]:
            return [
                violation
                for number, item in enumerate(value, 1)
                for violation in check(item, f"{path}.{number}.member")
            ]

        return check_items

    def _of_entries(self, shape: MapShape) -> Check | None:
        keys = _of_each(shape.key, lambda value: value.keys())
        check = self.check(shape.value)
        if check is None:
            return keys
        if not isinstance(shape.value, (StructureShape, ListShape, MapShape)):
            return _both(keys, _of_each(shape.value, lambda value: value.values()))

        def check_values(value: Any, path: str) -> list[Violation]:
            return [violation for key, item in value.items() for violation in check(item, f"{path}.{key}.member")]

        return _both(keys, check_values)


def demands(shape: Shape) -> list[tuple[Callable[[Any], bool], Demand]]:
    """What is asked of a value itself, each with a function that is true of what satisfies it."""
    said = shape.metadata
    asked: list[tuple[Callable[[Any], bool], Demand]] = []
    if allowed := said.get("enum"):
        words = f"Member must satisfy enum value set: [{', '.join(allowed)}]"
        asked.append((frozenset(allowed).__contains__, ("enum", words)))
    if pattern := said.get("pattern"):
        # Compiled when there is a value: few of the many members of an operation are ever given.
        words = f"Member must satisfy regular expression pattern: {pattern}"
        asked.append((lambda value: is_matched(pattern, _text(value)), ("pattern", words)))
    measured = "value" if shape.type_name in NUMBERS else "length"
    size = (lambda value: value) if measured == "value" else len
    if (most := said.get("max")) is not None:
        words = f"Member must have {measured} less than or equal to {most}"
        asked.append((lambda value: size(value) <= most, ("max", words)))
    if (least := said.get("min")) is not None:
        words = f"Member must have {measured} greater than or equal to {least}"
        asked.append((lambda value: size(value) >= least, ("min", words)))
    return asked


def _of_value(shape: Shape) -> Check | None:
    asked = demands(shape)
    secret = bool(shape.metadata.get("sensitive"))
    if not asked:
        return None

    def check_value(value: Any, path: str) -> list[Violation]:
        return [
            Violation(kind, path, _shown(value, secret), words)
            for satisfied, (kind, words) in asked
            if not satisfied(value)
        ]

    return check_value


def _of_each(shape: Shape, of: Callable[[Any], Any]) -> Check | None:
    """Of a list's items, a map's keys or its values: all that is asked of each, if one of them lacks something."""
    asked = demands(shape)
    secret = bool(shape.metadata.get("sensitive"))
    if not asked:
        return None
    words = f"Member must satisfy constraint: [{', '.join(words for _, (_, words) in asked)}]"

    def check_each(value: Any, path: str) -> list[Violation]:
        for item in of(value):
            for satisfied, (kind, _) in asked:
                if not satisfied(item):
                    return [Violation(kind, path, _shown(value, secret), words)]
        return []

    return check_each


def _both(first: Check | None, second: Check | None) -> Check | None:
    if first is None or second is None:
        return first or second
    return lambda value, path: first(value, path) + second(value, path)


def _join(path: str, name: str) -> str:
    """AWS's services spell members as Java does: `tags.1.member.key`."""
    member = name[0].lower() + name[1:]
    return f"{path}.{member}" if path else member


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _shown(value: Any, secret: bool) -> str:
    """As Java prints it; a secret is not repeated (cloud-platform-infrastructure#4097: "Value at …")."""
    return "Value" if secret else f"Value '{_printed(value)}'"


def _printed(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={_printed(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_printed, value)) + "]"
    if isinstance(value, bytes):
        return "java.nio.HeapByteBuffer"
    return str(value)
