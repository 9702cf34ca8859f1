"""The function of state "Store evidence" against a bucket that behaves (moto)."""

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from moto import mock_aws
from securesystemslib.dsse import Envelope

from functions.store_evidence.app import lambda_handler
from provisioner.errors import TerminalError
from provisioner.kubernetes.evidence import digest
from tests.unit.functions.report_seam import BUCKET, FOLDER, REQUEST, Bucket, Context, detail, evidence, execution

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ServerSideEncryptionRuleTypeDef


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with mock_aws():
        yield Bucket(monkeypatch)


def store(found: dict[str, object]) -> dict[str, str]:
    arn = execution()
    return lambda_handler({"execution_arn": arn, "request": REQUEST, "detail": detail(arn, evidence=found)}, Context())


def test_evidence_and_report_lie_side_by_side_in_the_runs_folder(bucket: Bucket) -> None:
    assert store(evidence()) == {
        "report_url": f"s3://{BUCKET}/{FOLDER}/report.html",
        "evidence_url": f"s3://{BUCKET}/{FOLDER}/evidence.json",
    }
    (key,) = bucket.under("keys/")
    files = ("report.html", "evidence.json", "evidence.json.intoto.jsonl")
    assert bucket.keys() == {key, *(f"{FOLDER}/{name}" for name in files)}


def test_what_is_signed_is_of_those_very_bytes_and_says_whose_proof_it_is(bucket: Bucket) -> None:
    url = store(evidence())["evidence_url"]
    body = bucket.object(url)["Body"].read()
    signed = Envelope.from_dict(json.loads(bucket.object(f"{url}.intoto.jsonl")["Body"].read()))
    (name,) = bucket.under("keys/")
    public = load_pem_public_key(bucket.object(f"s3://{BUCKET}/{name}")["Body"].read())
    told = bucket.kms.get_public_key(KeyId=bucket.key_id)["PublicKey"]
    assert public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == told
    assert list(signed.signatures) == [name.removeprefix("keys/").removesuffix(".pem")]
    stated = json.loads(signed.payload)
    assert stated["subject"] == [{"name": "evidence.json", "digest": {"sha256": hashlib.sha256(body).hexdigest()}}]
    assert stated["predicate"] == {
        "account_id": "111122223333",
        "region": "eu-west-1",
        "cluster": "eks-example",
        "execution_arn": stated["predicate"]["execution_arn"],
        "evidence": evidence(),
    }
    assert stated["predicate"]["execution_arn"].endswith(":run-1")


def test_what_is_kept_is_the_evidence_with_its_sha256_as_canonical_json(bucket: Bucket) -> None:
    kept = bucket.object(store(evidence())["evidence_url"])
    body = kept["Body"].read()
    found = json.loads(body)
    assert found == evidence()
    assert digest(found) == found["sha256"]
    # Without its sha256 member the file is, byte for byte, what the sha256 is of.
    unsealed = body.replace(b',"sha256":"%s"' % found["sha256"].encode(), b"", 1)
    assert hashlib.sha256(unsealed).hexdigest() == found["sha256"]


def test_both_files_are_typed_carry_the_sha256_of_their_bytes_and_have_the_buckets_own_encryption(
    bucket: Bucket,
) -> None:
    by_default: ServerSideEncryptionRuleTypeDef = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    bucket.s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [by_default]})
    urls = store(evidence())
    types = {"report_url": "text/html; charset=utf-8", "evidence_url": "application/json"}
    for name, content_type in types.items():
        kept = bucket.object(urls[name])
        assert kept["ContentType"] == content_type
        assert kept["ServerSideEncryption"] == "aws:kms"
        assert kept["Metadata"] == {"sha256": hashlib.sha256(kept["Body"].read()).hexdigest()}


def test_the_report_says_ready_and_shows_the_evidences_sha256(bucket: Bucket) -> None:
    page = bucket.object(store(evidence())["report_url"])["Body"].read().decode()
    assert "<h1>Ready: the storage of eks-example is proven</h1>" in page
    assert evidence()["sha256"] in page


@pytest.mark.parametrize("change", [{"run_id": "another"}, {"sha256": "0" * 64}, {"sha256": None}])
def test_evidence_that_was_changed_on_its_way_is_refused_and_nothing_is_kept(
    bucket: Bucket, change: dict[str, object]
) -> None:
    with pytest.raises(TerminalError, match="VerificationFailed: the evidence of run"):
        store({**evidence(), **change})
    assert bucket.keys() == set()


def test_a_bucket_that_is_not_there_fails_the_state(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVIDENCE_BUCKET", "another")
    with pytest.raises(TerminalError, match="NoSuchBucket"):
        store(evidence())
