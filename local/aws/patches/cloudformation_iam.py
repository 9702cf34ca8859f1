"""Roles have the policies that their stack's template or the API says.

moto lacks: refusing a permissions boundary that is not there; ManagedPolicyArns of a role in a template; the policies
that AWS manages (unless all 1,500 are loaded); new policies of a role when its stack is updated; a role's removal,
which detaches its policies first (registry schema of AWS::IAM::Role: its delete handler needs iam:DetachRolePolicy).
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, misc"

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend, Role, iam_backends
from moto.utilities.utils import get_partition

from local.aws.refusals import refusal

if TYPE_CHECKING:
    from local.aws.server import AwsServer


def install(server: AwsServer) -> None:
    create = Role.create_from_cloudformation_json.__func__
    update = Role.update_from_cloudformation_json.__func__
    delete = Role.delete_from_cloudformation_json.__func__

    def created(cls: Any, name: str, resource: Any, account_id: str, region: str, **options: Any) -> Any:
        role = create(cls, name, resource, account_id, region, **options)
        _attach(role, resource["Properties"], account_id, region)
        return role

    def updated(
        cls: Any,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> Any:
        role = update(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name)
        properties = cloudformation_json["Properties"]
        role.policies = {}
        for policy in properties.get("Policies", []):
            role.put_policy(policy["PolicyName"], policy["PolicyDocument"])
        role.assume_role_policy_document = json.dumps(properties["AssumeRolePolicyDocument"], default=str)
        for policy in list(role.managed_policies.values()):
            policy.detach_from(role)
        _attach(role, properties, account_id, region_name)
        return role

    def deleted(cls: Any, name: str, resource: Any, account_id: str, region: str) -> None:
        role = iam_backends[account_id][get_partition(region)].get_role(name)
        for policy in list(role.managed_policies.values()):
            policy.detach_from(role)
        delete(cls, name, resource, account_id, region)

    attach, make_role = IAMBackend.attach_role_policy, IAMBackend.create_role

    def attach_role_policy(self: IAMBackend, policy_arn: str, role_name: str) -> None:
        load(self, policy_arn)
        attach(self, policy_arn, role_name)

    def create_role(self: IAMBackend, *how: Any, **named: Any) -> Role:
        """Source: IAM API, CreateRole, NoSuchEntity; the words are ours."""
        boundary = named.get("permissions_boundary")
        if boundary:
            load(self, boundary)
            if boundary not in self.managed_policies:
                raise refusal("NoSuchEntity", f"Scope ARN: {boundary} does not exist or is not attachable.")
        return make_role(self, *how, **named)

    IAMBackend.attach_role_policy = attach_role_policy
    IAMBackend.create_role = create_role
    Role.create_from_cloudformation_json = classmethod(created)
    Role.update_from_cloudformation_json = classmethod(updated)
    Role.delete_from_cloudformation_json = classmethod(deleted)


def _attach(role: Any, properties: dict[str, Any], account_id: str, region: str) -> None:
    backend = iam_backends[account_id][get_partition(region)]
    for arn in properties.get("ManagedPolicyArns", []):
        backend.attach_role_policy(arn, role.name)


def load(backend: IAMBackend, policy_arn: str) -> None:
    """A policy that AWS manages, once somebody attaches it."""
    name = policy_arn.rsplit("/", 1)[-1]
    if ":iam::aws:policy/" in policy_arn and policy_arn not in backend.managed_policies and name in _managed_by_aws():
        policy = AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, _managed_by_aws()[name])
        backend.managed_policies[policy.arn] = policy


@functools.cache
def _managed_by_aws() -> dict[str, Any]:
    documents: dict[str, Any] = json.loads(aws_managed_policies_data)
    return documents
