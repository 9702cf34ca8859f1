"""Whose a resource is, and the policy that it has itself, where that matters for who may do what with it.

Source: IAM guide, "AWS services that work with IAM" (column "Resource-based policies").
"""

import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.models import lambda_backends
from moto.events.models import events_backends
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from local.aws import iam

Policy = Mapping[str, Any]


SHARED_OTHERWISE = ("ec2", "organizations")
"""Used from other accounts without a policy of the resource's own: through RAM, or as a delegated administrator."""


def owner_of(resource: str) -> str | None:
    """The account whose policy has to let others in; None when the resource is nobody's in particular."""
    parts = resource.split(":", 5)
    if len(parts) < 6 or parts[2] in SHARED_OTHERWISE:
        return None
    if parts[2] == "s3":
        return _bucket_owner(parts[1], parts[5].split("/", 1)[0])
    return parts[4] or None


def policy_of(resource: str) -> Policy | None:
    """The policy of the resource with that ARN; None when it has none."""
    parts = resource.split(":", 5)
    read = READERS.get(parts[2]) if len(parts) == 6 else None
    if read is None:
        return None
    with contextlib.suppress(LookupError, UnknownFunctionException):
        text = read(parts[1], parts[3], parts[4], parts[5])
        policy: Policy | None = json.loads(text) if isinstance(text, str) else text
        return policy
    return None


def _bucket(partition: str, _region: str, _account_id: str, resource: str) -> Any:
    name = resource.split("/", 1)[0]
    policy = s3_backends[str(_bucket_owner(partition, name))][partition].buckets[name].policy
    return policy.decode() if isinstance(policy, bytes) else policy


def _bucket_owner(partition: str, name: str) -> str | None:
    """Names of buckets are unique in a partition, and their ARNs have no account."""
    accounts = list(s3_backends.items())
    return next((account_id for account_id, account in accounts if name in account[partition].buckets), None)


def _queue(_partition: str, region: str, account_id: str, resource: str) -> Any:
    return sqs_backends[account_id][region].queues[resource].policy


def _topic(partition: str, region: str, account_id: str, resource: str) -> Any:
    return sns_backends[account_id][region].topics[f"arn:{partition}:sns:{region}:{account_id}:{resource}"].policy


def _event_bus(_partition: str, region: str, account_id: str, resource: str) -> Any:
    return events_backends[account_id][region].event_buses[resource.removeprefix("event-bus/")].policy


def _key(_partition: str, region: str, account_id: str, resource: str) -> Any:
    return kms_backends[account_id][region].keys[resource.removeprefix("key/")].policy


def _function(_partition: str, region: str, account_id: str, resource: str) -> Any:
    if not resource.startswith("function:"):
        return None
    function = lambda_backends[account_id][region].get_function(resource.removeprefix("function:"))
    return {"Statement": function.policy.statements} if function.policy else None


def _role(partition: str, _region: str, account_id: str, resource: str) -> Any:
    role = iam.find_role(f"arn:{partition}:iam::{account_id}:{resource}")
    return unquote(role.assume_role_policy_document) if role else None


READERS: dict[str, Callable[[str, str, str, str], Any]] = {
    "s3": _bucket,
    "sqs": _queue,
    "sns": _topic,
    "events": _event_bus,
    "kms": _key,
    "lambda": _function,
    "iam": _role,
}
