"""What others put in the way of a removal: all of it named before anything is removed, and nothing of it touched."""

import json
from typing import Any

import pytest

from local.account_snapshot import difference, snapshot
from local.cloud import EmbeddedCloud
from local.faults.obstacles import OBSTACLES, Placed
from local.faults.scene import Scene
from tests.end_to_end.runs import Machine
from tests.end_to_end.test_provision import published, validate

NAME = "blocked"
REQUEST = {"cluster": {"name": NAME}, "verification": {"writers": 1, "lines_per_writer": 1}}
SERVICES = "/api/v1/namespaces/default/services"
PODS = "/api/v1/namespaces/default/pods"
SHOP = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "shop"},
    "spec": {"type": "LoadBalancer", "selector": {"app": "shop"}, "ports": [{"port": 80}]},
}
ORDERS = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "orders"},
    "spec": {
        "containers": [
            {
                "name": "orders",
                "image": "public.ecr.aws/docker/library/busybox:1.37",
                "command": ["sleep", "3600"],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            }
        ],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "efs-claim"}}],
    },
}


@pytest.fixture(scope="module")
def before(cloud: EmbeddedCloud, machine: Machine) -> dict[str, list[str]]:
    return snapshot(cloud)


@pytest.fixture(scope="module")
def scene(cloud: EmbeddedCloud, machine: Machine, before: dict[str, list[str]]) -> Scene:
    run = machine.run(REQUEST)
    assert run.status == "SUCCEEDED", run.cause
    return Scene.recorded(cloud, machine.outputs["ClaimsTableName"], NAME)


@pytest.fixture(scope="module")
def placed(scene: Scene) -> dict[str, Placed]:
    return {name: obstacle.put(scene) for name, obstacle in OBSTACLES.items()}


@pytest.fixture(scope="module")
def teardown(machine: Machine) -> Machine:
    return Machine(machine.cloud, machine.outputs, "Teardown")


def asked(scene: Scene, **more: Any) -> dict[str, Any]:
    data = {"delete_data": {"file_system_id": scene.file_system_id}, "delete_logs": True}
    return {"cluster_name": NAME, **data, **more}


embedded_only = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")


def test_what_people_run_in_the_cluster_is_named_first(teardown: Machine, scene: Scene) -> None:
    scene.create(SERVICES, SHOP)
    scene.create(PODS, ORDERS)
    plan = teardown.run({"cluster_name": NAME, "mode": "plan"})
    named = {each["rule"]: each for each in plan.output["obstacles"]}
    assert named.keys() == {"load-balancer-service", "pod-on-claim"}
    assert named["load-balancer-service"]["fix"].startswith("kubectl delete service shop --namespace default")
    assert "default/orders" in named["pod-on-claim"]["cause"]
    scene.remove(f"{SERVICES}/shop")
    scene.remove(f"{PODS}/orders?gracePeriodSeconds=0")
    assert teardown.run({"cluster_name": NAME, "mode": "plan"}).output["obstacles"] == []


@embedded_only
def test_everything_of_others_is_named_at_once_and_nothing_of_it_or_of_ours_is_touched(
    cloud: EmbeddedCloud, teardown: Machine, scene: Scene, placed: dict[str, Placed]
) -> None:
    there = snapshot(cloud)
    (stays,) = teardown.run(asked(scene, mode="plan")).output["stays"]
    assert stays["resource"] == "recovery points"
    assert stays["id"] in placed["recovery-point"].identifiers
    run = teardown.run(asked(scene))
    assert (run.status, run.error) == ("FAILED", "RemovalBlocked")
    (event,) = published(cloud, "Storage Cluster Failed", run.arn)
    validate("storage-cluster-failed.schema.json", event)
    told = json.dumps(event["diagnosis"])
    unnamed = {
        name: [each for each in placed[name].identifiers if each.rpartition("loadbalancer/")[2] not in told]
        for name, obstacle in OBSTACLES.items()
        if obstacle.holds != "nothing"
    }
    assert {name: missing for name, missing in unnamed.items() if missing} == {}
    assert {cause["verdict"] for cause in event["diagnosis"]} == {"proved"}
    assert difference(there, snapshot(cloud)) == []


@embedded_only
def test_when_all_of_it_is_gone_the_removal_comes_to_its_end(
    cloud: EmbeddedCloud,
    teardown: Machine,
    scene: Scene,
    placed: dict[str, Placed],
    before: dict[str, list[str]],
) -> None:
    for each in reversed(placed.values()):
        each.remove()
    run = teardown.run(asked(scene))
    assert run.status == "SUCCEEDED", run.cause
    assert difference(before, snapshot(cloud)) == []
