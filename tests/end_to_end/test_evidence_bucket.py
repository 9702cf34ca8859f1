"""Who may list, read, write and remove what the bucket of evidence holds."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from local.aws.administrators import administrator_of
from local.aws.policies import ANONYMOUS, Caller, decide
from local.cloud import EmbeddedCloud
from tests.end_to_end.runs import Machine
from tests.end_to_end.test_deputies import hub_roles

pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")
STRANGER = "555511112222"
WRITERS = ("StoreEvidenceRole", "ReportFailureRole", "WritePagesRole")
KEY = "111122223333/eu-west-1/eks-example/run-1/evidence.json"


@pytest.fixture(scope="module")
def bucket(machine: Machine) -> str:
    return machine.outputs["EvidenceBucketName"]


@pytest.fixture
def kept(cloud: EmbeddedCloud, bucket: str) -> str:
    """The version of an evidence, as the bucket has it."""
    return str(cloud.client("s3").put_object(Bucket=bucket, Key=KEY, Body=b"{}")["VersionId"])


def as_role(cloud: EmbeddedCloud, logical_id: str) -> Any:
    """S3 as a function of the stack."""
    credentials = cloud.server.assume_role(hub_roles(cloud)[logical_id], "function")
    return cloud.server.client("s3", credentials=credentials)


def refused(call: Callable[..., Any], **parameters: Any) -> bool:
    try:
        call(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "403"):
            raise
        return True
    return False


@pytest.mark.parametrize("writer", WRITERS)
def test_a_function_that_writes_evidence_can_neither_remove_nor_list_it_nor_read_anybody_elses(
    cloud: EmbeddedCloud, bucket: str, kept: str, writer: str
) -> None:
    s3, it = as_role(cloud, writer), {"Bucket": bucket, "Key": KEY}
    assert refused(s3.delete_object, **it)
    assert refused(s3.delete_object, VersionId=kept, **it)
    assert refused(s3.list_objects_v2, Bucket=bucket)
    assert refused(s3.list_object_versions, Bucket=bucket)
    assert refused(s3.get_object, **it)
    assert refused(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert refused(s3.delete_bucket_policy, Bucket=bucket)
    assert refused(s3.delete_public_access_block, Bucket=bucket)


def test_what_is_written_over_stays_as_an_earlier_version(cloud: EmbeddedCloud, bucket: str, kept: str) -> None:
    as_role(cloud, "StoreEvidenceRole").put_object(Bucket=bucket, Key=KEY, Body=b"forged")
    earlier = cloud.client("s3").get_object(Bucket=bucket, Key=KEY, VersionId=kept)["Body"].read()
    assert earlier == b"{}"


UPLOADS: dict[str, tuple[Mapping[str, str], bool]] = {
    "as the functions do": ({}, False),
    "with a key of S3's": ({"ServerSideEncryption": "AES256"}, True),
    "with AWS's own key": ({"ServerSideEncryption": "aws:kms"}, True),
    "with another key": ({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "another"}, True),
    "with the stack's key": ({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "own"}, False),
    "with a key that nobody keeps": ({"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}, True),
}


@pytest.mark.parametrize("how", UPLOADS)
def test_nothing_is_kept_that_is_encrypted_otherwise_than_with_the_stacks_key(
    cloud: EmbeddedCloud, bucket: str, how: str
) -> None:
    options, expected = UPLOADS[how]
    rules = cloud.client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    own = rules[0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    keys = {"own": own, "another": own[:-12] + "0" * 12}
    given = {name: keys.get(value, value) for name, value in options.items()}
    s3 = as_role(cloud, "StoreEvidenceRole")
    if "SSECustomerKey" in given:  # which goes over TLS only: the policy is asked
        policy = json.loads(cloud.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
        context = {"s3:x-amz-server-side-encryption-customer-algorithm": "AES256"}
        said = decide(policy, Caller(frozenset({"*"})), "s3:PutObject", context, f"arn:aws:s3:::{bucket}/{KEY}")
        assert (said == "explicit deny") is expected
        return
    assert refused(s3.put_object, Bucket=bucket, Key=KEY, Body=b"{}", **given) is expected


def test_neither_the_public_nor_another_account_nor_plain_http_gets_in(
    cloud: EmbeddedCloud, bucket: str, kept: str
) -> None:
    public = cloud.server.client("s3", config=Config(signature_version=UNSIGNED))
    stranger = cloud.server.client("s3", credentials=administrator_of(STRANGER))
    for s3 in (public, stranger):
        assert refused(s3.get_object, Bucket=bucket, Key=KEY)
        assert refused(s3.list_objects_v2, Bucket=bucket)
        assert refused(s3.put_object, Bucket=bucket, Key=KEY, Body=b"forged")
    block = cloud.client("s3").get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    policy = json.loads(cloud.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    plain = {"aws:SecureTransport": "false"}
    for action in ("s3:GetObject", "s3:PutObject", "s3:ListBucket"):
        for place in (f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/{KEY}"):
            assert decide(policy, ANONYMOUS, action, plain, place) == "explicit deny"
