"""What a stack has signed can be checked by whoever has its public key, alone; and nothing else passes."""

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from eks_efs.attested import RefusedError, verify
from provisioner.kubernetes.evidence import digest
from provisioner.kubernetes.proof import run_id_of
from provisioner.report.attestation import EvidenceKey, canonical, envelope, statement
from tests.unit.kubernetes.fake_cluster import FakeCluster
from tests.unit.kubernetes.samples import a_request
from tests.unit.kubernetes.test_verification import run

EXECUTION = "arn:aws:states:eu-west-1:111122223333:execution:provision:run-1"
DETAIL = {
    "execution_arn": EXECUTION,
    "account_id": "111122223333",
    "region": "eu-west-1",
    "cluster": {"name": "eks-example"},
}


class Kms:
    """Signs as KMS does."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def get_public_key(self, **_: str) -> dict[str, bytes]:
        return {"PublicKey": self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)}

    def sign(self, *, Message: bytes, **_: str) -> dict[str, bytes]:  # noqa: N803 - KMS's name
        return {"Signature": self._key.sign(Message, ec.ECDSA(Prehashed(hashes.SHA256())))}


KEY = EvidenceKey("key", cast("Any", Kms()))
PROVEN, _ = run(FakeCluster(), a_request(), run_id_of(EXECUTION))


def attested(evidence: dict[str, Any], detail: dict[str, Any] = DETAIL) -> tuple[bytes, bytes]:
    body = canonical(evidence)
    return body, envelope(statement(evidence, hashlib.sha256(body).hexdigest(), detail), KEY)


BODY, ATTESTATION = attested(PROVEN)


def refusal(body: bytes = BODY, attestation: bytes = ATTESTATION, pem: bytes = KEY.public_pem) -> str:
    with pytest.raises(RefusedError) as refused:
        verify(body, attestation, pem)
    return str(refused.value)


def test_what_was_signed_is_found_right_and_told() -> None:
    found = verify(BODY, ATTESTATION, KEY.public_pem)
    assert (found.account_id, found.region, found.cluster) == ("111122223333", "eu-west-1", "eks-example")
    assert (found.execution_arn, found.key) == (EXECUTION, KEY.fingerprint)
    assert found.evidence.model_dump(mode="json") == PROVEN


def test_a_thousand_changes_of_one_byte_are_refused() -> None:
    chance = random.Random(20261128)
    for number in range(1000):
        file = (BODY, ATTESTATION)[number % 2]
        at = chance.randrange(len(file))
        changed = file[:at] + bytes([file[at] ^ (1 << chance.randrange(8))]) + file[at + 1 :]
        assert refusal(body=changed) if number % 2 == 0 else refusal(attestation=changed)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("reader.node_uid", "another"),
        ("writers.1.files.0.sha256", "0" * 64),
        ("writers.1.files.0.lines", 21),
        ("counter.found", 14),
        ("verified_at", "2031-01-01T00:00:00Z"),
        ("access_point_id", "fsap-1"),
        ("appender.mount", None),
        ("writers.1.measured.small_write.4", 5001),
        ("reader.measured.clock", "shell"),
    ],
)
def test_a_changed_field_is_named(path: str, value: Any) -> None:
    evidence = deepcopy(PROVEN)
    *parents, last = path.split(".")
    owner: Any = evidence
    for name in parents:
        owner = owner[int(name) if name.isdigit() else name]
    owner[int(last) if last.isdigit() else last] = value
    assert refusal(body=canonical(evidence)) == f"{path}: not as signed"


def test_a_field_too_many_and_one_too_few_are_named() -> None:
    evidence = {**PROVEN, "more": 1}
    del evidence["nonce"]
    assert refusal(body=canonical(evidence)) == "more, nonce: not as signed"


def test_other_bytes_that_mean_the_same_are_refused() -> None:
    assert "byte for byte" in refusal(body=json.dumps(PROVEN).encode())
    assert "byte for byte" in refusal(attestation=json.dumps(json.loads(ATTESTATION), indent=1).encode())


def test_another_key_is_refused_by_its_fingerprint_and_what_is_no_such_key_in_one_sentence() -> None:
    other = EvidenceKey("key", cast("Any", Kms()))
    said = refusal(pem=other.public_pem)
    assert said.startswith("signatures[0].keyid: ")
    assert KEY.fingerprint in said
    assert other.fingerprint in said
    assert refusal(pem=b"-----BEGIN") == "key: it is no public key in PEM"
    public = rsa.generate_private_key(65537, 2048).public_key()
    assert "P-256" in refusal(pem=public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def test_evidence_from_before_anything_was_measured_is_still_right() -> None:
    earlier = deepcopy(PROVEN)
    for pod in (*earlier["writers"], earlier["appender"], earlier["reader"]):
        del pod["measured"]
    earlier["sha256"] = digest(earlier)
    body, attestation = attested(earlier)
    assert verify(body, attestation, KEY.public_pem).evidence.reader.measured is None


def drop_a_line(evidence: dict[str, Any]) -> None:
    evidence["writers"][0]["files"][0]["lines"] -= 1


def forget_a_hash(evidence: dict[str, Any]) -> None:
    evidence["writers"][0]["files"][0]["sha256"] = "0" * 64


def read_before_it_was_written(evidence: dict[str, Any]) -> None:
    evidence["reader"]["created"] = "2020-01-01T00:00:00Z"


def run_before_it_was_made(evidence: dict[str, Any]) -> None:
    evidence["appender"]["running"] = "2020-01-01T00:00:00Z"


def use_another_nonce(evidence: dict[str, Any]) -> None:
    evidence["nonce"] = "0" * 32


def belong_to_another_run(evidence: dict[str, Any]) -> None:
    evidence["run_id"] = run_id_of("another")


def end_before_it_began(evidence: dict[str, Any]) -> None:
    evidence["reader"]["measured"]["small_read"][0] = -1


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        (drop_a_line, "lines, not"),
        (forget_a_hash, "differs from what was written"),
        (read_before_it_was_written, "reader was made at 2020-01-01T00:00:00Z, before"),
        (run_before_it_was_made, "appender.running: 2020-01-01T00:00:00Z is before"),
        (use_another_nonce, "nonce: "),
        (belong_to_another_run, "run_id: "),
        (end_before_it_began, "reader.measured.small_read.0: "),
    ],
)
def test_what_does_not_prove_anything_is_refused_whoever_has_signed_it(
    lie: Callable[[dict[str, Any]], None], said: str
) -> None:
    evidence = deepcopy(PROVEN)
    lie(evidence)
    evidence["sha256"] = digest(evidence)
    assert said in refusal(*attested(evidence))


def test_nobody_is_asked(tmp_path: Path) -> None:
    for name, content in (("body", BODY), ("attestation", ATTESTATION), ("pem", KEY.public_pem)):
        (tmp_path / name).write_bytes(content)
    program = """
import sys
from pathlib import Path
def refuse(event, _arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        raise SystemExit(f"it was about to {event}")
sys.addaudithook(refuse)
from eks_efs.attested import verify
print(verify(*(Path(sys.argv[1], name).read_bytes() for name in ("body", "attestation", "pem"))).cluster)
"""
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("eks-example\n", "")
