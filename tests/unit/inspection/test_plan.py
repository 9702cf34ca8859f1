"""What a run would do, in its order, told without touching anything."""

from typing import Any

import pytest

from provisioner.errors import TerminalError
from provisioner.inspection.plan import plan
from tests.unit.inspection.world import PERSON_ARN, World
from tests.unit.resources.aws_calls import Calls
from tests.unit.resources.samples import INSPECTOR_ROLE_ARN, PROVISIONER_ROLE_ARN, REMOVER_ROLE_ARN


@pytest.fixture(autouse=True)
def reachable_cluster(monkeypatch: pytest.MonkeyPatch, empty: World) -> None:
    monkeypatch.setattr("provisioner.inspection.objects.api_of", lambda *_: empty.objects)


def planned(world: World) -> dict[str, Any]:
    return plan(world.request, world.target).payload()


def actions(payload: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["resource"], each["action"]) for each in payload["changes"]]


def test_before_anything_exists_everything_is_to_create_in_the_order_in_which_a_run_acts(empty: World) -> None:
    empty.parts.update(
        cluster={"admin_principal_arns": [PERSON_ARN]},
        storage={"namespace": "team", "access_point": {"uid": 1, "gid": 1, "path": "/"}},
    )
    calls = Calls(empty.ec2, empty.efs, empty.eks.client, empty.cloudformation)
    payload = planned(empty)
    assert actions(payload) == [
        (resource, "create")
        for resource in (
            "network stack eks-efs-provisioner-eks-example-network",
            "network stack eks-efs-provisioner-eks-example-nat",
            "cluster eks-example",
            "log group /aws/eks/eks-example/cluster",
            f"access entry of {REMOVER_ROLE_ARN}",
            f"access entry of {PROVISIONER_ROLE_ARN}",
            f"access entry of {INSPECTOR_ROLE_ARN}",
            f"access entry of {PERSON_ARN}",
            "Fargate profile provisioner",
            "security group eks-example-efs",
            "file system of eks-example",
            "access point of eks-example's volume efs-pv",
            "mount target in apne1-az1",
            "mount target in apne1-az2",
            "mount target in apne1-az4",
            "Namespace team",
            "StorageClass efs-sc",
            "PersistentVolume efs-pv",
            "PersistentVolumeClaim efs-claim",
            "add-on coredns",
        )
    ]
    assert payload["summary"] == "20 to create, 0 to change, 0 that only a person can change"
    assert payload["unchanged"] == ["CSIDriver efs.csi.aws.com"]  # comes with a cluster
    assert payload["warnings"] == ["cluster_endpoint_is_open_to_the_internet"]
    assert calls.mutating == []
    assert empty.objects.changes == ["create Namespace default", "create CSIDriver efs.csi.aws.com"]  # the fake's own


def test_on_a_finished_cluster_there_are_no_changes(created: World) -> None:
    payload = planned(created)
    assert (payload["status"], payload["summary"], payload["changes"]) == ("Planned", "no changes", [])
    assert len(payload["unchanged"]) == 21


def test_a_change_and_what_only_a_person_can_do_are_counted_apart(created: World) -> None:
    created.file_system.throughput_mode = "bursting"
    created.profile["subnets"].pop()
    del created.objects.objects["StorageClass", None, "efs-sc"]
    payload = planned(created)
    assert actions(payload) == [
        ("Fargate profile provisioner", "replace_by_hand"),
        (f"file system {created.file_system_id}", "change"),
        ("StorageClass efs-sc", "create"),
    ]
    assert payload["summary"] == "1 to create, 1 to change, 1 that only a person can change"
    assert payload["changes"][1]["differences"][0]["path"] == "throughputMode"


def test_a_tag_that_is_asked_for_later_is_planned_for_all_that_a_run_gives_it_to_and_stacks_are_for_a_person(
    created: World,
) -> None:
    created.parts["tags"] = {"cost-center": "4711"}
    payload = planned(created)
    assert payload["summary"] == "0 to create, 9 to change, 2 that only a person can change"
    assert [each for each, action in actions(payload) if action == "replace_by_hand"] == [
        f"network stack eks-efs-provisioner-eks-example-{name}" for name in ("network", "nat")
    ]
    differences = [each for change in payload["changes"] for each in change["differences"]]
    assert {(each["path"], each["expected"], each["actual"]) for each in differences} == {
        ("tags.cost-center", "4711", None)
    }


