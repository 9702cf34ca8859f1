"""What a stack leaves behind: when it is deleted, when a resource leaves it, and when its creation is rolled back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local.aws.deploy import DeployError, deploy
from tests.local.aws.patches.conftest import Sandbox

ROOT = Path(__file__).resolve().parents[4]
NAME = "eks-efs-provisioner"


def template(policy: str, **others: Any) -> str:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"kept-{policy}"}, "DeletionPolicy": policy}
    return json.dumps({"Resources": {"Queue": queue, "Topic": {"Type": "AWS::SNS::Topic"}, **others}})


def has_queue(aws: Sandbox, policy: str) -> bool:
    queues = aws.server.client("sqs")
    urls = queues.list_queues(QueueNamePrefix=f"kept-{policy}").get("QueueUrls", [])
    for url in urls:
        queues.delete_queue(QueueUrl=url)
    return bool(urls)


@pytest.mark.parametrize(("policy", "kept"), [("Delete", False), ("Retain", True), ("RetainExceptOnCreate", True)])
def test_a_deleted_stack_keeps_what_its_policy_retains(aws: Sandbox, policy: str, kept: bool) -> None:
    stacks = aws.server.client("cloudformation")
    stacks.create_stack(StackName=policy, TemplateBody=template(policy))
    stacks.delete_stack(StackName=policy)
    assert has_queue(aws, policy) is kept


@pytest.mark.parametrize(("policy", "kept"), [("Delete", False), ("Retain", True), ("RetainExceptOnCreate", True)])
def test_an_update_keeps_what_it_takes_out_of_a_stack_and_its_policy_retains(
    aws: Sandbox, policy: str, kept: bool
) -> None:
    stacks = aws.server.client("cloudformation")
    stacks.create_stack(StackName=policy, TemplateBody=template(policy))
    without = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    stacks.update_stack(StackName=policy, TemplateBody=without)
    assert has_queue(aws, policy) is kept
    stacks.delete_stack(StackName=policy)


@pytest.mark.parametrize(("policy", "kept"), [("Delete", False), ("Retain", True), ("RetainExceptOnCreate", False)])
@pytest.mark.parametrize("nested", [False, True])
def test_a_creation_that_is_rolled_back_keeps_what_is_retained_without_exception(
    aws: Sandbox, policy: str, kept: bool, nested: bool
) -> None:
    stacks = aws.server.client("cloudformation")
    failing = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": "vpc-00000000", "CidrBlock": "10.0.0.0/24"}}
    body = template(policy, Failing={**failing, "DependsOn": "Queue"})
    if nested:
        store = aws.server.client("s3")
        place = {"LocationConstraint": aws.server.region}
        store.create_bucket(Bucket=f"nested-{policy.lower()}", CreateBucketConfiguration=place)
        store.put_object(Bucket=f"nested-{policy.lower()}", Key="template", Body=template(policy).encode())
        url = f"https://s3.{aws.server.region}.amazonaws.com/nested-{policy.lower()}/template"
        inner = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
        body = json.dumps({"Resources": {"Inner": inner, "Failing": {**failing, "DependsOn": "Inner"}}})
    stacks.create_stack(StackName=policy, TemplateBody=body)
    assert stacks.describe_stacks(StackName=policy)["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE"
    assert has_queue(aws, policy) is kept
    stacks.delete_stack(StackName=policy)


def test_a_first_deployment_that_fails_leaves_nothing_behind(aws: Sandbox) -> None:
    """Else each attempt would leave a table, a bucket and a key, of which the key alone costs a dollar a month."""
    aws.server.client("iam").create_role(
        RoleName=f"{NAME}-provisioner",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}),
    )
    with pytest.raises(DeployError, match=f"ROLLBACK_COMPLETE: .*{NAME}-provisioner"):
        deploy(aws.server, ROOT / "template.yaml", NAME)
    events = aws.server.client("cloudformation").describe_stack_events(StackName=NAME)["StackEvents"]
    made = {event["LogicalResourceId"] for event in events if event["ResourceStatus"] == "CREATE_COMPLETE"}
    assert {"ClaimsTable", "EvidenceBucket", "Key"} <= made, "the deployment failed before these were made"

    buckets = [bucket["Name"] for bucket in aws.server.client("s3").list_buckets()["Buckets"]]
    assert [name for name in buckets if "nested-" not in name and "-artifacts-" not in name] == []
    assert aws.server.client("dynamodb").list_tables()["TableNames"] == []
    keys = aws.server.client("kms")
    own = [keys.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in keys.list_keys()["Keys"]]
    assert [key["KeyState"] for key in own if key["KeyManager"] == "CUSTOMER"] == ["PendingDeletion"] * 2
    assert aws.functions.list_functions()["Functions"] == []
    assert aws.server.client("logs").describe_log_groups()["logGroups"] == []
    assert aws.states.list_state_machines()["stateMachines"] == []
