"""The four functions that take a cluster down, each called until it is ready, against what a run has made."""

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from local.cloud import STACK_NAME, EmbeddedCloud
from local.faults.scene import Scene
from provisioner.request import KEPT_TAG, OWNER_TAG
from tests.end_to_end.resources import everything_of
from tests.end_to_end.runs import Machine, until

# On the real Kubernetes the machine does the same: test_teardown.py.
pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")

STEPS = ("RemoveStorage", "RemoveCluster", "RemoveFileSystem", "RemoveNetwork")
QUICK = {"writers": 1, "lines_per_writer": 1}


class Functions:
    """As a machine calls them, under their own roles."""

    def __init__(self, cloud: EmbeddedCloud, request: Mapping[str, Any], **given: Any) -> None:
        self.cloud = cloud
        self.event = {
            "execution_arn": "arn:aws:states:eu-west-1:111122223333:execution:teardown:1",
            "request": dict(request),
            "existing": None,
            "delete_data": False,
            "delete_logs": False,
            "file_system_id": None,
            **given,
        }

    def call(self, step: str) -> dict[str, Any]:
        functions = everything_of(self.cloud.client("lambda"), "list_functions", "Functions")
        (name,) = (
            each["FunctionName"]
            for each in functions
            if each["FunctionName"].startswith(f"{STACK_NAME}-{step}Function-")
        )
        answer = self.cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(self.event))
        told: dict[str, Any] = json.loads(answer["Payload"].read())
        return told

    def finish(self, *steps: str) -> dict[str, Any]:
        """Each until it is ready; the last answer."""
        answer: dict[str, Any] = {}
        for step in steps:
            until(lambda step=step: answer.update(self._through(step)) or answer["ready"], step)  # type: ignore[misc]
        return answer

    def _through(self, step: str) -> dict[str, Any]:
        answer = self.call(step)
        assert "errorType" not in answer, answer
        time.sleep(0 if answer["ready"] else 0.05)
        return answer


def owned(cloud: EmbeddedCloud, name: str) -> dict[str, list[str]]:
    """What carries the cluster's tag, by kind; and its file systems' kept tags."""
    ec2, efs = cloud.client("ec2"), cloud.client("efs")
    tag = [{"Name": f"tag:{OWNER_TAG}", "Values": [name]}]
    stacks = everything_of(cloud.client("cloudformation"), "describe_stacks", "Stacks")
    found = {
        "stack": [s["StackId"] for s in stacks if {"Key": OWNER_TAG, "Value": name} in s.get("Tags", [])],
        "vpc": [each["VpcId"] for each in ec2.describe_vpcs(Filters=tag)["Vpcs"]],
        "group": [each["GroupId"] for each in ec2.describe_security_groups(Filters=tag)["SecurityGroups"]],
        "cluster": [each for each in everything_of(cloud.client("eks"), "list_clusters", "clusters") if each == name],
        "file system": [
            each["FileSystemId"]
            for each in everything_of(efs, "describe_file_systems", "FileSystems")
            if {"Key": OWNER_TAG, "Value": name} in each["Tags"]
        ],
        "log group": [
            each["logGroupName"]
            for each in cloud.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/eks/{name}/")["logGroups"]
        ],
    }
    return {kind: ids for kind, ids in found.items() if ids}


def provisioned(machine: Machine, request: dict[str, Any]) -> Scene:
    run = machine.run({**request, "verification": QUICK})
    assert run.status == "SUCCEEDED", run.cause
    return Scene.recorded(machine.cloud, machine.outputs["ClaimsTableName"], request["cluster"]["name"])


def test_what_a_run_has_made_goes_the_data_stay_and_a_later_run_takes_them_over_or_they_go_too(
    cloud: EmbeddedCloud, machine: Machine
) -> None:
    name = "goes"
    asked = {"cluster": {"name": name}, "storage": {"access_point": {"uid": 1000, "gid": 1000, "path": "/shared"}}}
    scene = provisioned(machine, asked)
    kept = scene.file_system_id
    functions = Functions(cloud, scene.request, file_system_id=kept)
    # Killed at any time: each call is one that may have been the last.
    for step in STEPS:
        functions.call(step)
    told = functions.finish(*STEPS[:3])["file_system"]
    functions.finish(*STEPS)
    assert told["file_system_id"] == kept
    assert owned(cloud, name) == {"file system": [kept], "log group": [f"/aws/eks/{name}/cluster"]}
    efs = cloud.client("efs")
    assert efs.describe_mount_targets(FileSystemId=kept)["MountTargets"] == []
    (left,) = efs.describe_file_systems(FileSystemId=kept)["FileSystems"]
    assert {"Key": KEPT_TAG, "Value": told["kept_since"]} in left["Tags"]

    again = provisioned(machine, {**asked, "file_system": {"existing": kept}})
    assert (again.file_system_id, again.access_point_id) == (kept, scene.access_point_id)
    (taken,) = efs.describe_file_systems(FileSystemId=kept)["FileSystems"]
    assert KEPT_TAG not in {tag["Key"] for tag in taken["Tags"]}

    functions = Functions(cloud, again.request, file_system_id=kept, delete_data=True, delete_logs=True)
    functions.finish(*STEPS)
    assert owned(cloud, name) == {}


def test_what_belongs_to_others_stays_and_is_named(cloud: EmbeddedCloud, machine: Machine) -> None:
    scene = provisioned(machine, {"cluster": {"name": "theirs"}})
    functions = Functions(cloud, scene.request, file_system_id=scene.file_system_id, delete_data=True)
    arn = cloud.client("eks").describe_cluster(name="theirs")["cluster"]["arn"]
    cloud.client("eks").untag_resource(resourceArn=arn, tagKeys=[OWNER_TAG])
    cloud.client("efs").untag_resource(ResourceId=scene.file_system_id, TagKeys=[OWNER_TAG])
    for step, named in (
        ("RemoveStorage", "cluster theirs"),
        ("RemoveCluster", "cluster theirs"),
        ("RemoveFileSystem", scene.file_system_id),
    ):
        answer = functions.call(step)
        assert answer["errorType"] == "TerminalError"
        assert answer["errorMessage"].startswith(f"OwnedByAnother: {named}")
    assert functions.call("RemoveNetwork")["reason"] == "WaitingForNetworkInterfaces"
    assert cloud.client("eks").describe_cluster(name="theirs")["cluster"]["status"] == "ACTIVE"
    assert len(cloud.client("efs").describe_mount_targets(FileSystemId=scene.file_system_id)["MountTargets"]) == 3
