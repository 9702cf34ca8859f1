"""KMS keys of stacks: their policy can be read back, and counts when a log group is to be encrypted.

moto lacks: a key policy as text when CloudFormation made the key (GetKeyPolicy answers HTTP 500); the waiting period of
a key that goes with its stack, of 30 days unless PendingWindowInDays says less (registry schema of AWS::KMS::Key); the
refusal of a log group whose key does not let CloudWatch Logs in; keys of other accounts, by their ARNs. Source:
CloudWatch Logs user guide, "Encrypt log data in CloudWatch Logs using AWS Key Management Service"; the text is
CreateLogGroup's; the principal has the partition's suffix (aws-cdk, region-info, default.ts).
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, index, union-attr, misc"

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import moto.kms.models as kms
import moto.logs.models as logs
from moto.kms.responses import KmsResponse
from moto.utilities.utils import get_partition

from local.aws.partitions import dns_suffix
from local.aws.patches import deliveries

if TYPE_CHECKING:
    from local.aws.server import AwsServer

WAITING_DAYS = 30


def install(server: AwsServer) -> None:
    create_key = kms.KmsBackend.create_key
    create_log_group = logs.LogsBackend.create_log_group

    def key(self: Any, policy: Any, *arguments: Any, **options: Any) -> Any:
        return create_key(self, json.dumps(policy) if isinstance(policy, dict) else policy, *arguments, **options)

    def log_group(self: Any, name: str, tags: Any, **options: Any) -> Any:
        key_id = options.get("KmsKeyId") or options.get("kmsKeyId")
        if key_id:
            _admit_logs(self, name, key_id)
        return create_log_group(self, name, tags, **options)

    def delete(self: Any, account_id: str, region_name: str) -> None:
        kms.kms_backends[account_id][region_name].schedule_key_deletion(self.id, WAITING_DAYS)

    def backend_of_the_key(self: Any) -> Any:
        name = str(self._get_param("KeyId") or "")
        account_id = name.split(":")[4] if name.startswith("arn:") else self.current_account
        return kms.kms_backends[account_id][self.region]

    KmsResponse.kms_backend = property(backend_of_the_key)
    kms.KmsBackend.create_key = key
    kms.Key.delete = delete
    logs.LogsBackend.create_log_group = log_group


def _admit_logs(backend: Any, name: str, key_id: str) -> None:
    group = f"arn:{get_partition(backend.region_name)}:logs:{backend.region_name}:{backend.account_id}:log-group:{name}"
    service = f"logs.{backend.region_name}.{dns_suffix(backend.region_name)}"
    context = {"kms:EncryptionContext:aws:logs:arn": group}
    try:
        deliveries.key_lets_in(service, key_id, backend.account_id, backend.region_name, context)
    except deliveries.UndeliverableError as error:
        raise logs.InvalidParameterException(
            msg=f"The specified KMS key does not exist or is not allowed to be used with Arn '{group}'"
        ) from error