def test_a_cluster_that_is_not_active_is_not_looked_into_and_the_plan_says_so(created: World) -> None:
    created.cluster["status"] = "UPDATING"
    payload = planned(created)
    assert actions(payload) == [("cluster eks-example", "change")]
    assert "cluster_is_not_active_so_that_what_is_inside_it_was_not_looked_at" in payload["warnings"]


def test_a_cluster_that_lets_the_inspector_in_no_more_is_planned_without_its_objects_and_the_plan_says_so(
    created: World,
) -> None:
    del created.eks.access_entries[INSPECTOR_ROLE_ARN]
    created.objects.access_after_calls = 1
    payload = planned(created)
    assert actions(payload) == [(f"access entry of {INSPECTOR_ROLE_ARN}", "create")]
    assert "cluster_lets_nobody_in_so_that_its_storage_objects_were_not_looked_at" in payload["warnings"]


def test_an_existing_network_that_no_run_would_accept_ends_the_plan_with_every_reason(world: World) -> None:
    world.parts["network"] = {"vpc_id": "vpc-00000000", "private_subnet_ids": ["subnet-00000001", "subnet-00000002"]}
    with pytest.raises(TerminalError, match="vpc-00000000 does not exist"):
        planned(world)


TEAMS: list[dict[str, Any]] = [
    {"name": f"efs-{team}", "claim": "shared", "namespace": team, "access_point": {"uid": 1, "gid": 1, "path": path}}
    for team, path in (("red", "/red"), ("blue", "/blue"), ("green", "/green"), ("grey", "/grey"))
]


def test_a_plan_tells_of_each_volume_and_once_of_what_volumes_share(empty: World) -> None:
    empty.parts["storage"] = {"volumes": TEAMS[:2]}
    told = [resource for resource, action in actions(planned(empty)) if action == "create"]
    assert [each for each in told if each.startswith(("access point", "Namespace", "Storage", "Persistent"))] == [
        "access point of eks-example's volume efs-red",
        "access point of eks-example's volume efs-blue",
        "Namespace red",
        "StorageClass efs-sc",
        "PersistentVolume efs-red",
        "PersistentVolumeClaim red/shared",
        "Namespace blue",
        "PersistentVolume efs-blue",
        "PersistentVolumeClaim blue/shared",
    ]


def test_a_volume_more_is_planned_with_all_that_it_needs_and_nothing_of_the_others(created: World) -> None:
    created.parts["storage"] = {"volumes": TEAMS[:3]}
    created.provision()
    assert planned(created)["summary"] == "no changes"
    created.parts["storage"] = {"volumes": TEAMS}
    assert actions(planned(created)) == [
        ("Fargate profile provisioner", "change"),
        ("access point of eks-example's volume efs-grey", "create"),
        ("Namespace grey", "create"),
        ("PersistentVolume efs-grey", "create"),
        ("PersistentVolumeClaim grey/shared", "create"),
    ]
    created.provision()
    assert planned(created)["summary"] == "no changes"


def test_volumes_that_are_not_apart_and_volumes_that_are_listed_no_more_are_warned_of(created: World) -> None:
    within = {**TEAMS[1], "access_point": {"uid": 1, "gid": 1, "path": "/red/blue"}}
    created.parts["storage"] = {"volumes": [TEAMS[0], within]}
    created.provision()
    apart = "volume efs-red is not apart from volume efs-blue: its pods see that one's directory"
    assert [each for each in planned(created)["warnings"] if "volume efs-red" in each] == [apart]
    created.parts["storage"] = {"volumes": [TEAMS[0]]}
    (told,) = [each for each in planned(created)["warnings"] if each.startswith("volume efs-blue ")]
    assert told.startswith(
        "volume efs-blue is no longer asked for and stays, with its data: to remove it, stop the pods"
    )
