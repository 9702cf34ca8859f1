"""What came back is held to be an answer of AWS before anything is read from it."""

from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError

from provisioner.aws.answers import sdk_session
from provisioner.errors import ErrorReason, RetryableError

_ASKED: dict[str, dict[str, Any]] = {
    "delete_stack": {"StackName": "one"},
    "tag_role": {"RoleName": "one", "Tags": []},
}
GATEWAY = b"<html><body>Bad Gateway</body>"


class Body:
    """As urllib3 hands it to botocore."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: object, **__: object) -> list[bytes]:
        return [self._body]

    def read(self, *_: object) -> bytes:
        return self._body


def client(service: str, body: bytes, status: int = 200) -> Any:
    """One whose every call is answered so."""
    session = boto3.session.Session(botocore_session=sdk_session())
    keys: dict[str, Any] = {
        "aws_access_key_id": "AKIAEXAMPLE",
        "aws_secret_access_key": "-",
        "config": Config(retries={"total_max_attempts": 1}),
    }
    made: Any = session.client(service, region_name="ap-northeast-1", **keys)  # type: ignore[call-overload]
    answer = AWSResponse("https://example.test", status, HTTPHeaders(), Body(body))
    made.meta.events.register("before-send", lambda **_: answer)
    return made


@pytest.mark.parametrize(
    ("service", "operation", "half"),
    [
        ("eks", "list_clusters", b'{"clusters": ["eks-exam'),
        ("efs", "describe_file_systems", b'{"FileSystems": [{'),
        ("ec2", "describe_vpcs", b"<DescribeVpcsResponse><vpcSet>"),
        ("cloudformation", "describe_stacks", b"<DescribeStacksResponse><DescribeStacksResult>"),
        ("dynamodb", "list_tables", b'{"TableNames": ['),
        ("cloudformation", "delete_stack", b"<DeleteStackResponse><ResponseMeta"),
        ("iam", "tag_role", b"<TagRoleResponse>"),
    ],
)
def test_half_an_answer_is_asked_for_again_and_none_of_it_is_repeated(
    service: str, operation: str, half: bytes
) -> None:
    with pytest.raises(RetryableError) as refused:
        getattr(client(service, half + GATEWAY), operation)(**_ASKED.get(operation, {}))
    assert refused.value.reason is ErrorReason.SERVICE_UNAVAILABLE
    assert operation.replace("_", "") in refused.value.subject.lower()
    assert "Gateway" not in str(refused.value)


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("eks", "list_clusters"),
        ("efs", "describe_file_systems"),
        ("ec2", "describe_vpcs"),
        ("cloudformation", "delete_stack"),
        ("dynamodb", "list_tables"),
        ("s3", "list_buckets"),
    ],
)
def test_nothing_at_all_is_no_empty_list(service: str, operation: str) -> None:
    with pytest.raises(RetryableError):
        getattr(client(service, b""), operation)(**_ASKED.get(operation, {}))


@pytest.mark.parametrize(
    ("service", "operation", "status"),
    [
        ("s3", "put_object", 200),
        ("eks", "tag_resource", 200),
        ("logs", "put_retention_policy", 200),
        ("efs", "tag_resource", 204),
    ],
)
def test_what_has_nothing_to_say_need_not_say_it(service: str, operation: str, status: int) -> None:
    asked: dict[str, dict[str, Any]] = {
        "s3": {"Bucket": "evidence", "Key": "page.html"},
        "eks": {"resourceArn": "arn:aws:eks", "tags": {}},
        "logs": {"logGroupName": "group", "retentionInDays": 1},
        "efs": {"ResourceId": "fs-1", "Tags": []},
    }
    getattr(client(service, b"", status), operation)(**asked[service])


@pytest.mark.parametrize(("status", "error"), [(400, RetryableError), (503, ClientError)])
def test_half_an_error_is_asked_for_again_too_unless_its_status_says_enough(
    status: int, error: type[Exception]
) -> None:
    half = b'{"message": "No cluster fou'
    with pytest.raises(error):
        client("eks", half, status).describe_cluster(name="eks-example")


def test_a_whole_answer_is_read() -> None:
    assert client("eks", b'{"clusters": ["eks-example"]}').list_clusters()["clusters"] == ["eks-example"]
    assert client("ec2", b"<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>").describe_vpcs()["Vpcs"] == []


def test_what_is_stored_in_s3_is_nobodys_answer() -> None:
    read = client("s3", b"<half").get_object(Bucket="evidence", Key="page.html")["Body"].read()
    assert read == b"<half"
