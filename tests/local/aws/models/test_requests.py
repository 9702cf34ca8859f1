"""What a model does not allow is refused by the service's own code, in its own words."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.aws.models import service_model
from local.aws.models.constraints import violations
from local.aws.server import AwsServer
from tests.local.aws.models import SERVICES

LONG = "x" * 300
POLICY = '{"Version": "2012-10-17", "Statement": []}'


@pytest.fixture(scope="module")
def server() -> Iterator[AwsServer]:
    with AwsServer() as server:
        yield server


def refused(server: AwsServer, service: str, operation: str, **parameters: Any) -> Mapping[str, Any]:
    """The client checks nothing, so that everything is left to the server."""
    client = server.client(service, config=Config(parameter_validation=False))
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**parameters)
    answer: Mapping[str, Any] = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    return answer


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "code", "words"),
    [
        (
            "efs",
            "delete_file_system",
            {"FileSystemId": "fake-id"},
            "ValidationException",
            "1 validation error detected: Value 'fake-id' at 'fileSystemId' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: ^(arn:aws",
        ),
        (
            "efs",
            "create_file_system",
            {"CreationToken": "t", "ThroughputMode": "fast"},
            "ValidationException",
            "1 validation error detected: Value 'fast' at 'throughputMode' failed to satisfy constraint: "
            "Member must satisfy enum value set: [bursting, provisioned, elastic]",
        ),
        (
            "efs",
            "create_file_system",
            {"CreationToken": "t", "Tags": [{"Key": "k", "Value": LONG}]},
            "ValidationException",
            f"1 validation error detected: Value '{LONG}' at 'tags.1.member.value' failed to satisfy constraint: "
            "Member must have length less than or equal to 256",
        ),
        (
            "eks",
            "create_cluster",
            {"name": "-demo", "roleArn": "arn", "resourcesVpcConfig": {}},
            "InvalidParameterException",
            'The name parameter contains invalid characters. It should conform to the regular expression "^[0-9A-Za-z]',
        ),
        (
            "eks",
            "list_clusters",
            {"maxResults": 101},
            "InvalidParameterException",
            "1 validation error detected: Value '101' at 'maxResults' failed to satisfy constraint: "
            "Member must have value less than or equal to 100",
        ),
        (
            "logs",
            "describe_log_groups",
            {"logGroupNamePrefix": ""},
            "InvalidParameterException",
            "2 validation errors detected: Value '' at 'logGroupNamePrefix' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+; Value '' at 'logGroupNamePrefix' "
            "failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (
            "logs",
            "put_log_events",
            {"logGroupName": "g", "logStreamName": "s", "logEvents": [{"message": "m"}]},
            "InvalidParameterException",
            "1 validation error detected: Value null at 'logEvents.1.member.timestamp' failed to satisfy constraint: "
            "Member must not be null",
        ),
        (
            "cloudformation",
            "create_change_set",
            {"StackName": "https://stack", "ChangeSetName": "c"},
            "ValidationError",
            "1 validation error detected: Value 'https://stack' at 'stackName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: ([a-zA-Z][-a-zA-Z0-9]*)|(arn:",
        ),
        (
            "cloudformation",
            "create_stack",
            {"StackName": "s", "Capabilities": ["CAPABILITY_ALL"]},
            "ValidationError",
            "1 validation error detected: Value '[CAPABILITY_ALL]' at 'capabilities' failed to satisfy constraint: "
            "Member must satisfy constraint: [Member must satisfy enum value set: [CAPABILITY_IAM, ",
        ),
        (
            "iam",
            "create_role",
            {"RoleName": "r" * 65, "AssumeRolePolicyDocument": POLICY},
            "ValidationError",
            f"1 validation error detected: Value '{'r' * 65}' at 'roleName' failed to satisfy constraint: "
            "Member must have length less than or equal to 64",
        ),
        (
            "sts",
            "assume_role",
            {"RoleArn": "arn:aws:iam::123456789012:role/role", "RoleSessionName": "a b"},
            "ValidationError",
            "1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [\\w+=,.@-]*",
        ),
        (
            "stepfunctions",
            "list_executions",
            {"statusFilter": "ENDED", "maxResults": 1001},
            "ValidationException",
            "2 validation errors detected: Value 'ENDED' at 'statusFilter' failed to satisfy constraint: ",
        ),
        (
            "dynamodb",
            "get_item",
            {"TableName": "t" * 1025, "Key": {}},
            "ValidationException",
            "1 validation error detected: Value ",
        ),
        (
            "organizations",
            "list_accounts_for_parent",
            {"ParentId": "somewhere"},
            "InvalidInputException",
            "You provided a value that does not match the required pattern.",
        ),
        (
            "ec2",
            "create_vpc",
            {"CidrBlock": "10.0.0.0/16", "InstanceTenancy": "shared"},
            "InvalidParameterValue",
            "Value 'shared' for parameter instanceTenancy is invalid. ",
        ),
        ("ec2", "delete_vpc", {}, "MissingParameter", "The request must contain the parameter vpcId"),
        (
            "s3",
            "create_bucket",
            {"Bucket": "a-bucket", "ACL": "everybody"},
            "InvalidArgument",
            "1 validation error detected: Value 'everybody' at 'aCL' failed to satisfy constraint: ",
        ),
        (
            "s3",
            "put_object",
            {"Bucket": "a-bucket", "Key": "k", "StorageClass": "ICE"},
            "InvalidArgument",
            "1 validation error detected: Value 'ICE' at 'storageClass' failed to satisfy constraint: ",
        ),
    ],
)
def test_a_request_that_its_model_does_not_allow_is_refused(
    server: AwsServer, service: str, operation: str, parameters: dict[str, Any], code: str, words: str
) -> None:
    answer = refused(server, service, operation, **parameters)
    assert answer["Error"]["Code"] == code
    assert answer["Error"]["Message"].startswith(words)


def test_organizations_says_in_a_member_of_its_own_what_is_wrong(server: AwsServer) -> None:
    assert refused(server, "organizations", "list_accounts_for_parent", ParentId="x")["Reason"] == "INVALID_PATTERN"


def test_a_bucket_may_be_in_a_region_that_the_model_does_not_list_but_nowhere_else_is_its_enum_ignored() -> None:
    for region in ("eusc-de-east-1", "us-iso-east-1"):
        where = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        assert violations("s3", "CreateBucket", {"Bucket": "a-bucket", **where}) == []
        assert [v.kind for v in violations("s3", "CreateBucket", {"Bucket": "a-bucket", "ACL": region})] == ["enum"]


def test_a_secret_is_not_repeated() -> None:
    parameters = {"Name": "/p", "Value": "a secret", "DataType": LONG}
    found = violations("iam", "CreateLoginProfile", {"UserName": "u", "Password": ""})
    assert [str(violation) for violation in found if violation.path == "password"] == [
        "Value at 'password' failed to satisfy constraint: Member must satisfy regular expression pattern: "
        "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
        "Value at 'password' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ]
    assert "a secret" not in str(violations("ssm", "PutParameter", parameters))


def test_a_shape_that_contains_itself_is_checked_to_its_depth() -> None:
    deep = {"L": [{"M": {"k": {"L": [{"S": "x"}]}}}]}
    assert not violations("dynamodb", "PutItem", {"TableName": "t", "Item": {"a": deep}})
    found = violations("dynamodb", "PutItem", {"TableName": "t", "Item": {"k" * 70_000: deep}})
    assert [violation.kind for violation in found] == ["max"]


@pytest.mark.parametrize("service", SERVICES)
def test_the_constraints_of_every_operation_are_read(service: str) -> None:
    """An empty request violates exactly what the model requires: nothing is left out on the way."""
    for operation in service_model(service).operation_names:
        shape = service_model(service).operation_model(operation).input_shape
        required = set(shape.required_members) if shape else set()
        assert {v.path.lower() for v in violations(service, operation, {})} == {name.lower() for name in required}
