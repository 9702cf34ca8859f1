"""What services find out about a key that they are given: whether there is one, and whether it can be used."""

from moto.kms.models import kms_backends

_UNUSABLE = {"Disabled": "is disabled", "PendingDeletion": "is pending deletion", "PendingImport": "is pending import"}


def why_not(key_arn: str) -> str | None:
    """KMS's words about a key that nothing can be encrypted with; None of one that works.

    Source: KMS API reference, "Errors" of CreateGrant and GenerateDataKey; EKS and EFS user guides: symmetric keys.
    """
    _, _, _, region, account_id, name = key_arn.split(":", 5)
    key = kms_backends[account_id][region].keys.get(name.removeprefix("key/"))
    if key is None:
        return f"Key '{key_arn}' does not exist"
    if key.key_state != "Enabled":
        return f"{key_arn} {_UNUSABLE.get(key.key_state, 'is not enabled')}."
    if (key.key_spec, key.key_usage or "ENCRYPT_DECRYPT") != ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"):
        return f"{key_arn} is not a symmetric key for encryption."
    return None
