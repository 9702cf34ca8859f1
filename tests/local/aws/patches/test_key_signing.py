"""KMS signs as it says: what was given, digests too, with keys that can be used."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tests.local.aws.patches.conftest import Sandbox

ECDSA = {"SigningAlgorithm": "ECDSA_SHA_256"}


def made(kms: Any, spec: str = "ECC_NIST_P256", usage: str = "SIGN_VERIFY") -> dict[str, str]:
    return {"KeyId": str(kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["KeyId"])}


def test_a_message_and_its_digest_are_signed_for_whoever_has_the_public_key(aws: Sandbox) -> None:
    kms = aws.server.client("kms")
    key, message = made(kms), b"what is signed"
    public = load_der_public_key(kms.get_public_key(**key)["PublicKey"])
    assert isinstance(public, ec.EllipticCurvePublicKey)
    raw = kms.sign(**key, Message=message, **ECDSA)["Signature"]
    digest = hashlib.sha256(message).digest()
    digested = kms.sign(**key, Message=digest, MessageType="DIGEST", **ECDSA)["Signature"]
    for signature in (raw, digested):
        public.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        with pytest.raises(InvalidSignature):
            public.verify(signature, message + b"!", ec.ECDSA(hashes.SHA256()))


def test_what_cannot_be_signed_is_refused_in_kms_words(aws: Sandbox) -> None:
    kms = aws.server.client("kms")
    signing, encrypting, disabled, going = (
        made(kms),
        made(kms, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
        *(made(kms) for _ in range(2)),
    )
    kms.disable_key(**disabled)
    kms.schedule_key_deletion(**going, PendingWindowInDays=7)
    for key, more, code, text in (
        (signing, {"MessageType": "DIGEST"}, "ValidationException", "Digest is invalid length for algorithm"),
        (signing, {"SigningAlgorithm": "ECDSA_SHA_384"}, "InvalidKeyUsageException", "ECC_NIST_P256 are incompatible"),
        (encrypting, {}, "InvalidKeyUsageException", "key usage is ENCRYPT_DECRYPT which is not valid for Sign"),
        (disabled, {}, "DisabledException", "is disabled"),
        (going, {}, "KMSInvalidStateException", "is pending deletion"),
    ):
        with pytest.raises(ClientError, match=f"{code}.*{text}"):
            kms.sign(**key, Message=b"short", **{**ECDSA, **more})
