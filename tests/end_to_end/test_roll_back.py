"""A run that fails and was told to roll back: what it made is gone, what was there before it is as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.account_snapshot import difference, snapshot
from local.aws.hooks import Call
from local.aws.refusals import refusal
from local.cloud import EmbeddedCloud
from tests.end_to_end.runs import Machine, Run
from tests.end_to_end.test_provision import published, validate

pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")

SHORT = {"verification": {"writers": 1, "lines_per_writer": 1, "timeout_seconds": 300}}
FAILURES = {
    "Ensure network": ("cloudformation:CreateStack", ""),
    "Ensure NAT gateways": ("cloudformation:CreateStack", "-nat&"),
    "Ensure cluster": ("eks:CreateCluster", ""),
    "Ensure cluster access": ("eks:CreateAccessEntry", ""),
    "Ensure Fargate profile": ("eks:CreateFargateProfile", ""),
    "Ensure security group": ("ec2:CreateSecurityGroup", ""),
    "Ensure file system": ("efs:CreateFileSystem", ""),
    "Ensure mount targets": ("efs:CreateMountTarget", ""),
    "Apply storage": ("lambda:Invoke", "-ApplyStorageFunction-"),
    "Verify storage": ("lambda:Invoke", "-VerifyStorageFunction-"),
    "Ensure cluster DNS": ("eks:CreateAddon", ""),
    "Store evidence": ("lambda:Invoke", "-StoreEvidenceFunction-"),
    "Record cluster": ("dynamodb:UpdateItem", "evidence_sha256 = :sha256"),
}
"""The state that fails -> the call that is refused to it, and what is in that call."""
ANYBODY_COULD_WRITE = {"Apply storage", "Verify storage", "Ensure cluster DNS", "Store evidence", "Record cluster"}
"""Where there is, or may be, a claim: what pods have written EFS does not meter for hours."""
COMPARED = {"Ensure network", "Ensure mount targets", "Ensure cluster DNS"}
"""With a run that does not roll back: without a cluster, with one, and with storage in it."""


@contextmanager
def refused(cloud: EmbeddedCloud, name: str, telling: str = "") -> Iterator[None]:
    def refuse(call: Call) -> None:
        if telling in call.path + call.body:
            # Lambda's refusal for want of rights would be tried again for half an hour.
            code = "ResourceNotFoundException" if name == "lambda:Invoke" else "AccessDeniedException"
            raise refusal(code, "an organization forbids it")

    undo = cloud.server.hooks.before(name, refuse)
    try:
        yield
    finally:
        undo()


def failed(cloud: EmbeddedCloud, run: Run) -> dict[str, Any]:
    assert run.status == "FAILED"
    (event,) = published(cloud, "Storage Cluster Failed", run.arn)
    validate("storage-cluster-failed.schema.json", event)
    return event


def causes(event: dict[str, Any]) -> list[tuple[str, str]]:
    return [(cause["rule"], cause["verdict"]) for cause in event["diagnosis"]]


@pytest.mark.parametrize("state", FAILURES)
def test_wherever_it_fails_what_it_made_is_gone_and_the_diagnosis_is_as_without(
    cloud: EmbeddedCloud, machine: Machine, state: str
) -> None:
    name = "rb-" + state.lower().replace(" ", "-")
    before = snapshot(cloud)
    with refused(cloud, *FAILURES[state]):
        event = failed(cloud, machine.run({"cluster": {"name": name}, **SHORT, "on_failure": "roll_back"}))
        assert (event["failure"]["state"], event["rolled_back"]) == (state, True)
        left = difference(before, snapshot(cloud))
        if state in ANYBODY_COULD_WRITE:
            ((kind, file_system_id),) = [each.rsplit(" ", 1) for each in left]
            assert kind == "+ efs: file systems"
            assert event["left_behind"].startswith(f"{file_system_id}, since somebody may have written to it")
        else:
            assert (left, event["left_behind"]) == ([], None)
        if state in COMPARED:
            kept = failed(cloud, machine.run({"cluster": {"name": name}, **SHORT}))
            assert causes(event) == causes(kept)


def test_what_is_proven_and_recorded_stays_though_its_event_is_missing(cloud: EmbeddedCloud, machine: Machine) -> None:
    request = {"cluster": {"name": "rb-published"}, **SHORT, "on_failure": "roll_back"}
    with refused(cloud, "events:PutEvents", '"DetailType": "Storage Cluster Ready"'):
        event = failed(cloud, machine.run(request))
    assert (event["failure"]["state"], event["rolled_back"]) == ("Publish completion", None)
    assert event["left_behind"].startswith("all that the run has made: it is proven and recorded")
    there = snapshot(cloud)
    assert machine.run(request).status == "SUCCEEDED"
    assert difference(there, snapshot(cloud)) == []


@pytest.fixture(scope="module")
def there(cloud: EmbeddedCloud, machine: Machine) -> str:
    """The name of a cluster that was proven."""
    assert machine.run({"cluster": {"name": "rb-there"}, **SHORT}).status == "SUCCEEDED"
    return "rb-there"


def test_of_a_cluster_that_was_there_before_nothing_is_taken(
    cloud: EmbeddedCloud, machine: Machine, there: str
) -> None:
    before = snapshot(cloud)
    broken = {"image": "public.ecr.aws/docker/library/busybox:no-such-tag", "timeout_seconds": 60}
    request = {"cluster": {"name": there}, "verification": broken, "on_failure": "roll_back"}
    event = failed(cloud, machine.run(request))
    assert event["rolled_back"] is True
    assert difference(before, snapshot(cloud)) == []
    assert machine.run({"cluster": {"name": there}, **SHORT}).status == "SUCCEEDED"


def test_only_what_the_run_made_anew_goes(cloud: EmbeddedCloud, machine: Machine, there: str) -> None:
    """Somebody has deleted the profile: a run makes it again, fails later, and takes that one away again."""
    eks = cloud.client("eks")
    eks.delete_addon(clusterName=there, addonName="coredns")
    eks.delete_fargate_profile(clusterName=there, fargateProfileName="provisioner")
    before = snapshot(cloud)
    assert eks.list_fargate_profiles(clusterName=there)["fargateProfileNames"] == []
    with refused(cloud, "eks:CreateAddon"):
        event = failed(cloud, machine.run({"cluster": {"name": there}, **SHORT, "on_failure": "roll_back"}))
    assert (event["failure"]["state"], event["rolled_back"]) == ("Ensure cluster DNS", True)
    assert difference(before, snapshot(cloud)) == []
    assert machine.run({"cluster": {"name": there}, **SHORT}).status == "SUCCEEDED"


def test_a_roll_back_that_fails_says_what_is_left_and_the_next_run_goes_on_with_it(
    cloud: EmbeddedCloud, machine: Machine
) -> None:
    request = {"cluster": {"name": "rb-stuck"}, **SHORT}
    with refused(cloud, "eks:CreateAddon"), refused(cloud, "eks:DeleteCluster"):
        event = failed(cloud, machine.run({**request, "on_failure": "roll_back"}))
    assert event["rolled_back"] is False
    assert "the roll-back failed" in event["left_behind"]
    assert "cluster rb-stuck" in event["left_behind"]
    assert machine.run(request).status == "SUCCEEDED"
