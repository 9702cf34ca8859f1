"""An answer has nothing that a client would not read as AWS's: each fault is told, and a right answer has none."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.efs.responses import EFSResponse

from local.aws.models import declared_errors
from local.aws.models.answers import UNLIKE, faults_of_answer
from local.aws.models.errors import CITED, COMMON, faults_of_error
from local.aws.patches.models import ModelBrokenError
from local.aws.refusals import refusal
from local.aws.server import AwsServer

ACCESS_ENTRY = {"clusterName": "c", "createdAt": 1.5, "tags": {"a": "b"}, "kubernetesGroups": ["g"]}
ADDON = {"addonName": "coredns", "status": "ACTIVE", "createdAt": 1.5}
BACKUP = {"BackupPolicy": {"Status": "ENABLED"}}
VPCS = "<DescribeVpcsResponse xmlns='http://ec2'><requestId>1</requestId><vpcSet><item>{}</item></vpcSet></DescribeVpcsResponse>"
STACK = (
    "<DescribeStacksResponse xmlns='http://cfn'><DescribeStacksResult><Stacks><member>{}</member></Stacks>"
    "</DescribeStacksResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></DescribeStacksResponse>"
)
NAMED = (
    "<StackName>s</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime>"
    "<StackStatus>CREATE_COMPLETE</StackStatus>"
)


def in_json(service: str, operation: str, body: Any, status: int = 200, **headers: str) -> list[str]:
    protocol = "json" if service in ("stepfunctions", "logs") else "rest-json"
    return faults_of_answer(service, operation, protocol, status, headers, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({**ACCESS_ENTRY, "owner": "me"}, "accessEntry.owner is no member of AccessEntry"),
        ({**ACCESS_ENTRY, "createdAt": "2026-01-01"}, "accessEntry.createdAt is str '2026-01-01', not timestamp"),
        ({**ACCESS_ENTRY, "createdAt": True}, "accessEntry.createdAt is bool True, not timestamp"),
        ({**ACCESS_ENTRY, "tags": ["a"]}, "accessEntry.tags is no map"),
        ({**ACCESS_ENTRY, "tags": {"a": 1}}, "accessEntry.tags{} is int 1, not string"),
        ({**ACCESS_ENTRY, "kubernetesGroups": "g"}, "accessEntry.kubernetesGroups is no list"),
        ({**ACCESS_ENTRY, "kubernetesGroups": [1]}, "accessEntry.kubernetesGroups[] is int 1, not string"),
        (["a"], "accessEntry is no structure"),
    ],
)
def test_a_fault_in_json_is_told(entry: Any, fault: str) -> None:
    assert in_json("eks", "DescribeAccessEntry", {"accessEntry": ACCESS_ENTRY}) == []
    assert in_json("eks", "DescribeAccessEntry", {"accessEntry": entry}) == [fault]


def test_a_value_that_the_model_does_not_know_and_a_member_that_it_requires_are_told() -> None:
    assert in_json("eks", "DescribeAddon", {"addon": ADDON}) == []
    assert in_json("eks", "DescribeAddon", {"addon": {**ADDON, "status": "RUNNING"}})[0].startswith(
        "addon.status is 'RUNNING': Member must satisfy enum value set: [CREATING, ACTIVE,"
    )
    assert in_json("stepfunctions", "StartExecution", {"executionArn": "arn:aws:states:1"}) == ["startDate is missing"]
    assert in_json("stepfunctions", "StartExecution", {"executionArn": None, "startDate": 1.5}) == [
        "executionArn is missing"
    ]
    assert in_json("logs", "PutLogEvents", {"nextSequenceToken": ""})[0].endswith("greater than or equal to 1")


def test_another_status_than_the_models_is_told() -> None:
    assert in_json("efs", "PutBackupPolicy", BACKUP) == []
    assert in_json("efs", "PutBackupPolicy", BACKUP, 201) == ["the status of PutBackupPolicy is 200, not 201"]
    assert faults_of_answer("lambda", "Invoke", "rest-json", 202, {}, b"") == []  # which says it in a member


@pytest.mark.parametrize(
    ("vpc", "fault"),
    [
        ("<owner>me</owner>", "Vpcs[].owner is no member of Vpc"),
        (
            "<state>there</state>",
            "Vpcs[].State is 'there': Member must satisfy enum value set: [pending, available, deleting]",
        ),
        ("<isDefault>yes</isDefault>", "Vpcs[].IsDefault is 'yes', not boolean"),
        ("<tagSet><tag/></tagSet>", "Vpcs[].Tags.tag is no item of TagList"),
    ],
)
def test_a_fault_in_ec2s_xml_is_told(vpc: str, fault: str) -> None:
    right = "<vpcId>vpc-1</vpcId><state>available</state><isDefault>true</isDefault><tagSet><item/></tagSet>"
    assert faults_of_answer("ec2", "DescribeVpcs", "ec2", 200, {}, VPCS.format(right).encode()) == []
    assert faults_of_answer("ec2", "DescribeVpcs", "ec2", 200, {}, VPCS.format(vpc).encode()) == [fault]


@pytest.mark.parametrize(
    ("stack", "fault"),
    [
        (NAMED.replace("T00:00:00Z", " 00:00"), "Stacks[].CreationTime is '2026-01-01 00:00', not timestamp"),
        (NAMED.replace("00Z", "00"), "Stacks[].CreationTime is '2026-01-01T00:00:00', not timestamp"),
        (NAMED.replace("<StackName>s</StackName>", ""), "Stacks[].StackName is missing"),
        (NAMED + "<TimeoutInMinutes>soon</TimeoutInMinutes>", "Stacks[].TimeoutInMinutes is 'soon', not integer"),
    ],
)
def test_a_fault_in_the_xml_of_a_query_service_is_told(stack: str, fault: str) -> None:
    assert faults_of_answer("cloudformation", "DescribeStacks", "query", 200, {}, STACK.format(NAMED).encode()) == []
    assert faults_of_answer("cloudformation", "DescribeStacks", "query", 200, {}, STACK.format(stack).encode()) == [
        fault
    ]


def test_a_fault_in_a_header_is_told() -> None:
    def found(**headers: str) -> list[str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return faults_of_answer("s3", "GetObject", "rest-xml", 200, named, b"anything")

    assert found(Last_Modified="Wed, 21 Oct 2026 07:28:00 GMT", Content_Length="8") == []
    assert found(Last_Modified="2026-10-21") == ["LastModified is '2026-10-21', not timestamp"]
    assert found(Content_Length="many") == ["ContentLength is 'many', not long"]


@pytest.mark.parametrize(
    ("status", "body", "faults"),
    [
        (404, {"__type": "FileSystemNotFound", "ErrorCode": "FileSystemNotFound", "Message": "gone"}, []),
        (404, {"__type": "FileSystemNotFound"}, ["FileSystemNotFound.ErrorCode is missing"]),
        (
            404,
            {"__type": "FileSystemNotFound", "ErrorCode": "x", "Who": "me"},
            ["FileSystemNotFound.Who is no member of FileSystemNotFound"],
        ),
        (
            400,
            {"__type": "FileSystemNotFound", "ErrorCode": "x"},
            ["FileSystemNotFound has the status 404, not 400"],
        ),
        (409, {"__type": "FileSystemAlreadyExists"}, ["FileSystemAlreadyExists is no error of DeleteFileSystem"]),
        (403, {"__type": "AccessDeniedException"}, []),
        (400, {"__type": "ValidationException", "message": "1 validation error detected"}, []),
        (404, {}, []),
    ],
)
def test_a_fault_of_an_error_is_told(status: int, body: dict[str, str], faults: list[str]) -> None:
    assert faults_of_error("efs", "DeleteFileSystem", "rest-json", status, {}, json.dumps(body).encode()) == faults


def test_an_error_in_xml_is_known_by_its_code() -> None:
    for code, faults in (("InvalidVpcID.NotFound", []), ("VpcGone", ["VpcGone is no error of DeleteVpc"])):
        body = f"<Response><Errors><Error><Code>{code}</Code></Error></Errors></Response>".encode()
        assert faults_of_error("ec2", "DeleteVpc", "ec2", 400, {}, body) == faults


def test_s3_may_refuse_to_write_over_what_is_not_as_it_was_seen() -> None:
    body = b"<Error><Code>PreconditionFailed</Code></Error>"
    assert faults_of_error("s3", "PutObject", "rest-xml", 412, {}, body) == []
    assert faults_of_error("s3", "HeadBucket", "rest-xml", 412, {}, body) != []


def test_no_code_is_cited_that_a_model_declares_and_every_citation_has_a_source() -> None:
    for where, codes in CITED.items():
        service, _, operation = where.partition(":")
        declared = set(declared_errors(service, operation)) if operation else set()
        assert not set(codes) & (declared | COMMON)
        assert all(codes.values())
    assert all(UNLIKE.values())


@pytest.fixture
def server() -> Iterator[AwsServer]:
    with AwsServer() as server:
        yield server
        server.broken.clear()


def test_what_aws_could_not_answer_is_status_500_and_ends_the_server_with_an_error() -> None:
    server = AwsServer()
    server.start()
    wrong = json.dumps({"FileSystems": [], "Secret": 1})
    setattr(EFSResponse, "describe_file_systems", lambda _: (wrong, {}))  # noqa: B010
    efs = server.client("efs")
    with pytest.raises(ClientError) as caught:
        efs.describe_file_systems()
    assert caught.value.response["Error"]["Code"] == "EmbeddedCloudAnsweredWhatAwsCannot"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    with pytest.raises(ModelBrokenError, match="DescribeFileSystems answered 200: Secret is no member of"):
        server.stop()
    with AwsServer() as again:
        assert again.client("efs").describe_file_systems()["FileSystems"] == []


def test_a_refusal_that_the_operation_does_not_declare_is_told_too(server: AwsServer) -> None:
    def refuse(_: object) -> None:
        raise refusal("FileSystemInUse", "in use")

    server.hooks.before("efs:DescribeFileSystems", refuse)
    with pytest.raises(ClientError, match="FileSystemInUse is no error of DescribeFileSystems"):
        server.client("efs").describe_file_systems()
    assert len(server.broken) == 1


def test_s3_goes_its_own_way_and_is_held_against_its_model_too(
    server: AwsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="a-bucket", CreateBucketConfiguration={"LocationConstraint": server.region})
    s3.put_object(Bucket="a-bucket", Key="k", Body=b"text")
    assert s3.list_objects_v2(Bucket="a-bucket")["KeyCount"] == 1
    monkeypatch.setattr("moto.s3.models.FakeKey.last_modified_RFC1123", "yesterday")
    with pytest.raises(ClientError, match="LastModified is 'yesterday', not timestamp"):
        s3.get_object(Bucket="a-bucket", Key="k")
    assert len(server.broken) == 1
