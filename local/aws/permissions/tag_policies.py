"""Tag policies of the organization, as far as they are enforced: what a call may not give, whoever makes it.

A tag whose key is the policy's but for its case, or whose value is none of the policy's, is refused on the types that
the policy is enforced for. What has no such tag passes: a tag policy demands none.
Source: Organizations guide, "Enforce tagging consistency", "Tag policy syntax and examples" and "Understanding
management policy inheritance" (an operator of a lower level changes what the upper ones say).
"""

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from local.aws.models.refused import code
from local.aws.permissions.demand import Context, Demand
from local.aws.permissions.guardrails import levels_of

REQUESTED = "aws:RequestTag/"
CODES = {"ec2": "TagPolicyViolation"}
"""Source: runs-on/runs-on#485. Others refuse with the code that they have for wrong input, as DynamoDB was seen to
do; which that is of EKS, EFS and CloudFormation is nowhere said."""


@dataclass(frozen=True)
class Rule:
    """Of one tag key: `values` empty allows every one; `*` stands for anything in them and in the types."""

    key: str
    values: tuple[str, ...]
    types: tuple[str, ...]

    def violates(self, key: str, value: str, resource_type: str) -> bool:
        if key.lower() != self.key.lower() or not any(fnmatchcase(resource_type, each) for each in self.types):
            return False
        return key != self.key or (bool(self.values) and not any(fnmatchcase(value, each) for each in self.values))


def of_account(account_id: str) -> tuple[Rule, ...]:
    """Those that are in force there."""
    return _effective(tuple(levels_of(account_id, "TAG_POLICY")))


def violated(rules: Iterable[Rule], demands: Iterable[tuple[Demand, Context]]) -> tuple[Demand, str] | None:
    """The first demand that would give a tag which a rule does not let it give, and the tag's key."""
    return next(
        (
            (demand, name.removeprefix(REQUESTED))
            for demand, context in demands
            for name, value in context.items()
            if name.startswith(REQUESTED)
            for rule in rules
            if rule.violates(name.removeprefix(REQUESTED), str(value), type_of(demand.resource))
        ),
        None,
    )


def type_of(resource: str) -> str:
    """`ec2:security-group` of an ARN, as the policies name types; of no ARN nothing that a policy names."""
    parts = resource.split(":", 5)
    return f"{parts[2]}:{parts[5].partition('/')[0].partition(':')[0]}" if len(parts) == 6 else ""


def refusal(demand: Demand, key: str, service: str, operation: str) -> tuple[str, str]:
    """(code, message). Source of the words: runs-on/runs-on#485 (EC2), superwerker's tests (DynamoDB)."""
    said = f"The tag policy does not allow the specified value for the following tag key: '{key}'."
    return CODES.get(service) or code(service, operation), said


@functools.lru_cache(maxsize=64)
def _effective(levels: tuple[str, ...]) -> tuple[Rule, ...]:
    merged: dict[str, dict[str, Any]] = {}
    for content in levels:
        for name, said in json.loads(content).get("tags", {}).items():
            found = merged.setdefault(name.lower(), {"tag_key": name, "tag_value": [], "enforced_for": []})
            for part, operators in said.items():
                found[part] = _changed(found.get(part), operators)
    return tuple(
        Rule(each["tag_key"], tuple(each["tag_value"]), tuple(_types(each["enforced_for"]))) for each in merged.values()
    )


def _changed(value: Any, operators: Mapping[str, Any]) -> Any:
    value = operators.get("@@assign", value)
    if isinstance(value, list):
        value = [each for each in (*value, *operators.get("@@append", [])) if each not in operators.get("@@remove", [])]
    return value


def _types(enforced_for: Iterable[str]) -> Iterator[str]:
    """`ALL_SUPPORTED` and `*` are every type of the service that AWS enforces; which these are is no published data, so
    that here it is every type."""
    for each in enforced_for:
        yield each.replace("ALL_SUPPORTED", "*")
