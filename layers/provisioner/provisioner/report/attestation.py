"""Evidence that is signed: an in-toto statement in a DSSE envelope. Whoever has the public key can check it alone.

Source: in-toto attestation framework, v1 (statement, media type); DSSE 1.0 (envelope, what is signed); AWS KMS API
reference, Sign: ECDSA_SHA_256 over a digest, a signature in ASN.1 DER.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from securesystemslib.dsse import Envelope

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
# It names the predicate and leads nowhere: example is reserved for that (RFC 2606).
PREDICATE_TYPE: Final = "https://eks-efs-provisioner.example/storage-proof/v1"
EVIDENCE: Final = "evidence.json"
# Beside what it is of, as the in-toto attestation framework names a bundle's file.
ATTESTATION: Final = ".intoto.jsonl"

_PEM_COLUMNS: Final = 64


@dataclass(frozen=True)
class EvidenceKey:
    """An ECDSA P-256 key of AWS KMS, which it never leaves."""

    key_id: str
    kms: "KMSClient"

    @cached_property
    def _public_der(self) -> bytes:
        return self.kms.get_public_key(KeyId=self.key_id)["PublicKey"]

    @property
    def fingerprint(self) -> str:
        """sha256 of the public key as SubjectPublicKeyInfo, in hex: the envelope's `keyid`."""
        return hashlib.sha256(self._public_der).hexdigest()

    @property
    def public_pem(self) -> bytes:
        text = base64.b64encode(self._public_der).decode()
        lines = [text[start : start + _PEM_COLUMNS] for start in range(0, len(text), _PEM_COLUMNS)]
        return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""]).encode()

    def signature(self, signed: bytes) -> bytes:
        return self.kms.sign(
            KeyId=self.key_id,
            Message=hashlib.sha256(signed).digest(),
            MessageType="DIGEST",
            SigningAlgorithm="ECDSA_SHA_256",
        )["Signature"]


def canonical(evidence: Mapping[str, Any]) -> bytes:
    """The very bytes that the evidence's sha256 is of, but for the sha256 that they carry here."""
    return json.dumps(evidence, sort_keys=True, separators=(",", ":")).encode()


def statement(evidence: Mapping[str, Any], evidence_sha256: str, detail: Mapping[str, Any]) -> dict[str, Any]:
    """That this evidence was found by this execution, for this cluster. `evidence_sha256` is of the file's bytes."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": EVIDENCE, "digest": {"sha256": evidence_sha256}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "execution_arn": detail["execution_arn"],
            "account_id": detail["account_id"],
            "region": detail["region"],
            "cluster": detail["cluster"]["name"],
            "evidence": evidence,
        },
    }


def envelope(stated: Mapping[str, Any], key: EvidenceKey) -> bytes:
    """The statement's very bytes, and their signature. Raises: ClientError, as kms:Sign."""
    payload = json.dumps(stated, sort_keys=True, separators=(",", ":")).encode()
    unsigned = Envelope(payload, PAYLOAD_TYPE, {})
    signature = {"keyid": key.fingerprint, "sig": base64.b64encode(key.signature(unsigned.pae())).decode()}
    return f"{json.dumps({**unsigned.to_dict(), 'signatures': [signature]}, sort_keys=True)}\n".encode()
