"""Whether evidence is what the stack signed, and whether it shows what it says; nobody is asked, AWS neither.

Source: as provisioner.report.attestation, which signs it.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from pydantic import ValidationError
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from provisioner.kubernetes.evidence import PodEvidence, SealedEvidence, VolumeEvidence, digest
from provisioner.kubernetes.proof import nonce_of, run_id_of, run_ids_of
from provisioner.kubernetes.proven import differences
from provisioner.report.attestation import EVIDENCE, PAYLOAD_TYPE, PREDICATE_TYPE, STATEMENT_TYPE, canonical

_MEMBERS: Final = {"payload", "payloadType", "signatures"}


class RefusedError(Exception):
    """What is wrong, the name of its field first."""


@dataclass(frozen=True)
class Attested:
    """What a key has signed, once all of it has been found right."""

    key: str
    account_id: str
    region: str
    cluster: str
    execution_arn: str
    evidence: SealedEvidence


def verify(evidence: bytes, attestation: bytes, public_pem: bytes) -> Attested:
    """What was signed of this evidence. Raises: RefusedError."""
    key, fingerprint = _public_key(public_pem)
    stated = _statement(attestation, key, fingerprint)
    predicate = stated["predicate"]
    _is_of(stated, evidence)
    found = _model(predicate["evidence"])
    for problem in _untrue(predicate, found):
        raise RefusedError(problem)
    return Attested(
        fingerprint,
        predicate["account_id"],
        predicate["region"],
        predicate["cluster"],
        predicate["execution_arn"],
        found,
    )


def _public_key(pem: bytes) -> tuple[SSlibKey, str]:
    try:
        key = load_pem_public_key(pem)
    except ValueError as error:
        raise RefusedError("key: it is no public key in PEM") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise RefusedError("key: it is no ECDSA key on the curve P-256, and evidence is signed by no other")
    fingerprint = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    return SSlibKey.from_crypto(key, keyid=fingerprint), fingerprint


def _statement(attestation: bytes, key: SSlibKey, fingerprint: str) -> dict[str, Any]:
    found = _parsed("attestation", attestation)
    if not isinstance(found, dict) or found.keys() != _MEMBERS:
        raise RefusedError(f"attestation: its members are not {', '.join(sorted(_MEMBERS))}")
    if found["payloadType"] != PAYLOAD_TYPE:
        raise RefusedError(f"payloadType: it is {found['payloadType']!r}, not {PAYLOAD_TYPE}")
    match found["signatures"]:
        case [{"keyid": str(), "sig": str(), **more} as signature] if not more:
            pass
        case _:
            raise RefusedError("signatures: there is not exactly one, of keyid and sig")
    if signature["keyid"] != fingerprint:
        raise RefusedError(f"signatures[0].keyid: it was signed by {signature['keyid']}, and the key is {fingerprint}")
    payload = _bytes_of("payload", found["payload"])
    _bytes_of("signatures[0].sig", signature["sig"])
    # Only then: other bytes that mean the same would otherwise have no field to be told of.
    if attestation != f"{json.dumps(found, sort_keys=True)}\n".encode():
        raise RefusedError("attestation: it is not byte for byte as it was written")
    try:
        Envelope.from_dict(json.loads(attestation)).verify([key], 1)
    except VerificationError as error:
        raise RefusedError("signatures[0].sig or payload: the key has not signed this payload") from error
    stated = _parsed("payload", payload)
    for name, expected in (("_type", STATEMENT_TYPE), ("predicateType", PREDICATE_TYPE)):
        if stated.get(name) != expected:
            raise RefusedError(f"{name}: it is {stated.get(name)!r}, not {expected}")
    return dict(stated)


def _bytes_of(name: str, text: Any) -> bytes:
    """Of the one base64 that these bytes have."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise RefusedError(f"{name}: it is no base64") from error
    if base64.b64encode(found).decode() != text:
        raise RefusedError(f"{name}: it is no canonical base64")
    return found


def _parsed(name: str, text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise RefusedError(f"{name}: it is no JSON") from error


def _is_of(stated: Mapping[str, Any], evidence: bytes) -> None:
    """The file is the statement's subject, and what the statement says of its content."""
    subject = {"name": EVIDENCE, "digest": {"sha256": hashlib.sha256(evidence).hexdigest()}}
    signed = stated["predicate"]["evidence"]
    if stated["subject"] == [subject] and evidence == canonical(signed):
        return
    found = _parsed(EVIDENCE, evidence)
    paths = sorted(_other(signed, found))
    raise RefusedError(
        f"{', '.join(paths)}: not as signed"
        if paths
        else f"{EVIDENCE}: it says what was signed, but is not byte for byte as it was written"
    )


def _other(signed: Any, found: Any, path: tuple[str | int, ...] = ()) -> Iterator[str]:
    """The paths of everything in which they differ."""
    if isinstance(signed, dict) and isinstance(found, dict):
        for name in signed.keys() | found.keys():
            if name not in signed or name not in found:
                yield _text((*path, name))
            else:
                yield from _other(signed[name], found[name], (*path, name))
    elif isinstance(signed, list) and isinstance(found, list) and len(signed) == len(found):
        for number, (one, other) in enumerate(zip(signed, found, strict=True)):
            yield from _other(one, other, (*path, number))
    elif signed != found or type(signed) is not type(found):
        yield _text(path)


def _text(path: Sequence[str | int]) -> str:
    return ".".join(map(str, path)) or EVIDENCE


def _model(evidence: Any) -> SealedEvidence:
    try:
        return SealedEvidence.model_validate(evidence)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise RefusedError(f"{_text(first['loc'])}: {first['msg']}") from error


def _untrue(predicate: Mapping[str, Any], found: SealedEvidence) -> Iterator[str]:
    """Everything that a program of ours would not have written, though the key has signed it."""
    if found.sha256 != digest(predicate["evidence"]):
        yield "sha256: it is not of this evidence"
    if found.run_id != run_id_of(predicate["execution_arn"]):
        yield f"run_id: {found.run_id} is not the run of {predicate['execution_arn']}"
    if found.nonce != nonce_of(run_ids_of(found.run_id, len(found.volumes))[0]):
        yield f"nonce: {found.nonce} is not the nonce of run {found.run_id}"
    yield from differences(found)
    for number, volume in enumerate(found.volumes):
        yield from _out_of_order(volume, f"further_volumes[{number - 1}]." if number else "", found.verified_at)


def _out_of_order(found: VolumeEvidence, whose: str, verified_at: str) -> Iterator[str]:
    """Times that contradict each other. Kubernetes counts in seconds, so what followed at once has the same one."""
    before_reading: list[tuple[str, PodEvidence]] = [
        *((f"{whose}writers[{number}]", pod) for number, pod in enumerate(found.writers)),
        (f"{whose}appender", found.appender),
        *((f"{whose}neighbour", pod) for pod in [found.neighbour] if pod),
    ]
    for name, pod in [*before_reading, (f"{whose}reader", found.reader)]:
        times = [(each, at) for each in ("created", "scheduled", "running") if (at := getattr(pod, each))]
        for (earlier, before), (later, after) in pairwise(times):
            if after < before:
                yield f"{name}.{later}: {after} is before {earlier}, {before}"
    for name, pod in before_reading:
        if found.reader.created < pod.created:
            yield f"{whose}reader.created: {found.reader.created} is before {name} was created, {pod.created}"
    if verified_at < max(pod.created for _, pod in [*before_reading, ("", found.reader)]):
        yield f"verified_at: {verified_at} is before its last pod was created"
