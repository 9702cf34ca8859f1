"""What an account is asked before anything is made in it: rights, quotas, templates, types, dry runs."""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.cloudwatch.models import cloudwatch_backends
from moto.organizations.models import organizations_backends

from local.aws import ec2_limits, fargate_usage, policy_validation, quotas
from tests.local.aws.calls import code
from tests.local.aws.patches.conftest import Sandbox

READ = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::mine/*"}
ENCRYPTED = {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "*",
    "Condition": {"StringEquals": {"kms:ViaService": "s3.amazonaws.com"}},
}
TYPED = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Vpc": {"Type": "AWS::EC2::VPC"}}}


@pytest.fixture(autouse=True)
def limited(aws: Sandbox) -> None:
    """As EmbeddedCloud installs it."""
    ec2_limits.install()


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def decided(answer: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {
        (result["EvalActionName"], each["EvalResourceName"]): each["EvalResourceDecision"]
        for result in answer["EvaluationResults"]
        for each in result["ResourceSpecificResults"]
    }


def test_the_simulator_decides_each_action_on_each_resource(aws: Sandbox) -> None:
    answer = aws.server.client("iam").simulate_custom_policy(
        PolicyInputList=[policy(READ), policy({**READ, "Effect": "Deny", "Resource": "arn:aws:s3:::mine/secret"})],
        ActionNames=["s3:GetObject", "s3:PutObject"],
        ResourceArns=["arn:aws:s3:::mine/a", "arn:aws:s3:::mine/secret"],
    )
    assert decided(answer) == {
        ("s3:GetObject", "arn:aws:s3:::mine/a"): "allowed",
        ("s3:GetObject", "arn:aws:s3:::mine/secret"): "explicitDeny",
        ("s3:PutObject", "arn:aws:s3:::mine/a"): "implicitDeny",
        ("s3:PutObject", "arn:aws:s3:::mine/secret"): "implicitDeny",
    }


@pytest.mark.parametrize(("via", "decision"), [("s3.amazonaws.com", "allowed"), ("ec2.amazonaws.com", "implicitDeny")])
def test_the_simulator_goes_by_the_context_that_is_given(aws: Sandbox, via: str, decision: str) -> None:
    entry = {"ContextKeyName": "kms:ViaService", "ContextKeyValues": [via], "ContextKeyType": "string"}
    answer = aws.server.client("iam").simulate_custom_policy(
        PolicyInputList=[policy(ENCRYPTED)], ActionNames=["kms:Decrypt"], ContextEntries=[entry]
    )
    assert answer["EvaluationResults"][0]["EvalDecision"] == decision


def test_the_simulator_knows_a_roles_policies_and_no_role_that_is_not(aws: Sandbox) -> None:
    iam = aws.server.client("iam")
    arn = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=policy())["Role"]["Arn"]
    iam.put_role_policy(RoleName="reader", PolicyName="read", PolicyDocument=policy(READ))
    asked = {"ActionNames": ["s3:GetObject"], "ResourceArns": ["arn:aws:s3:::mine/a"]}
    answer = iam.simulate_principal_policy(PolicySourceArn=arn, **asked)
    assert answer["EvaluationResults"][0]["EvalDecision"] == "allowed"
    assert code(iam.simulate_principal_policy, PolicySourceArn=f"{arn}s", **asked) == "NoSuchEntity"


def test_a_quota_is_told_and_enforced(aws: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    ec2 = aws.server.client("ec2")
    here = len(ec2.describe_vpcs()["Vpcs"])
    place = aws.server.account_id, aws.server.region
    monkeypatch.setitem(quotas.APPLIED, (*place, quotas.VPCS), here)
    monkeypatch.setitem(quotas.APPLIED, (*place, quotas.ADDRESSES), 0)
    monkeypatch.setitem(quotas.APPLIED, (*place, quotas.NAT_GATEWAYS), 0)
    told = aws.server.client("service-quotas").list_service_quotas(ServiceCode="vpc")["Quotas"]
    assert {each["QuotaName"]: each["Value"] for each in told} == {
        "VPCs per Region": here,
        "NAT gateways per Availability Zone": 0,
    }
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    assert code(ec2.create_nat_gateway, SubnetId=subnet, ConnectivityType="private") == "NatGatewayLimitExceeded"
    assert code(ec2.create_vpc, CidrBlock="10.0.0.0/16") == "VpcLimitExceeded"
    assert code(ec2.allocate_address) == "AddressLimitExceeded"


def test_a_quota_that_the_account_never_had_changed_is_told_as_the_default_alone(aws: Sandbox) -> None:
    client = aws.server.client("service-quotas")
    clusters = {"ServiceCode": "eks", "QuotaCode": "L-1194D53C"}
    assert code(client.get_service_quota, **clusters) == "NoSuchResourceException"
    assert client.get_aws_default_service_quota(**clusters)["Quota"]["Value"] == 100
    vpcs = {"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}
    assert (
        client.get_service_quota(**vpcs)["Quota"]["Value"]
        > client.get_aws_default_service_quota(**vpcs)["Quota"]["Value"]
    )


def test_a_quota_names_the_metric_that_tells_what_is_in_use(aws: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fargate_usage, "_running", defaultdict(dict))
    vcpus = {"ServiceCode": "fargate", "QuotaCode": "L-3032A538"}
    metric = aws.server.client("service-quotas").get_service_quota(**vcpus)["Quota"]["UsageMetric"]
    now = datetime.now(UTC)

    def in_use() -> list[float]:
        answer = aws.server.client("cloudwatch").get_metric_statistics(
            Namespace=metric["MetricNamespace"],
            MetricName=metric["MetricName"],
            Dimensions=[{"Name": name, "Value": value} for name, value in metric["MetricDimensions"].items()],
            StartTime=now - timedelta(minutes=15),
            EndTime=now + timedelta(minutes=5),
            Period=1200,
            Statistics=["Maximum"],
        )
        return [point["Maximum"] for point in answer["Datapoints"]]

    place = aws.server.account_id, aws.server.region
    cloudwatch_backends[place[0]][place[1]].metric_data.clear()  # of what other tests have run there
    assert in_use() == []
    fargate_usage.start(*place, "one", 0.25)
    fargate_usage.start(*place, "two", 2)
    assert in_use() == [2.25]
    fargate_usage.end(*place, "two")
    assert in_use() == [2.25]  # the most of a period
    cloudwatch_backends[place[0]][place[1]].metric_data.clear()  # as when nothing has started or ended for long
    assert in_use() == [0.25]


@pytest.mark.parametrize(("since", "shown"), [(timedelta(), []), (timedelta(minutes=1), [5])])
def test_what_began_in_the_second_that_passes_is_not_shown_yet(
    since: timedelta, shown: list[float], aws: Sandbox
) -> None:
    place, metric = (aws.server.account_id, "eu-west-2"), quotas.FARGATE_VCPUS.usage
    cloudwatch_backends[place[0]][place[1]].metric_data.clear()
    now = datetime.now(UTC)
    fargate_usage.start(*place, "somebody else's", 5, since=since)
    answer = aws.server.client("cloudwatch", region=place[1]).get_metric_statistics(
        Namespace=metric["MetricNamespace"],
        MetricName=metric["MetricName"],
        Dimensions=[{"Name": name, "Value": value} for name, value in metric["MetricDimensions"].items()],
        StartTime=now - timedelta(minutes=15),
        EndTime=now,
        Period=300,
        Statistics=["Maximum"],
    )
    fargate_usage.end(*place, "somebody else's")
    assert [point["Maximum"] for point in answer["Datapoints"]] == shown


@pytest.mark.parametrize("stands", ["allowed", "its own", "boundary", "organization", "organization, on a condition"])
def test_the_simulator_says_what_keeps_a_role_from_a_call(
    stands: str, aws: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam, name = aws.server.client("iam"), stands.replace(", ", "-").replace(" ", "-")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy())["Role"]["Arn"]
    if stands != "its own":
        iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=policy(READ))
    if stands == "boundary":
        other = {**READ, "Action": "sqs:*", "Resource": "*"}
        boundary = iam.create_policy(PolicyName=name, PolicyDocument=policy(other))["Policy"]["Arn"]
        iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
    if stands.startswith("organization"):
        denied: dict[str, Any] = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
        if "condition" in stands:
            denied["Condition"] = {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}
        organized(aws, denied, monkeypatch)
    (result,) = iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=["s3:GetObject"], ResourceArns=["arn:aws:s3:::mine/a"]
    )["EvaluationResults"]
    assert (
        result["EvalDecision"],
        result.get("PermissionsBoundaryDecisionDetail"),
        result.get("OrganizationsDecisionDetail"),
    ) == {
        "allowed": ("allowed", None, None),
        "its own": ("implicitDeny", None, None),
        "boundary": ("implicitDeny", {"AllowedByPermissionsBoundary": False}, None),
        "organization": ("explicitDeny", None, {"AllowedByOrganizations": False}),
        "organization, on a condition": ("allowed", None, {"AllowedByOrganizations": True}),
    }[stands]


def organized(aws: Sandbox, statement: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The account is the only one of an organization that another one manages, and has such a policy."""
    backend = organizations_backends["999999999999"]["aws"]
    backend._reset()
    organizations_backends.master_accounts.pop("999999999999", None)
    backend.create_organization(aws.server.region, FeatureSet="ALL")
    made = backend.create_account(AccountName="member", Email="member@example.com")["CreateAccountStatus"]["AccountId"]
    account = backend.get_account_by_id(made)
    account.id = aws.server.account_id
    content = {"Name": "deny", "Description": "", "Type": "SERVICE_CONTROL_POLICY", "Content": policy(statement)}
    summary = backend.create_policy(**content)["Policy"]["PolicySummary"]
    account.attached_policies.append(backend.get_policy_by_id(summary["Id"]))
    monkeypatch.setitem(organizations_backends.master_accounts, account.id, ("999999999999", "aws"))


def test_a_service_without_quotas_is_not_known(aws: Sandbox) -> None:
    quotas = aws.server.client("service-quotas")
    assert code(quotas.list_service_quotas, ServiceCode="s3") == "NoSuchResourceException"


def test_a_dry_run_makes_nothing(aws: Sandbox) -> None:
    ec2 = aws.server.client("ec2")
    here = len(ec2.describe_vpcs()["Vpcs"])
    assert code(ec2.create_vpc, CidrBlock="10.0.0.0/16", DryRun=True) == "DryRunOperation"
    assert len(ec2.describe_vpcs()["Vpcs"]) == here


def test_what_the_embedded_cloud_has_not_is_no_operation(aws: Sandbox) -> None:
    with pytest.raises(ClientError, match="has no cloudtrail:LookupEvents") as refused:
        aws.server.client("cloudtrail").lookup_events()
    assert refused.value.response["Error"]["Code"] == "InvalidAction"


def template_problems() -> dict[str, tuple[dict[str, Any], str]]:
    vpc = {"Type": "AWS::EC2::VPC"}
    return {
        "no resources": ({"Resources": {}}, "At least one Resources member"),
        "a section that there is not": (
            {**TYPED, "Resource": {}},
            r"Invalid template property or properties \[Resource\]",
        ),
        "a resource without a type": ({"Resources": {"Vpc": {}}}, "must contain a Type member"),
        "a type that is none": ({"Resources": {"Vpc": {"Type": "VPC"}}}, "Unrecognized resource types: .VPC"),
        "a reference to nothing": (
            {"Resources": {"Vpc": {**vpc, "Properties": {"CidrBlock": {"Fn::Sub": "${Range}"}}}}},
            r"Unresolved resource dependencies \[Range\]",
        ),
        "a condition that there is not": (
            {"Resources": {"Vpc": {**vpc, "Condition": "Sometimes"}}},
            "Unresolved condition dependency Sometimes",
        ),
    }


@pytest.mark.parametrize("what", template_problems())
def test_a_template_is_refused_for(what: str, aws: Sandbox) -> None:
    template, said = template_problems()[what]
    with pytest.raises(ClientError, match=said) as refused:
        aws.server.client("cloudformation").validate_template(TemplateBody=json.dumps(template))
    assert refused.value.response["Error"]["Code"] == "ValidationError"


def test_a_template_that_is_one_tells_its_parameters(aws: Sandbox) -> None:
    parameters = {"Range": {"Type": "String", "Default": "10.0.0.0/16", "Description": "of the network"}}
    answer = aws.server.client("cloudformation").validate_template(
        TemplateBody=json.dumps({**TYPED, "Parameters": parameters, "Description": "a network"})
    )
    assert answer["Description"] == "a network"
    assert [each["ParameterKey"] for each in answer["Parameters"]] == ["Range"]


@pytest.mark.parametrize(("region", "known"), [("us-east-1", True), ("ap-east-2", False)])
def test_a_resource_type_is_known_where_the_registry_has_it(aws: Sandbox, region: str, known: bool) -> None:
    describe = aws.server.client("cloudformation", region=region).describe_type
    asked = {"Type": "RESOURCE", "TypeName": "AWS::EventSchemas::Schema"}
    if known:
        assert describe(**asked)["TypeName"] == asked["TypeName"]
    else:
        assert code(describe, **asked) == "TypeNotFoundException"


def mistakes() -> dict[str, tuple[str, str]]:
    return {
        "{": ("IDENTITY_POLICY", "JSON_SYNTAX_ERROR"),
        policy(): ("IDENTITY_POLICY", "MISSING_STATEMENT"),
        policy({**READ, "Action": "s3:FetchObject"}): ("IDENTITY_POLICY", "INVALID_ACTION"),
        policy({**READ, "Action": "s4:*"}): ("IDENTITY_POLICY", "INVALID_ACTION"),
        policy({**READ, "Effect": "Permit"}): ("IDENTITY_POLICY", "INVALID_EFFECT"),
        policy({"Effect": "Allow", "Action": "s3:GetObject"}): ("IDENTITY_POLICY", "MISSING_RESOURCE"),
        policy(READ): ("RESOURCE_POLICY", "MISSING_PRINCIPAL"),
        policy({**READ, "Condition": {"StringEquals": {"s3:colour": "red"}}}): (
            "IDENTITY_POLICY",
            "INVALID_SERVICE_CONDITION_KEY",
        ),
    }


@pytest.mark.parametrize("text", mistakes())
def test_a_mistake_in_a_policy_is_found(text: str) -> None:
    kind, expected = mistakes()[text]
    assert [issue for issue, _ in policy_validation.problems(text, kind)] == [expected]


def test_a_policy_without_a_mistake_has_no_finding() -> None:
    tagged = {**READ, "Condition": {"StringEquals": {"aws:PrincipalTag/team": "platform", "s3:prefix": "a"}}}
    assert list(policy_validation.problems(policy(READ, ENCRYPTED, tagged), "IDENTITY_POLICY")) == []
