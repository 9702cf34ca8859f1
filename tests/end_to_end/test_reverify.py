"""Re-verification, end to end: a recorded cluster is looked at, what differs is told, and repaired when asked for."""

import html
import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.aws.hooks import Call
from local.aws.refusals import refusal
from local.cloud import EmbeddedCloud
from local.faults.fault import before
from local.faults.storage import WRITE, set_policy
from tests.end_to_end.records import Records
from tests.end_to_end.resources import mutating
from tests.end_to_end.runs import Machine, Run, held
from tests.end_to_end.test_provision import published, validate

CLUSTER = "checked"
NOBODY = "999988887777"
"""An account without our roles: as good as one whose roles are gone."""


@pytest.fixture(scope="module")
def records(machine: Machine) -> Records:
    run = machine.run({"cluster": {"name": CLUSTER}, "verification": {"timeout_seconds": 300}})
    assert run.status == "SUCCEEDED", run.cause
    return Records(machine)


@pytest.fixture
def closed_port(records: Records, cloud: EmbeddedCloud) -> Iterator[str]:
    """NFS from one private subnet is no longer let in; the CIDR of that subnet."""
    group = nfs_group(cloud)
    (rule, *_) = [each for each in group["IpPermissions"] if each["FromPort"] == 2049]
    cidr = rule["IpRanges"][0]["CidrIp"]
    closed = [{**rule, "IpRanges": [{"CidrIp": cidr}]}]
    cloud.client("ec2").revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=closed)
    yield str(cidr)
    if cidr not in open_to(cloud):
        cloud.client("ec2").authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=closed)


def nfs_group(cloud: EmbeddedCloud) -> dict[str, Any]:
    owned = [{"Name": "tag:eks-efs-provisioner/cluster", "Values": [CLUSTER]}]
    (group,) = cloud.client("ec2").describe_security_groups(Filters=owned)["SecurityGroups"]
    return dict(group)


def open_to(cloud: EmbeddedCloud) -> set[str]:
    rules = nfs_group(cloud)["IpPermissions"]
    return {each["CidrIp"] for rule in rules if rule["FromPort"] == 2049 for each in rule["IpRanges"]}


def the_event(cloud: EmbeddedCloud, run: Run, outcome: str) -> dict[str, Any]:
    """The one event that the run published, as its schema says."""
    name = f"Storage Cluster {outcome}"
    everything = [e for e in cloud.server.published_events if e["Detail"].get("execution_arn") == run.arn]
    assert [each["DetailType"] for each in everything] == [name]
    (event,) = published(cloud, name, run.arn)
    validate(f"storage-cluster-{outcome.lower()}.schema.json", event)
    return event


def test_an_unchanged_cluster_is_verified_recorded_and_not_touched(
    reverify: Machine, records: Records, cloud: EmbeddedCloud
) -> None:
    seen, measured = len(cloud.server.calls), records.get(CLUSTER)["measured"]
    run = reverify.run({"cluster_name": CLUSTER})
    assert (run.status, run.cause, run.output["status"]) == ("SUCCEEDED", "", "Verified")
    event = the_event(cloud, run, "Verified")
    assert run.output == {"status": "Verified", "cluster_name": CLUSTER, **event}
    assert event["cluster"]["name"] == CLUSTER
    record = records.get(CLUSTER)
    assert (record["check_status"], record["check_depth"], record["differences"]) == ("Verified", "configuration", "0")
    assert (record["status"], record["measured"]) == ("Ready", measured)
    assert len(json.loads(measured)) == 1
    assert "claimed_by" not in record
    calls = mutating(cloud.server.calls[seen:])
    # The records are read for the index.
    for necessary in ("sts:AssumeRole", "stepfunctions:StartExecution", "lambda:Invoke", "dynamodb:Scan"):
        del calls[necessary]
    # The claim, the record and the event.
    assert calls == {"dynamodb:UpdateItem": 2, "events:PutEvents": 1}
    assert f"Verified: {CLUSTER} is as it was asked for" in kept(cloud, event["report_url"])
    index = kept(cloud, f"s3://{reverify.outputs['EvidenceBucketName']}/index.html")
    (own,) = [each for each in index.split("<tr") if f">{CLUSTER}<small>" in each]
    assert f'href="{event["report_url"].split("/", 3)[3]}">Verified<' in own


