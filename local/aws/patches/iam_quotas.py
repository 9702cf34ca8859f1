"""Policies have no more room than IAM gives them.

moto lacks: quotas. Source: IAM guide, "IAM and AWS STS quotas" (white space does not count). The words are those seen
in serverless/serverless#7643 (inline), ministryofjustice/cloud-platform-environments#14473 (managed),
kubeflow/kubeflow#6687 (trust) and aws/eks-hybrid#741 (attached).
"""
# mypy: disable-error-code="method-assign"

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.iam.models import Group, IAMBackend, ManagedPolicy, Role, User

from local.aws.refusals import refusal

if TYPE_CHECKING:
    from local.aws.server import AwsServer

INLINE_CHARACTERS = 10_240
"""Of all inline policies of a role together."""
MANAGED_CHARACTERS = 6_144
TRUST_CHARACTERS = 2_048
ATTACHED_POLICIES = 10


def install(server: AwsServer) -> None:
    put, make_role, make_policy = Role.put_policy, IAMBackend.create_role, IAMBackend.create_policy
    attach = ManagedPolicy.attach_to

    def put_policy(self: Role, policy_name: str, policy_json: Any) -> None:
        others = [text for name, text in self.policies.items() if name != policy_name]
        if sum(map(_characters, [*others, policy_json])) > INLINE_CHARACTERS:
            raise _exceeded(f"Maximum policy size of {INLINE_CHARACTERS} bytes exceeded for role {self.name}")
        put(self, policy_name, policy_json)

    def create_role(
        self: IAMBackend, role_name: str, assume_role_policy_document: str, *how: Any, **named: Any
    ) -> Role:
        _within("ACLSizePerRole", TRUST_CHARACTERS, _characters(assume_role_policy_document))
        return make_role(self, role_name, assume_role_policy_document, *how, **named)

    def create_policy(
        self: IAMBackend, description: str, path: str, policy_document: str, policy_name: str, tags: Any
    ) -> ManagedPolicy:
        _within("PolicySize", MANAGED_CHARACTERS, _characters(policy_document))
        return make_policy(self, description, path, policy_document, policy_name, tags)

    def attach_to(self: ManagedPolicy, obj: Role | Group | User) -> None:
        if isinstance(obj, Role):
            _within("PoliciesPerRole", ATTACHED_POLICIES, len({*obj.managed_policies, self.arn}))
        attach(self, obj)

    Role.put_policy = put_policy
    IAMBackend.create_role = create_role
    IAMBackend.create_policy = create_policy
    ManagedPolicy.attach_to = attach_to


def _within(quota: str, most: int, asked: int) -> None:
    if asked > most:
        raise _exceeded(f"Cannot exceed quota for {quota}: {most}")


def _exceeded(message: str) -> Exception:
    return refusal("LimitExceeded", message)


def _characters(document: Any) -> int:
    text = document if isinstance(document, str) else json.dumps(document, default=str)
    return sum(not character.isspace() for character in text)
