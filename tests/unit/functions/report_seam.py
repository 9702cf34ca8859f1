"""A bucket, an execution with a history, and what its run ends with, as both reporting functions meet them (moto)."""

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.kubernetes.evidence import digest
from tests.unit.kubernetes.samples import FILE_SYSTEM, a_request

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

BUCKET = "evidence"
FOLDER = "111122223333/eu-west-1/eks-example/run-1"
REQUEST = a_request().model_dump(mode="json")


class Context(LambdaContext):
    def __init__(self) -> None:
        self._aws_request_id = "request-1"
        self._function_name = "report"


class Bucket:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "POWERTOOLS_TRACE_DISABLED": "true",
            "POWERTOOLS_SERVICE_NAME": "test",
            "EVIDENCE_BUCKET": BUCKET,
        }.items():
            monkeypatch.setenv(name, value)
        self.kms: KMSClient = boto3.client("kms")
        self.key_id = self.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        monkeypatch.setenv("EVIDENCE_KEY", self.key_id)
        self.s3: S3Client = boto3.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)

    def keys(self) -> set[str]:
        return {each["Key"] for each in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])}

    def under(self, folder: str) -> set[str]:
        return {key for key in self.keys() if key.startswith(folder)}

    def object(self, url: str) -> "GetObjectOutputTypeDef":
        assert url.startswith(f"s3://{BUCKET}/")
        return self.s3.get_object(Bucket=BUCKET, Key=url.removeprefix(f"s3://{BUCKET}/"))


def execution() -> str:
    states = boto3.client("stepfunctions")
    machine = states.create_state_machine(
        name="provision",
        definition=json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
        roleArn="arn:aws:iam::123456789012:role/states",
    )["stateMachineArn"]
    return states.start_execution(stateMachineArn=machine, name="run-1")["executionArn"]


def detail(execution_arn: str, **more: Any) -> dict[str, Any]:
    return {
        "schema_version": "1",
        "request_id": "run-1",
        "account_id": REQUEST["account_id"],
        "region": REQUEST["region"],
        "cluster": {"name": "eks-example"},
        "execution_arn": execution_arn,
        **more,
    }


def evidence() -> dict[str, Any]:
    pod = {
        "node": "fargate-ip-10-0-1-2.eu-west-1.compute.internal",
        "node_uid": "uid",
        "zone": "eu-west-1a",
        "created": "2026-01-02T03:04:05Z",
        "scheduled": "2026-01-02T03:04:06Z",
        "running": "2026-01-02T03:04:07Z",
        "finished": "2026-01-02T03:04:08Z",
        "image_digest": "sha256:" + "ab" * 32,
        "mount": {"source": "127.0.0.1:/", "target": "/data", "type": "nfs4", "options": "rw"},
    }
    file = {"lines": 3, "sha256": "0" * 64, "owner": "0:0", "modified": "2026-01-02T03:04:08Z"}
    own, out = {"name": "verification-r-writer-a.txt", **file}, {"name": "out.txt", **file}
    found = {
        "schema_version": "1",
        "run_id": "r",
        "nonce": "n",
        "file_system_id": FILE_SYSTEM,
        "access_point_id": None,
        "image": "busybox:1.37",
        "lines_per_writer": 3,
        "verified_at": "2026-01-02T03:04:09Z",
        "counter": {"expected": 5, "found": 5},
        "writers": [{**pod, "pod": "verification-r-writer-a", "files": [own]}],
        "appender": {**pod, "pod": "verification-r-appender", "files": [out], "text": ["1 now"]},
        "reader": {
            **pod,
            "pod": "verification-r-reader",
            "files": [out, own],
            "text": ["1 now"],
            "listing": ["total 2", "-rw-r--r-- 1 0 0 6 out.txt"],
        },
    }
    return {**found, "sha256": digest(found)}
