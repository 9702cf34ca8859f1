"""Whether a service of AWS may deliver to a topic, a queue, a log group or a bus: what its policy says, and its key's.

moto delivers to everything. Sources: EventBridge user guide, "Using resource-based policies" and "Using IAM policy
conditions"; SNS developer guide, "Key management", on services that publish to encrypted topics; SQS developer guide,
"Key management", on the same for queues.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.events.models import events_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.logs.models import logs_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.utilities.arns import Arn, parse_arn

from local.aws.permissions.resource_policies import policy_of
from local.aws.policies import Caller, decide

Policy = Mapping[str, Any]


class UndeliverableError(Exception):
    """A policy does not let the service in."""


def check(
    service: str, source_arn: str, target_arn: str, role_arn: str | None = None, event: Mapping[str, Any] | None = None
) -> None:
    """`source_arn` is the rule or the alarm on whose behalf `service` delivers. Raises: UndeliverableError."""
    target = parse_arn(target_arn)
    context = {"aws:SourceArn": source_arn, "aws:SourceAccount": source_arn.split(":")[4]}
    match target.service:
        case "sqs":
            queue = sqs_backends[target.account][target.region].get_queue(target.resource_id)
            _let_in(service, "sqs:SendMessage", _parsed(queue.policy), target_arn, context)
            _key_lets_in(service, getattr(queue, "kms_master_key_id", None), target, "aws/sqs")
        case "sns":
            topic = sns_backends[target.account][target.region].get_topic(target_arn)
            _let_in(service, "sns:Publish", _parsed(topic.policy), target_arn, context)
            _key_lets_in(service, topic.kms_master_key_id, target, "aws/sns")
        case "logs":
            _log_group_lets_in(service, target, target_arn, context)
        case "lambda":
            _let_in(service, "lambda:InvokeFunction", policy_of(target_arn) or {}, target_arn, context)
        case "states":
            _role_exists(role_arn)
        case "events":
            _role_exists(role_arn)
            _bus_lets_in(target, target_arn, str(role_arn).split(":")[4], event or {})


def key_lets_in(service: str, key_id: str, account_id: str, region: str, context: Mapping[str, str]) -> None:
    """Raises: UndeliverableError unless the key's own policy lets the service write and read with it."""
    backend = kms_backends[account_id][region]
    raw_id = backend.any_id_to_key_id(key_id)
    if raw_id not in backend.keys:
        raise UndeliverableError(f"there is no key {key_id}")
    policy = _parsed(backend.keys[raw_id].policy)
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        _let_in(service, action, policy, None, context)


def _key_lets_in(service: str, key_id: str | None, target: Arn, managed: str) -> None:
    if not key_id:
        return
    if key_id.endswith(managed):
        raise UndeliverableError(f"the policy of alias/{managed} is AWS's: it lets no service in")
    # No source in the context: neither topics nor queues hand on to KMS on whose behalf the service acts.
    key_lets_in(service, key_id, target.account, target.region, {})


def _let_in(service: str, action: str, policy: Policy, resource: str | None, context: Mapping[str, str]) -> None:
    if decide(policy, Caller(service=service), action, context, resource) != "allow":
        raise UndeliverableError(f"{resource or 'the key'} does not let {service} {action}")


def _log_group_lets_in(service: str, target: Arn, target_arn: str, context: Mapping[str, str]) -> None:
    backend = logs_backends[target.account][target.region]
    streams = target_arn.removesuffix(":*") + ":log-stream:*"
    policies = [_parsed(each.policy_document) for each in backend.resource_policies.values()]
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        if not any(decide(p, Caller(service=service), action, context, streams) == "allow" for p in policies):
            raise UndeliverableError(f"no resource policy lets {service} {action} in {target_arn}")


def _role_exists(role_arn: str | None) -> None:
    role = parse_arn(str(role_arn))
    known = {each.arn for each in iam_backends[role.account]["aws"].get_roles()}
    if role_arn not in known:
        raise UndeliverableError(f"there is no role {role_arn}")


def _bus_lets_in(target: Arn, target_arn: str, source_account: str, event: Mapping[str, Any]) -> None:
    """Within an account the sender's role decides; across accounts the bus has to agree."""
    if target.account == source_account:
        return
    bus = events_backends[target.account][target.region].describe_event_bus(target.resource_id)
    sender = Caller(frozenset({source_account, f"arn:aws:iam::{source_account}:root"}))
    context = {"events:source": str(event.get("source")), "events:detail-type": str(event.get("detail-type"))}
    if decide(_parsed(bus.policy), sender, "events:PutEvents", context, target_arn) != "allow":
        raise UndeliverableError(f"{target_arn} does not let account {source_account} in")


def _parsed(policy: Any) -> Policy:
    return json.loads(policy) if isinstance(policy, str) else dict(policy or {})
