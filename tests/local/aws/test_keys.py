"""Nothing is encrypted with a key that does not exist, is disabled, or is no symmetric one."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.aws.calls import request_for

REFUSED: dict[str, tuple[Callable[[Any], str], str]] = {
    "that is not there": (lambda _kms: f"{KEY}00000000-0000-0000-0000-000000000000", "does not exist"),
    "that is disabled": (lambda kms: after(kms, kms.disable_key), "is disabled"),
    "that is to be deleted": (lambda kms: after(kms, kms.schedule_key_deletion), "is pending deletion"),
    "that only signs": (
        lambda kms: kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"],
        "is not a symmetric key",
    ),
}
KEY = "arn:aws:kms:ap-northeast-1:123456789012:key/"


def after(kms: Any, change: Any) -> str:
    made = kms.create_key()["KeyMetadata"]
    change(KeyId=made["KeyId"])
    return str(made["Arn"])


@pytest.mark.parametrize("kind", REFUSED)
def test_a_cluster_is_not_made_with_a_key(kind: str, parts: Any, network: Any) -> None:
    make, said = REFUSED[kind]
    encryption = [{"resources": ["secrets"], "provider": {"keyArn": make(parts.client("kms"))}}]
    with pytest.raises(ClientError, match=rf"InvalidParameterException.*KeyArn in encryptionConfig .*{said}"):
        parts.client("eks").create_cluster(**request_for(parts, network, encryptionConfig=encryption))


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_system_is_not_made_with_a_key(kind: str, parts: Any) -> None:
    make, said = REFUSED[kind]
    key, efs = make(parts.client("kms")), parts.client("efs")
    for name in (key, key.rpartition("/")[2]):
        with pytest.raises(ClientError, match=f"BadRequest.*{said}"):
            efs.create_file_system(CreationToken="t", Encrypted=True, KmsKeyId=name)


def test_a_key_that_works_is_taken_by_both(parts: Any, network: Any) -> None:
    key = parts.client("kms").create_key()["KeyMetadata"]["Arn"]
    encryption = [{"resources": ["secrets"], "provider": {"keyArn": key}}]
    parts.client("eks").create_cluster(**request_for(parts, network, encryptionConfig=encryption))
    made = parts.client("efs").create_file_system(CreationToken="t", Encrypted=True, KmsKeyId=key)
    assert made["KmsKeyId"] == key
