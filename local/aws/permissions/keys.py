"""Customers' keys: who uses data that is encrypted with one uses the key, through the service that keeps the data.

A key that AWS manages lets everybody of the account use it so. Sources: DynamoDB guide, "Encryption at rest: how it
works"; S3 guide, "Required permissions for Amazon S3 API operations"; SQS and SNS guides, "Key management".
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from local.aws.permissions.demand import Demand

SEND = ("kms:GenerateDataKey", "kms:Decrypt")
USES = {
    **{
        f"dynamodb:{action}": ("kms:Decrypt",)
        for action in ("DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem")
    },
    "s3:GetObject": ("kms:Decrypt",),
    "s3:PutObject": ("kms:GenerateDataKey",),
    "sns:Publish": SEND,
    "sqs:SendMessage": SEND,
}
SSE = "s3:x-amz-server-side-encryption"


def demands(demand: Demand, caller_account_id: str) -> Iterator[Demand]:
    """What the use of a resource needs besides; nothing where no customer's key is."""
    if demand.action not in USES or demand.resource == "*" or demand.context.get(SSE) == "AES256":
        return
    _, partition, service, region, account_id, name = demand.resource.split(":", 5)
    found: tuple[str | None, str] = (None, "")
    with contextlib.suppress(LookupError, AttributeError):
        found = KEYS[service](partition, region, account_id, name)
    key_id, region = found
    if not key_id or ":alias/aws/" in key_id or key_id.startswith("alias/aws/"):
        return
    key = kms_backends[account_id or caller_account_id][region].describe_key(key_id)
    via = {"kms:ViaService": f"{service}.{region}.amazonaws.com", "kms:CallerAccount": caller_account_id}
    for use in USES[demand.action]:
        yield Demand(use, key.arn, {**via, "aws:ViaAWSService": "true"})


def _of_table(partition: str, region: str, account_id: str, name: str) -> tuple[str | None, str]:
    table: Any = dynamodb_backends[account_id][region].tables[name.split("/")[1]]
    return (table.sse_specification or {}).get("KMSMasterKeyId"), region


def _of_bucket(partition: str, _region: str, _account_id: str, name: str) -> tuple[str | None, str]:
    for account in list(s3_backends.values()):
        bucket: Any = account[partition].buckets.get(name.split("/", 1)[0])
        if bucket is not None and bucket.encryption:
            rule = bucket.encryption["Rule"]["ApplyServerSideEncryptionByDefault"]
            return rule.get("KMSMasterKeyID"), bucket.region_name
    return None, ""


def _of_topic(partition: str, region: str, account_id: str, name: str) -> tuple[str | None, str]:
    topic: Any = sns_backends[account_id][region].topics[f"arn:{partition}:sns:{region}:{account_id}:{name}"]
    return topic.kms_master_key_id, region


def _of_queue(_partition: str, region: str, account_id: str, name: str) -> tuple[str | None, str]:
    queue: Any = sqs_backends[account_id][region].queues[name]
    return queue.kms_master_key_id, region


KEYS: dict[str, Callable[[str, str, str, str], tuple[str | None, str]]] = {
    "dynamodb": _of_table,
    "s3": _of_bucket,
    "sns": _of_topic,
    "sqs": _of_queue,
}
