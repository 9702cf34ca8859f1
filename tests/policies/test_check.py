"""The policies that we ship hold, and a mistake of each kind in any policy is found and named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.policies import check
from tests.policies.check import findings, main
from tests.policies.documents import Document, documents, shipped

CLUSTERS = "arn:${AWS::Partition}:eks:*:${AWS::AccountId}:cluster/*"
LOGS = {"Fn::GetAtt": ["Logs", "Arn"]}
RESOURCES = {
    "Bucket": {"Type": "AWS::S3::Bucket"},
    "Bus": {"Type": "AWS::Events::EventBus"},
    "Logs": {"Type": "AWS::Logs::LogGroup"},
    "Machine": {"Type": "AWS::StepFunctions::StateMachine"},
    "Queue": {"Type": "AWS::SQS::Queue"},
    "Topic": {"Type": "AWS::SNS::Topic"},
}


def statement(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Sid": "One", "Effect": "Allow", "Action": action, "Resource": resource, **more}


def found(resource_type: str, properties: dict[str, Any], **parameters: Any) -> list[str]:
    """What is wrong with one resource of a template that also has the RESOURCES."""
    mine = {"Mine": {"Type": resource_type, "Properties": properties}}
    template = {"Parameters": parameters, "Resources": {**RESOURCES, **mine}}
    return [finding for document in documents(template, "t.yaml") for finding in findings(document)]


def of_identity(action: Any, resource: Any, **more: Any) -> list[str]:
    policy = {"PolicyName": "work", "PolicyDocument": {"Statement": [statement(action, resource, **more)]}}
    return found("AWS::IAM::Role", {"Policies": [policy]})


def test_every_statement_that_we_ship_holds_and_so_the_check_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0
    assert int(capsys.readouterr().out.split()[0]) > 100


def test_one_mistake_makes_the_check_fail(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = Document("t.yaml, Mine", "identity", (statement("eks:DescribeClustre", "*"),))
    monkeypatch.setattr(check, "shipped", lambda: [wrong])
    assert main() == 1
    assert capsys.readouterr().out.startswith("t.yaml, Mine, One: eks:DescribeClustre is no action")


def test_every_policy_that_we_ship_is_read() -> None:
    """Of each kind, of each template that has some, SAM's own and the one that is no template's."""
    places = [document.where for document in shipped()]
    for place in (
        "template.yaml, Key",
        "template.yaml, ManagementAccountMaySend",
        "template.yaml, ProvisionStateMachineRole, ProvisionStateMachineRolePolicy0",
        "template.yaml, ScheduleRole, AssumeRolePolicyDocument",
        "accounts/management.yaml, ForwarderRole, put-events-on-the-hubs-bus",
        "accounts/target.yaml, StoragePolicy",
        "operations/notifications.yaml, EventLogPolicy, Name-events",
        "the policy of file systems",
    ):
        assert place in places


def test_what_holds_is_not_complained_about() -> None:
    asked = {"Null": {"aws:RequestTag/owner": "false"}}
    assert of_identity("eks:DescribeCluster", {"Fn::Sub": CLUSTERS}) == []
    assert of_identity("eks:CreateCluster", "*", Condition=asked) == []
    assert of_identity("states:StartExecution", {"Ref": "Machine"}) == []
    assert of_identity(["logs:CreateLogStream", "logs:PutLogEvents"], LOGS) == []
    assert (
        of_identity("sqs:SendMessage", {"Fn::If": ["Any", {"Fn::GetAtt": ["Queue", "Arn"]}, {"Ref": "AWS::NoValue"}]})
        == []
    )


@pytest.mark.parametrize("action", ["eks:DescribeClustre", "eksx:DescribeCluster", "s3:Gett*", "DescribeCluster"])
def test_a_made_up_action_is_found(action: str) -> None:
    told = of_identity(action, {"Fn::Sub": CLUSTERS})
    assert told[0] == f"t.yaml, Mine, work, One: {action} is no action of the Service Authorization Reference"


@pytest.mark.parametrize(
    ("action", "resource", "told"),
    [
        ("eks:DescribeCluster", {"Fn::Sub": CLUSTERS.replace("cluster", "addon")}, "eks:DescribeCluster takes arn:"),
        ("s3:GetObject", {"Fn::GetAtt": ["Bucket", "Arn"]}, "s3:GetObject takes arn:"),
        ("s3:ListBucket", {"Fn::Sub": "${Bucket.Arn}/*"}, "s3:ListBucket takes arn:"),
        ("sqs:SendMessage", {"Ref": "Queue"}, "sqs:SendMessage takes arn:"),
        ("sqs:SendMessage", "arn:aws:sqs", "sqs:SendMessage takes arn:"),
        (
            "ec2:DescribeVpcs",
            {"Fn::Sub": "arn:${AWS::Partition}:ec2:*:*:vpc/*"},
            "ec2:DescribeVpcs takes only *, not arn:",
        ),
        ("dynamodb:UpdateItem", "*", "dynamodb:UpdateItem is allowed on *, but takes arn:"),
        (["sns:Publish", "events:PutEvents"], {"Ref": "Topic"}, "events:PutEvents takes arn:"),
        (
            "events:PutEvents",
            [{"Fn::GetAtt": ["Bus", "Arn"]}, {"Ref": "Topic"}],
            "none of its actions takes arn:aws:sns:",
        ),
    ],
)
def test_a_resource_that_the_action_does_not_take_is_found(action: Any, resource: Any, told: str) -> None:
    (finding,) = of_identity(action, resource)
    assert finding.startswith(f"t.yaml, Mine, work, One: {told}")


@pytest.mark.parametrize(
    ("action", "resource", "key", "told"),
    [
        (
            "eks:DescribeCluster",
            {"Fn::Sub": CLUSTERS},
            "aws:RequestTag/owner",
            "has no condition key aws:RequestTag/owner on",
        ),
        ("eks:DescribeCluster", {"Fn::Sub": CLUSTERS}, "eks:madeUp", "has no condition key eks:madeUp on"),
        (
            "events:PutEvents",
            {"Fn::GetAtt": ["Bus", "Arn"]},
            "events:TargetArn",
            "has no condition key events:TargetArn on",
        ),
        ("kms:DescribeKey", {"Fn::Sub": "arn:aws:kms:*:*:key/*"}, "kms:EncryptionContext:a", "has no condition key"),
        ("sqs:SendMessage", {"Fn::GetAtt": ["Queue", "Arn"]}, "aws:SourceArn", "only when a service is the principal"),
        ("events:PutEvents", {"Fn::GetAtt": ["Bus", "Arn"]}, "events:source", "needs ForAnyValue: or ForAllValues:"),
    ],
)
def test_a_condition_key_that_the_action_does_not_have_is_found(
    action: str, resource: Any, key: str, told: str
) -> None:
    (finding,) = of_identity(action, resource, Condition={"StringEquals": {key: "x"}})
    assert told in finding


@pytest.mark.parametrize("element", ["NotAction", "NotResource"])
def test_what_is_only_excluded_is_refused(element: str) -> None:
    named = {"Action": "eks:ListClusters", "Resource": "*", "Effect": "Allow"}
    given = {element: named.pop(element.removeprefix("Not")), **named}
    (told,) = found("AWS::IAM::ManagedPolicy", {"PolicyDocument": {"Statement": [given]}})
    assert f"{element} says what is not meant" in told


@pytest.mark.parametrize(
    ("resource_type", "properties"),
    [
        (
            "AWS::SQS::QueuePolicy",
            {"PolicyDocument": {"Statement": statement("sqs:Send", {"Fn::GetAtt": ["Queue", "Arn"]})}},
        ),
        ("AWS::SNS::TopicPolicy", {"PolicyDocument": {"Statement": [statement("sns:Publish", {"Ref": "Bus"})]}}),
        ("AWS::KMS::Key", {"KeyPolicy": {"Statement": [statement("kms:Decipher", "*")]}}),
        ("AWS::Events::EventBusPolicy", {"StatementId": "x", "Statement": statement("events:PutEvent", "*")}),
        ("AWS::IAM::ManagedPolicy", {"PolicyDocument": {"Statement": [statement("xray:PutTraces", "*")]}}),
        (
            "AWS::IAM::Role",
            {"AssumeRolePolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject"}]}},
        ),
        (
            "AWS::Logs::ResourcePolicy",
            {
                "PolicyDocument": {
                    "Fn::Sub": json.dumps({"Statement": [statement("logs:Write", "arn:${AWS::Partition}:x")]})
                }
            },
        ),
    ],
)
def test_mistakes_are_found_in_policies_of_every_kind(resource_type: str, properties: dict[str, Any]) -> None:
    assert found(resource_type, properties)


def test_a_parameter_that_is_a_whole_resource_has_to_say_of_what_kind() -> None:
    policy = {"PolicyDocument": {"Statement": [statement("events:PutEvents", {"Ref": "BusArn"})]}}
    pattern = "arn:[a-z-]+:events:[a-z0-9-]+:[0-9]{12}:event-bus/default"
    assert found("AWS::IAM::ManagedPolicy", policy, BusArn={"Type": "String", "AllowedPattern": pattern}) == []
    assert found("AWS::IAM::ManagedPolicy", policy, BusArn={"Type": "String"})


def test_what_sam_makes_is_checked_too() -> None:
    function = {"Handler": "a.b", "Runtime": "python3.13", "CodeUri": "x"}
    function["Policies"] = [{"Statement": [statement("dynamodb:Update", "*")]}]  # type: ignore[assignment]
    resources = {"Work": {"Type": "AWS::Serverless::Function", "Properties": function}}
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    told = [finding for document in documents(template, "t.yaml") for finding in findings(document)]
    assert told == [
        "t.yaml, WorkRole, WorkRolePolicy0, One: dynamodb:Update is no action of the Service Authorization Reference"
    ]
