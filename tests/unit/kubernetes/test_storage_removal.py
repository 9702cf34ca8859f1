"""remove() against a cluster in memory that answers as the Kubernetes API does."""

from typing import Any

import pytest

from provisioner.kubernetes.storage import ensure
from provisioner.kubernetes.storage_removal import find_ours, held, remove
from provisioner.observation import Observation, Reason
from tests.unit.kubernetes.fake_cluster import TIME, FakeCluster
from tests.unit.kubernetes.samples import FILE_SYSTEM, NO_ACCESS_POINT, a_request
from tests.unit.kubernetes.test_storage import CLAIM, CLASS, DRIVER, VOLUME, a_cluster

NAMESPACE = ("Namespace", None, "team")
REQUEST = a_request(storage={"namespace": "team"})
TEAMS_CLAIM = ("PersistentVolumeClaim", "team", "efs-claim")


def provisioned(cluster: FakeCluster | None = None) -> FakeCluster:
    """With a namespace of our own."""
    cluster = cluster or a_cluster()
    ensure(REQUEST, cluster, FILE_SYSTEM, NO_ACCESS_POINT)
    cluster.changes.clear()
    return cluster


def removed(cluster: FakeCluster, *kept: str) -> Observation:
    return remove(REQUEST, cluster, kept)


def a_pod(cluster: FakeCluster, phase: str, claim: str = "efs-claim") -> dict[str, Any]:
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}, {"name": "own", "emptyDir": {}}]
    pod = cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "app", "namespace": "team", "labels": {}},
            "spec": {"volumes": volumes},
        }
    )
    pod["status"] = {"phase": phase}
    return pod


def test_ours_go_one_after_the_other_and_again_is_done() -> None:
    cluster = provisioned()
    assert removed(cluster).ready
    assert cluster.changes == [
        "delete PersistentVolumeClaim efs-claim",
        "delete PersistentVolume efs-pv",
        "delete StorageClass efs-sc",
        "delete Namespace team",
    ]
    assert removed(cluster).ready
    assert len(cluster.changes) == 4


def test_what_a_finalizer_holds_is_waited_for_named_and_not_deleted_twice() -> None:
    cluster = provisioned()
    cluster.objects[TEAMS_CLAIM]["metadata"]["deletionTimestamp"] = TIME
    observation = removed(cluster)
    assert (observation.ready, observation.reason) == (False, Reason.DELETING)
    assert observation.facts["waiting_for"] == ["PersistentVolumeClaim team/efs-claim"]
    assert cluster.changes == []


def test_a_finalizer_that_is_not_kubernetes_own_and_a_namespace_that_is_stuck_are_named_with_what_holds_them() -> None:
    cluster = provisioned()
    claim, namespace = cluster.objects[TEAMS_CLAIM], cluster.objects[NAMESPACE]
    claim["metadata"] |= {
        "deletionTimestamp": TIME,
        "finalizers": ["kubernetes.io/pvc-protection", "snapshots.example.com/hold"],
    }
    by = "finalizer snapshots.example.com/hold"
    assert removed(cluster).facts["waiting_for"] == [f"PersistentVolumeClaim team/efs-claim (held by {by})"]
    namespace["metadata"]["deletionTimestamp"] = TIME
    remaining = "Some content in the namespace has finalizers remaining: snapshots.example.com/hold in 1 instances"
    namespace["status"] = {
        "conditions": [
            {"type": "NamespaceContentRemaining", "status": "True", "message": "Some resources are remaining"},
            {"type": "NamespaceFinalizersRemaining", "status": "True", "message": remaining},
        ]
    }
    assert [(each["kind"], why) for each, why in held(REQUEST, cluster)] == [
        ("PersistentVolumeClaim", by),
        ("Namespace", remaining),
    ]
    del cluster.objects[TEAMS_CLAIM], cluster.objects[NAMESPACE]
    assert removed(cluster).ready


@pytest.mark.parametrize("phase", ["Pending", "Running"])
def test_a_claim_that_pods_use_is_not_deleted_and_they_are_named(phase: str) -> None:
    cluster = provisioned()
    a_pod(cluster, phase)
    cluster.changes.clear()
    observation = removed(cluster)
    assert (observation.ready, observation.reason) == (False, Reason.WAITING_FOR_PODS)
    assert observation.facts["waiting_for"] == ["Pod team/app"]
    assert observation.retry_after_seconds > 0
    assert cluster.changes == []


@pytest.mark.parametrize(("phase", "claim"), [("Succeeded", "efs-claim"), ("Failed", "efs-claim"), ("Running", "own")])
def test_pods_that_are_through_or_use_another_claim_are_no_obstacle_but_keep_their_namespace(
    phase: str, claim: str
) -> None:
    cluster = provisioned()
    a_pod(cluster, phase, claim)
    assert removed(cluster).ready
    assert NAMESPACE in cluster.objects
    assert TEAMS_CLAIM not in cluster.objects


def test_what_verifications_left_goes_first() -> None:
    cluster = provisioned()
    labels = {"eks-efs-provisioner/run": "0123"}
    metadata = {"name": "verification-0123-reader", "namespace": "team", "labels": labels}
    cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}})
    observation = removed(cluster)
    assert (observation.ready, observation.reason) == (False, Reason.STRAYS_TERMINATING)
    assert observation.facts["waiting_for"] == ["Pod team/verification-0123-reader"]
    assert TEAMS_CLAIM in cluster.objects
    cluster.tick()
    assert removed(cluster).ready


def test_what_somebody_else_made_stays() -> None:
    cluster = provisioned()
    ours = [each for each in cluster.objects if each[0] not in ("CSIDriver", "Namespace")]
    assert DRIVER in cluster.objects  # as EKS makes it
    for key in ours:
        cluster.objects[key]["metadata"]["labels"] = {}
    assert removed(cluster).ready
    assert set(ours) <= set(cluster.objects)
    assert NAMESPACE in cluster.objects
    assert DRIVER in cluster.objects


def test_a_driver_object_of_ours_goes() -> None:
    cluster = provisioned(FakeCluster())
    assert removed(cluster).ready
    assert DRIVER not in cluster.objects


def test_what_was_there_before_stays() -> None:
    cluster = provisioned()
    before = find_ours(REQUEST, cluster)
    assert before == [
        "PersistentVolumeClaim team/efs-claim",
        "PersistentVolume efs-pv",
        "StorageClass efs-sc",
        "Namespace team",
    ]
    assert removed(cluster, *before).ready
    assert cluster.changes == []


def test_the_default_namespace_is_nobodys_to_remove() -> None:
    cluster = a_cluster()
    ensure(a_request(), cluster, FILE_SYSTEM, NO_ACCESS_POINT)
    assert remove(a_request(), cluster, []).ready
    assert {CLAIM, VOLUME, CLASS}.isdisjoint(cluster.objects)
    assert ("Namespace", None, "default") in cluster.objects


def test_an_access_entry_that_is_not_known_yet_is_waited_for() -> None:
    cluster = provisioned()
    cluster.access_after_calls = 1
    observation = removed(cluster)
    assert (observation.ready, observation.reason) == (False, Reason.ACCESS_NOT_YET_EFFECTIVE)
    assert "403" in observation.facts["waiting_for"][0]
