"""What every role was seen to need, in the words of any account: what IAM's simulator is asked."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from local.aws.permissions import identity
from local.aws.permissions.audit import Decision
from local.aws.policies import verdict
from tests.permissions.rights import Right
from tests.permissions.world import World

IDS = re.compile(r"\b(vpc|subnet|sg|fs|fsmt|fsap|rtb|igw|eipalloc|nat|eni|acl)-[0-9a-f]{8,}\b")
STREAM = re.compile(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]+")
OTHER_ACCOUNT = re.compile(r"(?<=:)\d{12}(?=:)")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
NAMED = re.compile(r"\b(first|second)-[a-z-]+")


def needs(rights: Sequence[Right], decisions: Iterable[Decision], world: World) -> list[dict[str, Any]]:
    """[{role, actions, resources, context}]: each action on each resource in those circumstances, by the role's own."""
    roles = {right.role_arn: right.role for right in rights}
    names = physical_names(world)
    asked: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    contexts: dict[str, dict[str, Any]] = {}
    for decision in decisions:
        role = roles.get(decision.principal)
        if role is None or f":{world.cloud.account_id}:" not in decision.principal or not decision.allowed:
            continue
        statements = list(identity.statements_of(decision.principal))
        if verdict(statements, decision.action, decision.context, decision.resource) != "allow":
            continue  # the resource's own policy allowed it
        context = {
            key: _generic(value, names, world)
            for key, value in sorted(decision.context.items())
            if _matters(key, statements)
        }
        contexts[repr(context)] = context
        asked[role, str(_generic(decision.resource, names, world)), repr(context)].add(decision.action)
    together: dict[tuple[str, tuple[str, ...], str], set[str]] = defaultdict(set)
    for (role, resource, context_key), actions in asked.items():
        together[role, tuple(sorted(actions)), context_key].add(resource)
    return [
        {"role": role, "actions": list(actions), "resources": sorted(resources), "context": contexts[context_key]}
        for (role, actions, context_key), resources in sorted(together.items())
    ]


def physical_names(world: World) -> list[tuple[str, str]]:
    """(physical id, {Logical}), the longest first; what has the stack's own name is told by it."""
    cloudformation = world.cloud.client("cloudformation")
    found: list[tuple[str, str]] = []

    def look(stack: str, prefix: str) -> None:
        for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack):
            for each in page["StackResourceSummaries"]:
                name, physical = each["LogicalResourceId"], each.get("PhysicalResourceId", "")
                found.append((physical, f"{{{prefix}{name}}}"))
                if each["ResourceType"] == "AWS::CloudFormation::Stack":
                    look(physical, f"{prefix}{name}.")

    look("eks-efs-provisioner", "")
    distinct = [(physical, name) for physical, name in found if len(physical) > len("eks-efs-provisioner-")]
    return sorted(distinct, key=lambda pair: -len(pair[0]))


def _matters(key: str, statements: Sequence[Any]) -> bool:
    """Whether any condition of the role looks at it."""
    looked_at = {
        name.lower() for statement in statements for keys in statement.get("Condition", {}).values() for name in keys
    }
    return key.lower() in looked_at


def _generic(value: Any, names: list[tuple[str, str]], world: World) -> Any:
    if isinstance(value, tuple):
        return sorted(str(_generic(each, names, world)) for each in value)
    text = str(value)
    for physical, name in names:
        text = text.replace(physical, name)
        if "/" in physical and physical.startswith("https:"):  # a queue, whose ARN has its name
            text = text.replace(physical.rsplit("/", 1)[1], f"{name}")
    text = IDS.sub(r"\1-0123456789abcdef0", text)
    text = UUID.sub("00000000-0000-0000-0000-000000000000", text)
    text = STREAM.sub("stream", NAMED.sub("example", text))
    text = text.replace(":eks-efs-provisioner-", ":<stack>-").replace("arn:aws:", "arn:<partition>:")
    text = text.replace(world.cloud.account_id, "<account>").replace(world.cloud.region, "<region>")
    return OTHER_ACCOUNT.sub("111122223333", text)
