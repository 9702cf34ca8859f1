"""The customer keys that a request names, before a cluster or file system is made with them."""

from typing import TYPE_CHECKING, Final

from provisioner.errors import ErrorReason
from provisioner.request import Request
from provisioner.resources.problem import Problem

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_WORKS: Final = "name an enabled symmetric key for encryption of the request's own region"


def named_in(request: Request) -> dict[str, str]:
    """Field -> the key's ARN."""
    fields = {
        "cluster.secrets_key_arn": request.cluster.secrets_key_arn,
        "file_system.kms_key_arn": request.file_system.kms_key_arn,
    }
    if request.lender:  # whose key it is for that account to look at
        del fields["file_system.kms_key_arn"]
    return {field: arn for field, arn in fields.items() if arn}


def problem(field: str, arn: str, kms: "KMSClient") -> Problem | None:
    """None for a key with which EKS and EFS can encrypt.

    Raises: ClientError when the key may not be looked at: its policy may let the services use it all the same.
    Source: KMS API, DescribeKey, KeyMetadata; EKS and EFS user guides: symmetric keys only.
    """
    try:
        key = kms.describe_key(KeyId=arn)["KeyMetadata"]
    except kms.exceptions.NotFoundException:
        return Problem(ErrorReason.UNSUITABLE_ACCOUNT, f"{field} {arn} does not exist", _WORKS)
    state, spec = key.get("KeyState"), key.get("KeySpec", "SYMMETRIC_DEFAULT")
    if state != "Enabled":
        return Problem(ErrorReason.UNSUITABLE_ACCOUNT, f"{field} {arn} is {state}", "enable it, or name another key")
    if key.get("KeyUsage", "ENCRYPT_DECRYPT") != "ENCRYPT_DECRYPT" or spec != "SYMMETRIC_DEFAULT":
        return Problem(
            ErrorReason.UNSUITABLE_ACCOUNT, f"{field} {arn} is a {spec} key for {key.get('KeyUsage')}", _WORKS
        )
    return None
