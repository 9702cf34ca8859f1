"""What an API call needs follows from what AWS publishes, whatever call it is."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.session import get_session

from local.aws.permissions.calls import demands_of
from local.aws.permissions.calls.names import WITHOUT_PERMISSION
from local.aws.permissions.demand import ApiCall, Demand
from local.aws.permissions.reference import action

ACCOUNT, REGION = "111122223333", "eu-west-1"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/one"
CLUSTER_ROLE, PODS_ROLE = f"arn:aws:iam::{ACCOUNT}:role/cluster", f"arn:aws:iam::{ACCOUNT}:role/pods"
SERVICES = (
    "cloudformation",
    "dynamodb",
    "ec2",
    "efs",
    "eks",
    "events",
    "lambda",
    "logs",
    "sns",
    "sqs",
    "ssm",
    "stepfunctions",
)


def call(name: str, /, **parameters: Any) -> ApiCall:
    service, operation = name.split(":")
    return ApiCall(ACCOUNT, REGION, service=service, operation=operation, parameters=parameters)


def asked(name: str, /, **parameters: Any) -> list[tuple[str, str]]:
    """(action, the end of the ARN), in order."""
    return [(each.action, _end(each.resource)) for each in demands_of(call(name, **parameters))]


def _end(resource: str) -> str:
    return resource.split(":", 5)[-1]


def every_call() -> Iterator[ApiCall]:
    for service in SERVICES:
        for operation in get_session().get_service_model(service).operation_names:
            yield call(f"{service}:{operation}")


def test_no_call_needs_nothing_in_silence() -> None:
    """Either AWS's data say what it needs, or it is refused as unknown. Of 1,500 calls, with no parameters at all."""
    silent: list[str] = []
    unknown: list[str] = []
    known: list[str] = []
    for each in every_call():
        try:
            demands = list(demands_of(each))
        except LookupError:
            unknown.append(each.name)
            continue
        (known if demands else silent).append(each.name)
    assert silent == []
    assert len(known) > 1400
    assert {"dynamodb:TransactWriteItems", "events:PutEvents"} <= set(unknown)


def test_every_demand_is_one_that_the_reference_knows() -> None:
    """The action exists, and takes the resource that it is asked for on."""
    for each in every_call():
        try:
            demands = list(demands_of(each))
        except LookupError:
            continue
        for demand in demands:
            known = action(demand.action)
            assert demand.resource == "*" or known.target_of(demand.resource), demand


