"""The policies that resources have themselves, where they matter for who may do what with them.

Source: IAM guide, "AWS services that work with IAM" (column "Resource-based policies").
"""

import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.events.models import events_backends
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

Policy = Mapping[str, Any]


def policy_of(resource: str) -> Policy | None:
    """The policy of the resource with that ARN; None when it has none."""
    parts = resource.split(":", 5)
    read = READERS.get(parts[2]) if len(parts) == 6 else None
    if read is None:
        return None
    with contextlib.suppress(KeyError, LookupError):
        text = read(parts[1], parts[3], parts[4], parts[5])
        policy: Policy | None = json.loads(text) if isinstance(text, str) else text
        return policy
    return None


def _bucket(partition: str, _region: str, _account_id: str, resource: str) -> Any:
    name = resource.split("/", 1)[0]
    for account in list(s3_backends.values()):
        bucket = account[partition].buckets.get(name)
        if bucket is not None:
            return bucket.policy.decode() if isinstance(bucket.policy, bytes) else bucket.policy
    return None


def _queue(_partition: str, region: str, account_id: str, resource: str) -> Any:
    return sqs_backends[account_id][region].queues[resource].policy


def _topic(partition: str, region: str, account_id: str, resource: str) -> Any:
    return sns_backends[account_id][region].topics[f"arn:{partition}:sns:{region}:{account_id}:{resource}"].policy


def _event_bus(_partition: str, region: str, account_id: str, resource: str) -> Any:
    return events_backends[account_id][region].event_buses[resource.removeprefix("event-bus/")].policy


def _key(_partition: str, region: str, account_id: str, resource: str) -> Any:
    return kms_backends[account_id][region].keys[resource.removeprefix("key/")].policy


def _function(_partition: str, region: str, account_id: str, resource: str) -> Any:
    function = lambda_backends[account_id][region].get_function(resource.removeprefix("function:"))
    return {"Statement": function.policy.statements} if function.policy else None


READERS: dict[str, Callable[[str, str, str, str], Any]] = {
    "s3": _bucket,
    "sqs": _queue,
    "sns": _topic,
    "events": _event_bus,
    "kms": _key,
    "lambda": _function,
}
