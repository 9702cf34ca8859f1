"""The statements of the roles that are deployed, who used what of them, and taking one away for a while."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto.cloudformation.models import cloudformation_backends
from moto.iam.models import Role, iam_backends

from local.aws.permissions.audit import Decision
from local.aws.permissions.identity import Statement, policies_of
from local.aws.policies import applies, as_list

AWS_OWN = "arn:aws:iam::aws:policy/"


@dataclass(frozen=True)
class Right:
    """One statement of one role; a managed policy's is one of every role that it is attached to."""

    role_arn: str
    role: str
    """Its name in the template."""
    policy: str
    statement: Statement = field(hash=False)
    name: str

    @property
    def label(self) -> str:
        return f"{self.role}-{self.name}"

    @property
    def actions(self) -> list[str]:
        return as_list(self.statement["Action"])

    @property
    def resources(self) -> list[str]:
        return as_list(self.statement["Resource"])

    def is_of(self, decision: Decision) -> bool:
        """Whether the decision was about what the statement is about."""
        return decision.principal == self.role_arn and applies(
            self.statement, decision.action, decision.context, decision.resource
        )

    @contextmanager
    def taken_away(self) -> Iterator[None]:
        """From this role only, whoever else has the policy."""
        role = _role(self.role_arn)
        inline, managed = dict(role.policies), dict(role.managed_policies)
        left = [each for each in self._siblings() if each is not self.statement]
        role.managed_policies.pop(self.policy, None)
        role.policies[self.policy] = json.dumps({"Version": "2012-10-17", "Statement": left})
        try:
            yield
        finally:
            role.policies.clear()
            role.policies.update(inline)
            role.managed_policies.update(managed)

    def _siblings(self) -> tuple[Statement, ...]:
        (policy,) = [each for each in policies_of(self.role_arn) if each.name == self.policy]
        return policy.statements


def deployed_rights() -> list[Right]:
    """Every statement that is ours, of every role of every stack; AWS's own policies are AWS's to trim."""
    return [
        # SAM gives the statements that it makes no Sid; it makes one to a policy.
        Right(role.arn, role_id, policy.name, statement, statement.get("Sid", "StartExecution"))
        for role_id, role in _deployed_roles()
        for policy in policies_of(role.arn)
        if not policy.name.startswith(AWS_OWN)
        for statement in policy.statements
    ]


def attached_to() -> list[tuple[str, str, str]]:
    """Role in the template, its ARN, and the ARN of each policy of AWS's own that is attached to it."""
    return [
        (role_id, role.arn, policy.name)
        for role_id, role in _deployed_roles()
        for policy in policies_of(role.arn)
        if policy.name.startswith(AWS_OWN)
    ]


@contextmanager
def detached(role_arn: str, policy_arn: str) -> Iterator[None]:
    policies = _role(role_arn).managed_policies
    policy = policies.pop(policy_arn)
    try:
        yield
    finally:
        policies[policy_arn] = policy


def _deployed_roles() -> Iterator[tuple[str, Role]]:
    """By their names in the templates."""
    for account in list(cloudformation_backends.values()):
        for backend in list(account.values()):
            for stack in list(backend.stacks.values()):
                for logical_id, resource in stack.resource_map.items():
                    if isinstance(resource, Role):
                        yield str(logical_id), resource


def _role(arn: str) -> Any:
    return next(role for role in iam_backends[arn.split(":")[4]]["aws"].get_roles() if role.arn == arn)


def uses(right: Right, decisions: Iterable[Decision]) -> Counter[tuple[str, str]]:
    """(action of the statement, resource of the statement) -> how often it was needed."""
    count: Counter[tuple[str, str]] = Counter()
    for decision in decisions:
        if decision.principal != right.role_arn:
            continue
        for action in right.actions:
            for resource in right.resources:
                narrowed = {**right.statement, "Action": action, "Resource": resource}
                if applies(narrowed, decision.action, decision.context, decision.resource):
                    count[action, resource] += 1
    return count