def test_only_who_one_is_needs_no_permission() -> None:
    assert asked("sts:GetCallerIdentity") == []
    assert {"sts:GetCallerIdentity"} == WITHOUT_PERMISSION


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("eks:DescribeCluster", {"name": "c"}, [("eks:DescribeCluster", "cluster/c")]),
        (
            "eks:DescribeAddon",
            {"clusterName": "c", "addonName": "coredns"},
            [("eks:DescribeAddon", "addon/c/coredns/*")],
        ),
        (
            "eks:DescribeAccessEntry",
            {"clusterName": "c", "principalArn": f"arn:aws:iam::{ACCOUNT}:role/path/admin"},
            [("eks:DescribeAccessEntry", f"access-entry/c/role/{ACCOUNT}/admin/*")],
        ),
        ("eks:ListClusters", {}, [("eks:ListClusters", "*")]),
        (
            "efs:DescribeFileSystems",
            {"CreationToken": "t"},
            [("elasticfilesystem:DescribeFileSystems", "file-system/*")],
        ),
        ("ec2:DescribeVpcs", {}, [("ec2:DescribeVpcs", "*")]),
        ("ec2:DescribeVpcAttribute", {"VpcId": "vpc-1"}, [("ec2:DescribeVpcAttribute", "vpc/vpc-1")]),
        (
            "ec2:CreateTags",
            {"Resources": ["sg-1", "nat-2"], "Tags": [{"Key": "team", "Value": "a"}]},
            [("ec2:CreateTags", "security-group/sg-1"), ("ec2:CreateTags", "natgateway/nat-2")],
        ),
        (
            "ec2:DeleteTags",
            {"Resources": ["tgw-rtb-1"], "Tags": [{"Key": "team"}]},
            [("ec2:DeleteTags", "transit-gateway-route-table/tgw-rtb-1")],
        ),
        (
            "eks:TagResource",
            {"resourceArn": f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/c", "tags": {"team": "a"}},
            [("eks:TagResource", "cluster/c")],
        ),
        (
            "efs:TagResource",
            {"ResourceId": "fsap-1", "Tags": []},
            [("elasticfilesystem:TagResource", "access-point/fsap-1")],
        ),
        ("ec2:DeleteSecurityGroup", {"GroupId": "sg-1"}, [("ec2:DeleteSecurityGroup", "security-group/sg-1")]),
        ("cloudformation:DescribeStacks", {"StackName": "s"}, [("cloudformation:DescribeStacks", "stack/s/*")]),
        (
            "cloudformation:DescribeStacks",
            {},
            [("cloudformation:DescribeStacks", "stack/*/*"), ("cloudformation:ListStacks", "*")],
        ),
        (
            "logs:PutRetentionPolicy",
            {"logGroupName": "/a/b", "retentionInDays": 7},
            [("logs:PutRetentionPolicy", f"log-group:/a/b{end}") for end in ("", ":log-stream:")],
        ),
        (
            "logs:CreateLogGroup",
            {"logGroupName": "/a/b", "tags": {"team": "a"}},
            [
                ("logs:CreateLogGroup", "log-group:/a/b"),
                ("logs:CreateLogGroup", "log-group:/a/b:log-stream:"),
                ("logs:TagResource", "log-group:/a/b"),
            ],
        ),
        *(
            (
                f"logs:{name}",
                {"resourceArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/a/b", **tags},
                [(f"logs:{name}", "log-group:/a/b")],
            )
            for name, tags in (("ListTagsForResource", {}), ("TagResource", {"tags": {"team": "a"}}))
        ),
        ("logs:DescribeLogGroups", {"logGroupNamePrefix": "/a"}, [("logs:DescribeLogGroups", "*")]),
        ("lambda:Invoke", {"FunctionName": "f"}, [("lambda:InvokeFunction", "function:f")]),
        ("dynamodb:GetItem", {"TableName": "t", "Key": {}}, [("dynamodb:GetItem", "table/t")]),
        ("ssm:GetParameter", {"Name": "/a/b"}, [("ssm:GetParameter", "parameter/a/b")]),
        ("ssm:GetParametersByPath", {"Path": "/a/b/"}, [("ssm:GetParametersByPath", "parameter/a/b")]),
        (
            "organizations:ListParents",
            {"ChildId": ACCOUNT},
            [("organizations:ListParents", f"account/o-none/{ACCOUNT}")],
        ),
        ("s3:PutObject", {"Bucket": "b", "Key": "k/l"}, [("s3:PutObject", "b/k/l")]),
        ("s3:ListBucket", {"Bucket": "b"}, [("s3:ListBucket", "b")]),
        ("cloudwatch:PutMetricData", {"Namespace": "n"}, [("cloudwatch:PutMetricData", "*")]),
        ("organizations:ListAccounts", {}, [("organizations:ListAccounts", "*")]),
        (
            "organizations:ListAccountsForParent",
            {"ParentId": "ou-ab12-1"},
            [("organizations:ListAccountsForParent", "ou/o-none/ou-ab12-1")],
        ),
        (
            "stepfunctions:DescribeExecution",
            {"executionArn": f"arn:aws:states:{REGION}:{ACCOUNT}:execution:m:one"},
            [("states:DescribeExecution", "execution:m:one")],
        ),
        (
            "sqs:SendMessage",
            {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/444455556666/q"},
            [("sqs:SendMessage", "q")],
        ),
    ],
)
def test_a_call_is_asked_for_on_what_it_names(
    name: str, parameters: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert asked(name, **parameters) == expected


def test_a_queue_is_the_account_s_that_its_url_names() -> None:
    (demand,) = demands_of(call("sqs:SendMessage", QueueUrl="https://sqs.eu-west-1.amazonaws.com/444455556666/q"))
    assert demand.resource == "arn:aws:sqs:eu-west-1:444455556666:q"


def test_what_is_made_with_tags_needs_the_tagging_too() -> None:
    tags = {"team": "a"}
    made, tagged = list(demands_of(call("eks:CreateAddon", clusterName="c", addonName="coredns", tags=tags)))
    assert (made.action, _end(made.resource)) == ("eks:CreateAddon", "cluster/c")
    assert (tagged.action, _end(tagged.resource)) == ("eks:TagResource", "addon/c/coredns/*")
    assert tagged.context["aws:RequestTag/team"] == "a"
    specification = {"ResourceType": "security-group", "Tags": [{"Key": "team", "Value": "a"}]}
    found = asked("ec2:CreateSecurityGroup", GroupName="g", VpcId="vpc-1", TagSpecifications=[specification])
    assert found == [
        ("ec2:CreateSecurityGroup", "security-group/*"),
        ("ec2:CreateSecurityGroup", "vpc/vpc-1"),
        ("ec2:CreateTags", "security-group/*"),
    ]


def test_a_service_s_own_condition_keys_are_read_off_the_parameters() -> None:
    (demand,) = demands_of(call("cloudwatch:PutMetricData", Namespace="ours"))
    assert demand.context == {"cloudwatch:namespace": "ours"}
    demand, *_ = demands_of(call("efs:CreateFileSystem", CreationToken="t", Encrypted=True))
    assert demand.context["elasticfilesystem:Encrypted"] == "true"


def of(demands: Iterator[Demand], service: str) -> list[tuple[str, str]]:
    return [(each.action, _end(each.resource)) for each in demands if each.action.startswith(f"{service}:")]


def test_a_cluster_is_made_with_the_caller_s_rights_to_look_at_subnets_and_role_and_to_use_the_key() -> None:
    """aws-cdk#9027, #7614, #8574; the registry's create handler of AWS::EKS::Cluster."""
    parameters = {"name": "c", "roleArn": CLUSTER_ROLE, "encryptionConfig": [{"provider": {"keyArn": KEY}}]}

    def made() -> Iterator[Demand]:
        return demands_of(call("eks:CreateCluster", **parameters))

    assert of(made(), "ec2") == [("ec2:DescribeSubnets", "*"), ("ec2:DescribeVpcs", "*")]
    on_role = {name for name, resource in of(made(), "iam") if resource == "role/cluster"}
    assert on_role == {"iam:PassRole", "iam:GetRole", "iam:ListAttachedRolePolicies"}
    assert of(made(), "kms") == [("kms:DescribeKey", "key/one"), ("kms:CreateGrant", "key/one")]
    keys = {key for each in made() if each.action.startswith("kms:") for key in each.context}
    assert keys == {"aws:ViaAWSService", "kms:CallerAccount"}


def test_without_a_key_a_cluster_needs_none() -> None:
    assert of(demands_of(call("eks:CreateCluster", name="c", roleArn=CLUSTER_ROLE)), "kms") == []


def test_a_fargate_profile_s_role_is_looked_at_and_passed_to_both_that_aws_names() -> None:
    parameters = {"clusterName": "c", "fargateProfileName": "p", "podExecutionRoleArn": PODS_ROLE}
    demands = list(demands_of(call("eks:CreateFargateProfile", **parameters)))
    passed = [each.context["iam:PassedToService"] for each in demands if each.action == "iam:PassRole"]
    assert passed == ["eks.amazonaws.com", "eks-fargate-pods.amazonaws.com"]
    looked = [_end(each.resource) for each in demands if each.action == "iam:GetRole"]
    assert looked[0] == "role/pods"
    assert looked[1].startswith("role/aws-service-role/eks-fargate.amazonaws.com/")


def test_a_file_system_s_key_is_used_through_efs_by_whoever_makes_it() -> None:
    found = list(demands_of(call("efs:CreateFileSystem", CreationToken="t", Encrypted=True, KmsKeyId=KEY)))
    with_key = [each for each in found if each.action.startswith("kms:")]
    assert {each.action.split(":")[1] for each in with_key} == {
        "CreateGrant",
        "Decrypt",
        "DescribeKey",
        "GenerateDataKeyWithoutPlaintext",
    }
    assert {each.context["kms:ViaService"] for each in with_key} == {f"elasticfilesystem.{REGION}.amazonaws.com"}
    by_id = demands_of(call("efs:CreateFileSystem", CreationToken="t", Encrypted=True, KmsKeyId="one"))
    assert {resource for _, resource in of(by_id, "kms")} == {"key/one"}


def test_a_mount_target_s_interface_is_made_on_the_caller_s_behalf() -> None:
    parameters = {"FileSystemId": "fs-1", "SubnetId": "subnet-1", "SecurityGroups": ["sg-1", "sg-2"]}
    found = list(demands_of(call("efs:CreateMountTarget", **parameters)))
    made = [each for each in found if each.action == "ec2:CreateNetworkInterface"]
    assert {_end(each.resource) for each in made} == {
        "network-interface/*",
        "subnet/subnet-1",
        "security-group/sg-1",
        "security-group/sg-2",
    }
    assert {each.context["aws:ViaAWSService"] for each in made} == {"true"}
