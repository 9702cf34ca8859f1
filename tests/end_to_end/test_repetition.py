"""Running again converges: nothing is created twice, wherever the run before it stopped."""

import pytest

from local.aws.hooks import Call
from local.aws.refusals import refusal
from local.cloud import EmbeddedCloud
from tests.end_to_end.resources import everything, mutating, storage_objects
from tests.end_to_end.runs import Machine

STATES = [
    "Validate request",
    "Claim cluster",
    "Check account",
    "Wait for the network",
    "Ensure network",
    "Ensure NAT gateways",
    "Wait for the cluster",
    "Ensure cluster",
    "Ensure security group",
    "Ensure file system",
    "Ensure mount targets",
    "Ensure cluster access",
    "Ensure Fargate profile",
    "Apply storage",
    "Ensure cluster DNS",
    "Verify storage",
    "Wait for verification",
    "Record cluster",
    "Publish completion",
]


def test_a_plan_lists_everything_in_order_and_touches_nothing(cloud: EmbeddedCloud, machine: Machine) -> None:
    seen = len(cloud.server.calls)
    planned = machine.run({"mode": "plan", "cluster": {"name": "planned"}})
    assert planned.status == "SUCCEEDED", planned.cause
    assert [each["resource"].split(" of arn:")[0] for each in planned.output["changes"]] == [
        "network stack eks-efs-provisioner-planned-network",
        "network stack eks-efs-provisioner-planned-nat",
        "cluster planned",
        "log group /aws/eks/planned/cluster",
        "access entry",
        "access entry",
        "access entry",
        "Fargate profile provisioner",
        "security group planned-efs",
        "file system of planned",
        *(f"mount target in apne1-{zone}" for zone in ("az1", "az2", "az4")),
        "StorageClass efs-sc",
        "PersistentVolume efs-pv",
        "PersistentVolumeClaim efs-claim",
        "add-on coredns",
    ]
    assert {each["action"] for each in planned.output["changes"]} == {"create"}
    assert mutating(cloud.server.calls[seen:]).keys() <= {
        "sts:AssumeRole",
        "stepfunctions:StartExecution",
        "lambda:Invoke",
    }


def test_the_same_request_again_creates_nothing_and_a_plan_knows_that(cloud: EmbeddedCloud, machine: Machine) -> None:
    person = cloud.client("iam").create_user(UserName="person")["User"]["Arn"]
    request = {"cluster": {"name": "again", "admin_principal_arns": [person]}}
    first = machine.run(request)
    assert first.status == "SUCCEEDED", first.cause
    before = everything(cloud, "again"), storage_objects(cloud, "again")
    seen = len(cloud.server.calls)
    second = machine.run(request)
    assert second.status == "SUCCEEDED", second.cause
    assert (everything(cloud, "again"), storage_objects(cloud, "again")) == before
    # Sessions, the claim, the evidence's signature, the record and the event; everything else only looked.
    calls = mutating(cloud.server.calls[seen:])
    for necessary in ("sts:AssumeRole", "stepfunctions:StartExecution", "lambda:Invoke", "sns:Publish"):
        del calls[necessary]
    assert calls == {"dynamodb:UpdateItem": 2, "events:PutEvents": 1, "kms:Sign": 1}
    planned = machine.run({**request, "mode": "plan"})
    assert (planned.status, planned.output["summary"], planned.output["changes"]) == ("SUCCEEDED", "no changes", [])


def test_a_run_stopped_in_every_state_and_started_again_gives_exactly_one_of_everything(
    cloud: EmbeddedCloud, machine: Machine
) -> None:
    request = {"cluster": {"name": "stopped"}}
    aborted = {state for state in STATES if machine.stop_in(state, request).status == "ABORTED"}
    # A run may be through a short state, or need not wait any more, before the stop reaches it.
    assert aborted >= {
        "Ensure network",
        "Ensure cluster",
        "Ensure file system",
        "Ensure mount targets",
        "Verify storage",
    }
    finished = machine.run(request)
    assert finished.status == "SUCCEEDED", finished.cause
    found = everything(cloud, "stopped")
    assert {kind: len(ids) for kind, ids in found.items()} == {
        "network stack": 2,
        "vpc": 1,
        "cluster": 1,
        "access entry": 4,
        "Fargate profile": 1,
        "add-on": 1,
        "security group": 1,
        "file system": 1,
        "mount target": 3,
    }


@pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")
def test_a_failed_run_fails_again_when_it_is_redriven_and_a_new_one_converges(
    cloud: EmbeddedCloud, machine: Machine
) -> None:
    def refuse(_: Call) -> None:
        raise refusal("AccessDeniedException", "an organization forbids it")

    request = {"cluster": {"name": "redriven"}, "verification": {"writers": 1, "lines_per_writer": 1}}
    undo = cloud.server.hooks.before("eks:CreateCluster", refuse)
    failed = machine.run(request)
    undo()
    seen = len(cloud.server.calls)
    machine.client.redrive_execution(executionArn=failed.arn)
    redriven = machine.wait(failed.arn)
    assert (failed.status, redriven.status, redriven.error) == ("FAILED", "FAILED", failed.error)
    # Though the cause is gone by now: nothing is tried.
    assert "lambda:Invoke" not in cloud.server.calls[seen:]
    finished = machine.run(request)
    assert finished.status == "SUCCEEDED", finished.cause
    assert len(everything(cloud, "redriven")["network stack"]) == 2