def kept(cloud: EmbeddedCloud, url: str) -> str:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    page: bytes = cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return page.decode()


def test_one_broken_thing_is_told_exactly_with_its_fix_and_left_as_it_is(
    reverify: Machine, records: Records, cloud: EmbeddedCloud, closed_port: str
) -> None:
    run = reverify.run({"cluster_name": CLUSTER, "depth": "behaviour"})
    assert (run.status, run.output["status"]) == ("SUCCEEDED", "Drifted")
    event = the_event(cloud, run, "Drifted")
    (difference,) = event["drift"]
    assert nfs_group(cloud)["GroupId"] in difference["resource"]
    assert closed_port in difference["path"]
    assert difference["severity"] == "critical"
    assert closed_port in difference["fix"]
    assert (event["repaired"], event["refused"], event["remediation"]) == ([], [], None)
    # Pods that cannot mount would prove what is known.
    assert difference["path"] in event["behaviour"]["left_out_because"]
    assert not run.entered("Verify storage")
    assert closed_port not in open_to(cloud)
    assert (records.get(CLUSTER)["check_status"], records.get(CLUSTER)["differences"]) == ("Drifted", "1")
    assert difference["fix"] in html.unescape(kept(cloud, event["report_url"]))


def test_remediation_repairs_says_what_and_looks_again(
    reverify: Machine, records: Records, cloud: EmbeddedCloud, closed_port: str
) -> None:
    run = reverify.run({"cluster_name": CLUSTER, "remediate": True})
    assert (run.status, run.cause, run.output["status"]) == ("SUCCEEDED", "", "Verified")
    event = the_event(cloud, run, "Verified")
    assert [closed_port in each["path"] for each in event["repaired"]] == [True]
    assert ":execution:eks-efs-provisioner-provision:" in event["remediation"]["execution_arn"]
    assert closed_port in open_to(cloud)
    assert records.get(CLUSTER)["check_status"] == "Verified"
    again = reverify.run({"cluster_name": CLUSTER, "remediate": True})
    assert (again.output["status"], again.output["repaired"]) == ("Verified", [])
    assert not again.entered("Remediate drift")


def test_remediation_that_fails_fails_the_check_and_still_tells_the_drift(
    reverify: Machine, records: Records, cloud: EmbeddedCloud, closed_port: str
) -> None:
    def refuse(_: Call) -> None:
        raise refusal("UnauthorizedOperation", "You are not authorized to perform this operation.")

    undo = cloud.server.hooks.before("ec2:AuthorizeSecurityGroupIngress", refuse)
    try:
        run = reverify.run({"cluster_name": CLUSTER, "remediate": True})
    finally:
        undo()
    assert (run.status, run.error) == ("FAILED", "NotRepaired")
    event = the_event(cloud, run, "Failed")
    assert event["failure"]["state"] == "Remediate drift"
    assert "Ensure security group: AccessDenied" in event["failure"]["cause"]
    assert [closed_port in each["path"] for each in event["drift"]] == [True]


def test_the_behaviour_is_proven_by_pods_that_leave_nothing(
    reverify: Machine, records: Records, cloud: EmbeddedCloud
) -> None:
    run = reverify.run({"cluster_name": CLUSTER, "depth": "behaviour"})
    assert (run.status, run.output["status"]) == ("SUCCEEDED", "Verified")
    event = the_event(cloud, run, "Verified")
    validate("evidence.schema.json", event["behaviour"]["evidence"])
    assert list((cloud.directory / "efs" / event["file_system"]["id"]).iterdir()) == []


