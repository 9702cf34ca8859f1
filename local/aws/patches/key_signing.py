"""KMS signs what it is given: a message, or a digest of one, with a key that can be used.

moto lacks: asymmetric keys of stacks, digests, and the refusal of a key that is disabled or about to go.
Source: KMS API reference, Sign and GetPublicKey; KMS developer guide, "Key states of AWS KMS keys".
"""
# mypy: disable-error-code="method-assign, assignment, arg-type, attr-defined, misc"

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import moto.kms.models as kms
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from moto.kms.responses import KmsResponse

from local.aws.refusals import refusal

if TYPE_CHECKING:
    from local.aws.server import AwsServer

HASHES: dict[str, hashes.HashAlgorithm] = {
    "ECDSA_SHA_256": hashes.SHA256(),
    "ECDSA_SHA_384": hashes.SHA384(),
    "ECDSA_SHA_512": hashes.SHA512(),
}


def install(_server: AwsServer) -> None:
    get_public_key = KmsResponse.get_public_key

    def made_by_a_stack(
        cls: Any, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> Any:
        properties = cloudformation_json["Properties"]
        key = kms.kms_backends[account_id][region_name].create_key(
            properties.get("KeyPolicy"),
            properties.get("KeyUsage", "ENCRYPT_DECRYPT"),
            properties.get("KeySpec", "SYMMETRIC_DEFAULT"),
            properties.get("Description"),
            properties.get("Tags", []),
        )
        key.key_rotation_status = properties.get("EnableKeyRotation", False)
        key.enabled = properties.get("Enabled", True)
        return key

    def sign(self: Any) -> str:
        key, algorithm = _usable(self), self._get_param("SigningAlgorithm")
        if key.key_usage != "SIGN_VERIFY":
            raise refusal(
                "InvalidKeyUsageException", f"{key.arn} key usage is {key.key_usage} which is not valid for Sign."
            )
        if algorithm not in key.signing_algorithms or algorithm not in HASHES:
            raise refusal(
                "InvalidKeyUsageException", f"Algorithm {algorithm} and key spec {key.key_spec} are incompatible."
            )
        message, chosen = self._get_param("Message"), HASHES[algorithm]
        if self._get_param("MessageType") == "DIGEST":
            if len(message) != chosen.digest_size:
                raise refusal("ValidationException", f"Digest is invalid length for algorithm {algorithm}.")
            signature = key.private_key.private_key.sign(message, ec.ECDSA(Prehashed(chosen)))
        else:
            signature = key.private_key.private_key.sign(message, ec.ECDSA(chosen))
        answer = {
            "KeyId": key.arn,
            "Signature": base64.b64encode(signature).decode(),
            "SigningAlgorithm": algorithm,
        }
        return json.dumps(answer)

    def public_key(self: Any) -> str:
        _usable(self)
        return get_public_key(self)

    kms.Key.create_from_cloudformation_json = classmethod(made_by_a_stack)
    KmsResponse.sign = sign
    KmsResponse.get_public_key = public_key


def _usable(call: Any) -> Any:
    call._validate_key_id(call._get_param("KeyId"))
    key = call.kms_backend.describe_key(call._get_param("KeyId"))
    if key.key_state == "Disabled":
        raise refusal("DisabledException", f"{key.arn} is disabled.")
    if key.key_state != "Enabled":
        raise refusal("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    return key
