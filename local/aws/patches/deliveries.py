"""Whether a service of AWS may deliver to a topic, queue, log group or function: what its policy says, and its key's.

moto delivers to everything. A policy sees of the service what that service's own guide says that it shows there, and
nothing else: a condition on another key keeps the service out. Sources: EventBridge user guide, "Using resource-based
policies"; SNS developer guide, "Example cases for Amazon SNS access control" (CloudWatch alarms) and "Key management",
on services that publish to encrypted topics; SQS developer guide, "Key management", on the same for queues.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.kms.models import kms_backends
from moto.logs.models import logs_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.utilities.arns import Arn, parse_arn

from local.aws.permissions.resource_policies import policy_of
from local.aws.policies import Caller, as_list, decide
from local.aws.service_roles import EVENTS

Policy = Mapping[str, Any]

CLOUDWATCH = "cloudwatch.amazonaws.com"

SHOWN: dict[tuple[str, str], tuple[str, ...]] = {
    (EVENTS, "sqs"): ("aws:SourceArn",),
    (EVENTS, "lambda"): ("aws:SourceArn",),
    (CLOUDWATCH, "sns"): ("aws:SourceArn", "aws:SourceAccount"),
}
"""(service, whose policy) -> the keys of the context. Where the guide shows no condition, there is none to rely on."""


class UndeliverableError(Exception):
    """A policy does not let the service in."""


def check(service: str, source_arn: str, target_arn: str) -> None:
    """`source_arn` is the rule or the alarm on whose behalf `service` delivers. Raises: UndeliverableError."""
    target = parse_arn(target_arn)
    source = {"aws:SourceArn": source_arn, "aws:SourceAccount": source_arn.split(":")[4]}
    context = {key: source[key] for key in SHOWN.get((service, target.service), ())}
    match target.service:
        case "sqs":
            queue = sqs_backends[target.account][target.region].get_queue(target.resource_id)
            _let_in(service, "sqs:SendMessage", _parsed(queue.policy), target_arn, context)
            _key_lets_in(service, getattr(queue, "kms_master_key_id", None), target, "aws/sqs")
        case "sns":
            topic = sns_backends[target.account][target.region].get_topic(target_arn)
            policy = _unconditional(_parsed(topic.policy)) if service == EVENTS else _parsed(topic.policy)
            _let_in(service, "sns:Publish", policy, target_arn, context)
            _key_lets_in(service, topic.kms_master_key_id, target, "aws/sns")
        case "logs":
            _log_group_lets_in(service, target, target_arn, context)
        case "lambda":
            _let_in(service, "lambda:InvokeFunction", policy_of(target_arn) or {}, target_arn, context)


def key_lets_in(service: str, key_id: str, account_id: str, region: str, context: Mapping[str, str]) -> None:
    """Raises: UndeliverableError unless the key's own policy lets the service write and read with it."""
    backend = kms_backends[account_id][region]
    raw_id = backend.any_id_to_key_id(key_id)
    if raw_id not in backend.keys:
        raise UndeliverableError(f"there is no key {key_id}")
    policy = _parsed(backend.keys[raw_id].policy)
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        _let_in(service, action, policy, None, context)


def _unconditional(policy: Policy) -> Policy:
    """EventBridge: "You can't use Condition blocks in Amazon SNS topic policies". A Deny that does not hold is none."""
    statements = as_list(policy.get("Statement", []))
    return {"Statement": [each for each in statements if each["Effect"] == "Deny" or not each.get("Condition")]}


def _key_lets_in(service: str, key_id: str | None, target: Arn, managed: str) -> None:
    if not key_id:
        return
    if key_id.endswith(managed):
        raise UndeliverableError(f"the policy of alias/{managed} is AWS's: it lets no service in")
    # No source in the context: it "is not supported for EventBridge-to-encrypted topics" (SNS guide, "Key management").
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


def _parsed(policy: Any) -> Policy:
    return json.loads(policy) if isinstance(policy, str) else dict(policy or {})