def test_storage_that_no_longer_works_though_nothing_differed_is_failed_with_the_diagnosis(
    reverify: Machine, records: Records, cloud: EmbeddedCloud
) -> None:
    undo = before("Verify storage", set_policy(WRITE))(cloud, CLUSTER)
    file_system_id = reverify.run({"cluster_name": CLUSTER}).output["file_system"]["id"]
    policy = cloud.client("efs").describe_file_system_policy(FileSystemId=file_system_id)["Policy"]
    try:
        run = reverify.run({"cluster_name": CLUSTER, "depth": "behaviour"})
    finally:
        undo()
        cloud.client("efs").put_file_system_policy(FileSystemId=file_system_id, Policy=policy)
    assert (run.status, run.error) == ("FAILED", "Failed")
    event = the_event(cloud, run, "Failed")
    assert event["failure"]["state"] == "Verify storage"
    assert event["diagnosis"][0]["verdict"] == "proved"
    assert "its storage no longer works" in kept(cloud, event["report_url"])
    record = records.get(CLUSTER)
    assert record["check_status"] == "Failed"
    assert "claimed_by" not in record


def test_a_cluster_that_cannot_be_looked_at_is_unreachable_and_its_claim_released(
    reverify: Machine, records: Records, cloud: EmbeddedCloud
) -> None:
    records.copy(CLUSTER, CLUSTER, account_id=NOBODY)
    run = reverify.run({"account_id": NOBODY, "cluster_name": CLUSTER})
    assert (run.status, run.error) == ("FAILED", "Unreachable")
    event = the_event(cloud, run, "Failed")
    assert event["failure"]["state"] in ("Inspect infrastructure", "Inspect storage")
    assert "RoleNotAssumable" in event["failure"]["cause"]
    assert event["diagnosis"] == []
    record = records.get(CLUSTER, NOBODY)
    assert record["check_status"] == "Unreachable"
    assert "RoleNotAssumable" in record["check_failure"]
    assert "claimed_by" not in record


def test_a_cluster_that_is_being_provisioned_is_left_alone(
    reverify: Machine, records: Records, machine: Machine, cloud: EmbeddedCloud
) -> None:
    with held(cloud, "EnsureSecurityGroup") as go_on:
        provisioning = machine.start({"cluster": {"name": CLUSTER}})
        machine.until_entered(provisioning, "Ensure security group")
        run = reverify.run({"cluster_name": CLUSTER})
        go_on.set()
    assert (run.status, run.output["status"]) == ("SUCCEEDED", "Busy")
    assert run.output["holder"] == provisioning
    assert not run.entered("Inspect cluster")
    assert machine.wait(provisioning).status == "SUCCEEDED"


def test_provisioning_waits_until_the_cluster_has_been_read(
    reverify: Machine, records: Records, machine: Machine, cloud: EmbeddedCloud
) -> None:
    with held(cloud, "InspectInfrastructure") as go_on:
        checking = reverify.start({"cluster_name": CLUSTER})
        reverify.until_entered(checking, "Inspect infrastructure")
        provisioning = machine.start({"cluster": {"name": CLUSTER}})
        machine.until_entered(provisioning, "Wait for the other execution")
        go_on.set()
        checked, provisioned = reverify.wait(checking), machine.wait(provisioning)
    assert (checked.status, provisioned.status, provisioned.output["status"]) == ("SUCCEEDED", "SUCCEEDED", "Ready")
    # Which lets go of the cluster: the other goes on before the state's end is in the history.
    releasing = checked.entered("Record check")[0]["timestamp"]
    assert provisioned.entered("Ensure network")[0]["timestamp"] >= releasing


def test_a_cluster_that_was_never_recorded_is_told_and_nothing_is_asked(reverify: Machine) -> None:
    run = reverify.run({"cluster_name": "nobody-knows"})
    assert (run.status, run.output["status"]) == ("SUCCEEDED", "NotRecorded")
    assert not run.entered("Inspect cluster")


def test_an_unknown_field_is_refused_with_every_wrong_field_and_nothing_is_written(
    reverify: Machine, cloud: EmbeddedCloud
) -> None:
    seen = len(cloud.server.calls)
    run = reverify.run({"cluster_name": CLUSTER, "deepth": "behaviour", "remediate": "yes"})
    assert (run.status, run.error) == ("FAILED", "RequestError")
    for named in ("Claim for reading", "deepth", "did you mean depth?", "remediate is 'yes'"):
        assert named in run.cause
    event = the_event(cloud, run, "Failed")
    assert event["failure"]["state"] == "Claim for reading"
    assert "dynamodb:UpdateItem" not in cloud.server.calls[seen:]
