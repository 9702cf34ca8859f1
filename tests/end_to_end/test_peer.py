"""A file system in another VPC: proven over what joins the two, and gone with its cluster, both VPCs as they were."""

from typing import Any

import pytest

from local import vpcs
from local.account_snapshot import difference, snapshot
from local.cloud import EmbeddedCloud
from local.faults.scene import Scene
from tests.end_to_end.runs import Machine
from tests.end_to_end.test_provision import published, validate

SHORT = {"verification": {"writers": 2, "lines_per_writer": 1, "timeout_seconds": 300}}

TEAMS = {"orders": 1001, "payments": 1002}

pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")


def assert_proven_and_removed(
    cloud: EmbeddedCloud, machine: Machine, name: str, parts: dict[str, Any]
) -> dict[str, Any]:
    teardown, before = Machine(cloud, machine.outputs, "Teardown"), snapshot(cloud)
    planned = machine.run({"cluster": {"name": name}, "mode": "plan", **SHORT, **parts})
    assert planned.status == "SUCCEEDED", planned.cause
    assert {each["action"] for each in planned.output["changes"]} == {"create"}
    assert difference(before, snapshot(cloud)) == []
    run = machine.run({"cluster": {"name": name}, **SHORT, **parts})
    assert run.status == "SUCCEEDED", run.cause
    (event,) = published(cloud, "Storage Cluster Ready", run.arn)
    validate("storage-cluster-ready.schema.json", event)

    scene = Scene.recorded(cloud, machine.outputs["ClaimsTableName"], name)
    addresses = {each["IpAddress"]: each["VpcId"] for each in scene.mount_targets()}
    assert set(addresses.values()) == {parts["file_system"]["peer"]["vpc_id"]}
    asked = parts.get("storage", {}).get("volumes", [{"name": "efs-pv"}])
    for each in asked:
        volume = scene.get(f"/api/v1/persistentvolumes/{each['name']}")
        assert volume is not None
        assert volume["spec"]["csi"]["volumeAttributes"]["mounttargetip"] in addresses
    proofs = [event["evidence"], *event["evidence"].get("further_volumes", [])]
    assert [each["persistent_volume"] for each in proofs] == [each["name"] for each in asked]

    again = machine.run({"cluster": {"name": name}, **SHORT, **parts})
    assert (again.status, again.output["status"]) == ("SUCCEEDED", "Ready"), again.cause

    data = {"file_system_id": scene.file_system_id}
    gone = teardown.run({"cluster_name": name, "delete_data": data, "delete_logs": True})
    assert gone.status == "SUCCEEDED", gone.cause
    assert difference(before, snapshot(cloud)) == []
    return event


def test_a_file_system_in_a_peered_vpc_is_proven_and_goes_without_a_trace(
    cloud: EmbeddedCloud, machine: Machine
) -> None:
    assert_proven_and_removed(cloud, machine, "peered", vpcs.peered(cloud))


def test_teams_volumes_on_a_file_system_behind_a_transit_gateway_are_proven_apart_and_go_without_a_trace(
    cloud: EmbeddedCloud, machine: Machine
) -> None:
    volumes = [
        {
            "name": f"efs-{team}",
            "claim": team,
            "namespace": team,
            "access_point": {"uid": uid, "gid": uid, "path": f"/{team}"},
        }
        for team, uid in TEAMS.items()
    ]
    parts = {**vpcs.peered(cloud, vpcs.join), "storage": {"volumes": volumes}}
    event = assert_proven_and_removed(cloud, machine, "behind", parts)
    for each in (event["evidence"], *event["evidence"]["further_volumes"]):
        read = {attempt["volume"]: bool(attempt["read_at"]) for attempt in each["neighbour"]["attempts"]}
        assert read == {volume["name"]: volume["name"] == each["persistent_volume"] for volume in volumes}
