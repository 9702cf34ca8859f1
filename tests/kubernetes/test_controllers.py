"""What kube-controller-manager does for our objects: ours on the embedded API, its own on a real one, alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local.kubernetes.controllers.volumes import quantity
from local.kubernetes.interfaces import ControlPlane, ControlPlanes
from tests.kubernetes.fargate_support import IMAGE, Cluster, claim, simulated, volume


@pytest.fixture(scope="module")
def cluster(
    control_planes: ControlPlanes, control_plane: ControlPlane, api: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    with simulated(control_planes, control_plane, api, tmp_path_factory.mktemp("controllers")) as running:
        yield running


def volume_phase(cluster: Cluster, name: str) -> str:
    return str(cluster.core.read_persistent_volume(name).status.phase)


def bound(cluster: Cluster, namespace: str, name: str) -> Any:
    cluster.until(lambda: cluster.claim_phase(namespace, name) == "Bound", f"{name} is bound")
    return cluster.core.read_namespaced_persistent_volume_claim(name, namespace)


@pytest.mark.parametrize(("text", "bytes_"), [("5Gi", 5 * 2**30), ("1k", 1000), ("100", 100), ("1.5Mi", 1.5 * 2**20)])
def test_quantities_are_compared_in_bytes(text: str, bytes_: float) -> None:
    assert quantity(text) == bytes_


def test_a_claim_that_names_its_volume_is_bound_to_it_on_both_sides(cluster: Cluster) -> None:
    namespace = cluster.namespace("named")
    cluster.core.create_persistent_volume(volume("named"))
    cluster.until(lambda: volume_phase(cluster, "named") == "Available", "the volume is available")
    cluster.core.create_namespaced_persistent_volume_claim(namespace, claim("data", volume_name="named"))
    found = bound(cluster, namespace, "data")
    assert found.metadata.annotations["pv.kubernetes.io/bind-completed"] == "yes"
    assert found.status.access_modes == ["ReadWriteMany"]
    assert found.status.capacity == {"storage": "5Gi"}
    persistent_volume = cluster.core.read_persistent_volume("named")
    reference = persistent_volume.spec.claim_ref
    assert (reference.namespace, reference.name, reference.uid) == (namespace, "data", found.metadata.uid)
    assert persistent_volume.status.phase == "Bound"
    assert persistent_volume.metadata.annotations["pv.kubernetes.io/bound-by-controller"] == "yes"


def test_a_claim_without_a_name_gets_the_smallest_volume_of_its_class_that_fits(cluster: Cluster) -> None:
    namespace = cluster.namespace("smallest")
    for name, size, storage_class in (("tiny", "1Gi", "pick"), ("large", "50Gi", "pick"), ("fit", "6Gi", "pick")):
        body = volume(f"pick-{name}", capacity={"storage": size}, storageClassName=storage_class)
        cluster.core.create_persistent_volume(body)
    cluster.core.create_persistent_volume(volume("pick-other-class"))
    cluster.until(lambda: volume_phase(cluster, "pick-fit") == "Available", "the volume is available")
    body = claim("data", storageClassName="pick")
    cluster.core.create_namespaced_persistent_volume_claim(namespace, body)
    assert bound(cluster, namespace, "data").spec.volume_name == "pick-fit"


def test_a_volume_reserved_by_its_claim_ref_waits_for_that_claim(cluster: Cluster) -> None:
    namespace = cluster.namespace("reserved")
    reference = {"namespace": namespace, "name": "mine"}
    cluster.core.create_persistent_volume(volume("reserved", claimRef=reference, storageClassName="reserve"))
    other = claim("other", storageClassName="reserve")
    cluster.core.create_namespaced_persistent_volume_claim(namespace, other)
    mine = claim("mine", storageClassName="reserve")
    cluster.core.create_namespaced_persistent_volume_claim(namespace, mine)
    assert bound(cluster, namespace, "mine").spec.volume_name == "reserved"
    assert cluster.claim_phase(namespace, "other") == "Pending"


def test_a_claim_that_its_volume_does_not_satisfy_stays_pending(cluster: Cluster) -> None:
    namespace = cluster.namespace("mismatch")
    cluster.core.create_persistent_volume(volume("small", capacity={"storage": "1Gi"}))
    body = claim("data", volume_name="small")
    created = cluster.core.create_namespaced_persistent_volume_claim(namespace, body)
    created.kind = "PersistentVolumeClaim"
    assert "requested PV is too small" in cluster.event(created, "VolumeMismatch").message
    assert cluster.claim_phase(namespace, "data") == "Pending"


def test_a_retained_volume_is_released_when_its_claim_goes_and_not_bound_again(cluster: Cluster) -> None:
    namespace = cluster.namespace("released")
    cluster.core.create_persistent_volume(volume("kept"))
    cluster.core.create_namespaced_persistent_volume_claim(namespace, claim("data", volume_name="kept"))
    bound(cluster, namespace, "data")
    cluster.core.delete_namespaced_persistent_volume_claim("data", namespace)
    cluster.until(lambda: volume_phase(cluster, "kept") == "Released", "the volume is released")
    cluster.core.create_namespaced_persistent_volume_claim(namespace, claim("data", volume_name="kept"))
    cluster.core.patch_persistent_volume("kept", {"spec": {"claimRef": None}})
    bound(cluster, namespace, "data")


def test_a_claim_whose_volume_is_removed_is_lost(cluster: Cluster) -> None:
    namespace = cluster.namespace("lost")
    cluster.core.create_persistent_volume(volume("vanishing"))
    cluster.core.create_namespaced_persistent_volume_claim(namespace, claim("data", volume_name="vanishing"))
    bound(cluster, namespace, "data")
    cluster.core.delete_persistent_volume("vanishing")
    assert cluster.core.read_persistent_volume("vanishing").metadata.deletion_timestamp, "bound volumes are protected"
    cluster.core.patch_persistent_volume("vanishing", {"metadata": {"finalizers": None}})
    cluster.until(lambda: cluster.claim_phase(namespace, "data") == "Lost", "the claim is lost")


def test_a_claim_in_use_goes_only_after_its_pod(cluster: Cluster) -> None:
    namespace = cluster.namespace("in-use")
    cluster.provide_storage(namespace)
    cluster.run(namespace, "user", "sleep 600", data="efs")
    cluster.until_phase(namespace, "user", "Running")
    cluster.core.delete_namespaced_persistent_volume_claim("efs", namespace)
    found = cluster.core.read_namespaced_persistent_volume_claim("efs", namespace)
    assert found.metadata.deletion_timestamp
    assert found.metadata.finalizers == ["kubernetes.io/pvc-protection"]
    cluster.core.delete_namespaced_pod("user", namespace)
    cluster.gone(cluster.core.read_namespaced_persistent_volume_claim, "efs", namespace)
    cluster.until(lambda: volume_phase(cluster, "in-use-efs") == "Released", "the volume is released")
    cluster.core.delete_persistent_volume("in-use-efs")
    cluster.gone(cluster.core.read_persistent_volume, "in-use-efs")


def deployment(name: str, replicas: int, script: str = "sleep 600") -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "app", "image": IMAGE, "command": ["/bin/sh", "-c", script]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 1}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"metadata": {"name": name}, "spec": spec}


def pods_of(cluster: Cluster, namespace: str) -> list[Any]:
    return list(cluster.core.list_namespaced_pod(namespace).items)


def rolled_out(cluster: Cluster, namespace: str, name: str, replicas: int) -> Any:
    def done() -> bool:
        found = cluster.apps.read_namespaced_deployment_status(name, namespace)
        status = found.status
        numbers = [status.replicas, status.updated_replicas, status.ready_replicas, status.available_replicas]
        current = status.observed_generation == found.metadata.generation
        return current and [number or 0 for number in numbers] == [replicas] * 4

    cluster.until(done, f"{name} has {replicas} replicas")
    return cluster.apps.read_namespaced_deployment_status(name, namespace)


def test_a_deployment_makes_a_replica_set_and_its_pods_and_reports_them(cluster: Cluster) -> None:
    namespace = cluster.namespace("deployed")
    created = cluster.apps.create_namespaced_deployment(namespace, deployment("web", 3))
    found = rolled_out(cluster, namespace, "web", 3)
    conditions = {c.type: (c.status, c.reason) for c in found.status.conditions}
    assert conditions["Available"] == ("True", "MinimumReplicasAvailable")
    cluster.until(
        lambda: (
            {c.type: c.reason for c in cluster.apps.read_namespaced_deployment("web", namespace).status.conditions}[
                "Progressing"
            ]
            == "NewReplicaSetAvailable"
        ),
        "the roll-out is complete",
    )
    (replica_set,) = cluster.apps.list_namespaced_replica_set(namespace).items
    assert replica_set.metadata.owner_references[0].uid == created.metadata.uid
    for pod in pods_of(cluster, namespace):
        assert pod.metadata.owner_references[0].uid == replica_set.metadata.uid
        assert pod.metadata.labels["pod-template-hash"] == replica_set.metadata.labels["pod-template-hash"]
        assert pod.metadata.name.startswith(replica_set.metadata.name + "-")


def test_scaling_a_new_template_a_lost_pod_and_deletion_are_followed(cluster: Cluster) -> None:
    namespace = cluster.namespace("changing")
    cluster.apps.create_namespaced_deployment(namespace, deployment("app", 1))
    rolled_out(cluster, namespace, "app", 1)

    cluster.apps.patch_namespaced_deployment("app", namespace, {"spec": {"replicas": 3}})
    rolled_out(cluster, namespace, "app", 3)

    lost = pods_of(cluster, namespace)[0].metadata.name
    cluster.core.delete_namespaced_pod(lost, namespace)
    cluster.gone(cluster.core.read_namespaced_pod, lost, namespace)
    rolled_out(cluster, namespace, "app", 3)

    changed = {"spec": {"template": deployment("app", 3, "sleep 700")["spec"]["template"]}}
    cluster.apps.patch_namespaced_deployment("app", namespace, changed)
    rolled_out(cluster, namespace, "app", 3)
    cluster.until(lambda: len(pods_of(cluster, namespace)) == 3, "the old pods are gone")
    commands = {pod.spec.containers[0].command[-1] for pod in pods_of(cluster, namespace)}
    assert commands == {"sleep 700"}
    assert sorted(r.spec.replicas for r in cluster.apps.list_namespaced_replica_set(namespace).items) == [0, 3]

    cluster.apps.patch_namespaced_deployment("app", namespace, {"spec": {"replicas": 0}})
    rolled_out(cluster, namespace, "app", 0)
    cluster.until(lambda: pods_of(cluster, namespace) == [], "no pod is left")


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
def test_what_a_deployment_owns_goes_with_it(cluster: Cluster, policy: str) -> None:
    namespace = cluster.namespace(f"owned-{policy.lower()}")
    cluster.apps.create_namespaced_deployment(namespace, deployment("app", 2))
    rolled_out(cluster, namespace, "app", 2)
    cluster.apps.delete_namespaced_deployment("app", namespace, propagation_policy=policy)
    cluster.gone(cluster.apps.read_namespaced_deployment, "app", namespace)
    cluster.until(lambda: pods_of(cluster, namespace) == [], "the pods are gone")
    cluster.until(lambda: cluster.apps.list_namespaced_replica_set(namespace).items == [], "the set is gone")


def test_orphans_stay_when_the_deletion_asks_for_it(cluster: Cluster) -> None:
    namespace = cluster.namespace("orphans")
    cluster.apps.create_namespaced_deployment(namespace, deployment("app", 1))
    rolled_out(cluster, namespace, "app", 1)
    cluster.apps.delete_namespaced_deployment("app", namespace, propagation_policy="Orphan")
    cluster.gone(cluster.apps.read_namespaced_deployment, "app", namespace)
    (replica_set,) = cluster.apps.list_namespaced_replica_set(namespace).items
    assert not replica_set.metadata.owner_references
    assert len(pods_of(cluster, namespace)) == 1


def test_a_namespace_takes_its_contents_along(cluster: Cluster) -> None:
    namespace = cluster.namespace("doomed")
    cluster.provide_storage(namespace)
    cluster.run(namespace, "user", "sleep 600", data="efs", terminationGracePeriodSeconds=1)
    cluster.until_phase(namespace, "user", "Running")
    cluster.core.delete_namespace(namespace)
    cluster.gone(cluster.core.read_namespace, namespace)
    assert pods_of(cluster, namespace) == []
