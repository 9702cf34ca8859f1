"""A file system of another account: proven over the peering, never touched, told of when something is taken away."""

import json
from collections.abc import Iterator

import pytest

from local.account_snapshot import difference, snapshot
from local.cloud import ROOT, EmbeddedCloud
from local.faults import lenders
from local.faults.lenders import LENDER
from local.faults.scene import Scene
from tests.end_to_end.drifting import Watched
from tests.end_to_end.resources import mutating
from tests.end_to_end.runs import Machine
from tests.end_to_end.test_provision import published, validate

SHORT = {"verification": {"writers": 2, "lines_per_writer": 1, "timeout_seconds": 300}}


pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")


@pytest.fixture
def watched(cloud: EmbeddedCloud) -> Iterator[Watched]:
    made = Watched(cloud)
    disarm = cloud.server.hooks.before("*", made.note)
    yield made
    disarm()


def in_lender(watched: Watched) -> dict[str, list[str]]:
    """By role of ours, what was called in the lender's account."""
    found: dict[str, list[str]] = {}
    for arn, call in watched.calls:
        if f":{LENDER}:role/" in arn:
            found.setdefault(arn.rpartition("/")[2], []).append(call)
    return found


def test_a_file_system_of_another_account_is_proven_and_nothing_of_it_is_touched(
    cloud: EmbeddedCloud, machine: Machine, reverify: Machine, watched: Watched
) -> None:
    teardown, parts = Machine(cloud, machine.outputs, "Teardown"), lenders.lent(cloud)
    request, before = {"cluster": {"name": "borrower"}, **SHORT, **parts}, snapshot(cloud)
    existing = parts["file_system"]["existing"]
    planned = machine.run({**request, "mode": "plan"})
    assert planned.status == "SUCCEEDED", planned.cause
    assert f"file system {existing} of account {LENDER}" in planned.output["unchanged"]
    assert difference(before, snapshot(cloud)) == []

    run = machine.run(request)
    assert run.status == "SUCCEEDED", run.cause
    (event,) = published(cloud, "Storage Cluster Ready", run.arn)
    validate("storage-cluster-ready.schema.json", event)
    assert (event["file_system"]["id"], event["file_system"]["account_id"]) == (existing, LENDER)
    scene = Scene.recorded(cloud, machine.outputs["ClaimsTableName"], "borrower")
    volume = scene.get("/api/v1/persistentvolumes/efs-pv")
    assert volume is not None
    csi = volume["spec"]["csi"]
    assert csi["volumeHandle"] == existing
    assert csi["volumeAttributes"]["mounttargetip"] in {each["IpAddress"] for each in scene.mount_targets()}
    again = machine.run(request)
    assert (again.status, again.output["status"]) == ("SUCCEEDED", "Ready"), again.cause

    check = reverify.run({"cluster_name": "borrower", "depth": "behaviour"})
    assert (check.status, check.output["status"], check.output["drift"]) == ("SUCCEEDED", "Verified", []), check.cause

    refused = teardown.run({"cluster_name": "borrower", "delete_data": {"file_system_id": existing}})
    assert refused.status == "FAILED"
    assert f"{existing} is account {LENDER}'s" in refused.cause
    seen = len(watched.calls)
    gone = teardown.run({"cluster_name": "borrower", "delete_logs": True})
    assert gone.status == "SUCCEEDED", gone.cause
    assert [each for each in watched.calls[seen:] if LENDER in each[0]] == []
    (removed,) = published(cloud, "Storage Cluster Removed", gone.arn)
    validate("storage-cluster-removed.schema.json", removed)
    (kept,) = [each for each in removed["kept"] if each["id"] == existing]
    assert f"account {LENDER} has it, and it stays with its owner" in kept["why"]
    assert difference(before, snapshot(cloud)) == []

    theirs = in_lender(watched)
    assert theirs.keys() == {"eks-efs-provisioner-inspector"}
    assert mutating(theirs["eks-efs-provisioner-inspector"]) == {}
    assert {"efs:DescribeMountTargets", "ec2:DescribeRouteTables"} <= set(theirs["eks-efs-provisioner-inspector"])


@pytest.mark.parametrize("mode", ["plan", "apply"])
def test_all_that_two_accounts_have_yet_to_do_is_told_before_anything_is_made(
    mode: str, cloud: EmbeddedCloud, machine: Machine
) -> None:
    parts = lenders.lent(cloud)
    existing, peer = parts["file_system"]["existing"], parts["file_system"]["peer"]
    ec2, efs = lenders.client(cloud, "ec2"), lenders.client(cloud, "efs")
    in_vpc = [{"Name": "vpc-id", "Values": [peer["vpc_id"]]}]
    for table in ec2.describe_route_tables(Filters=in_vpc)["RouteTables"]:
        for route in table["Routes"]:
            if "VpcPeeringConnectionId" in route:
                ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock=route["DestinationCidrBlock"])
    named = [*in_vpc, {"Name": "group-name", "Values": [f"nfs-{peer['vpc_id']}"]}]
    (group,) = ec2.describe_security_groups(Filters=named)["SecurityGroups"]
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    allow = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{LENDER}:root"}, "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [{**allow, "Action": "elasticfilesystem:ClientMount"}]}
    efs.put_file_system_policy(FileSystemId=existing, Policy=json.dumps(policy))
    before = snapshot(cloud)
    run = machine.run({"cluster": {"name": f"borrower-{mode}"}, "mode": mode, **SHORT, **parts})
    assert (run.status, run.error) == ("FAILED", "TerminalError")
    for said in (
        f"the policy of {existing} does not let pods in",
        f"have account {LENDER} allow elasticfilesystem:ClientMount",
        f"{group['GroupId']} of fsmt-",
        f"have account {LENDER} allow tcp 2049 from 10.40.32.0/20, 10.40.16.0/20 in {group['GroupId']}",
        "has no way to 10.40.32.0/20, 10.40.16.0/20",
        f"in account {LENDER}",
        "nothing was created",
    ):
        assert said in run.cause
    assert difference(before, snapshot(cloud)) == []


def test_a_lender_without_our_roles_is_told_to_deploy_them_before_anything_is_made(
    cloud: EmbeddedCloud, machine: Machine
) -> None:
    parts = lenders.lent(cloud, "555566667777", with_roles=False)
    before = snapshot(cloud)
    run = machine.run({"cluster": {"name": "stranger"}, **SHORT, **parts})
    assert (run.status, run.error) == ("FAILED", "TerminalError")
    assert "file_system.peer.account_id is 555566667777, where arn:aws:iam::555566667777:role/" in run.cause
    assert "have account 555566667777 deploy accounts/target.yaml with this application's ExternalId" in run.cause
    assert difference(before, snapshot(cloud)) == []


def test_what_would_have_to_be_made_in_another_account_is_refused(cloud: EmbeddedCloud, machine: Machine) -> None:
    lent = json.loads((ROOT / "events" / "lent-file-system.json").read_text())
    run = machine.run({**lent, "file_system": {"peer": lent["file_system"]["peer"]}})
    assert (run.status, run.error) == ("FAILED", "RequestError")
    assert "what is made in another account is that account's to make" in run.cause
