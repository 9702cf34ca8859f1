"""Pods on Fargate share a file system, and say why when they cannot."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.kubernetes.interfaces import ControlPlane, ControlPlanes
from tests.kubernetes.fargate_support import FILE_SYSTEM, MOUNT_OPTIONS, TIMED_OUT, Cluster, claim, simulated, volume


@pytest.fixture(scope="module")
def cluster(
    control_planes: ControlPlanes, control_plane: ControlPlane, api: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    with simulated(control_planes, control_plane, api, tmp_path_factory.mktemp("storage")) as running:
        yield running


def test_three_writers_and_a_reader_share_a_directory_through_different_nodes(cluster: Cluster) -> None:
    namespace = cluster.namespace("shared")
    cluster.provide_storage(namespace)
    script = 'for i in 1 2 3; do echo "$HOSTNAME $i" >> /data/$HOSTNAME.txt; done; echo done; sleep 600'
    writers = [f"writer-{number}" for number in range(3)]
    for name in writers:
        cluster.run(namespace, name, script, data="efs")
    for name in writers:
        cluster.until_phase(namespace, name, "Running")
        cluster.until(lambda name=name: cluster.log(namespace, name) == "done\n", f"{name} has written")  # type: ignore[misc]
    reading = "cd /data; sha256sum writer-*.txt; grep ' /data ' /proc/mounts"
    cluster.run(namespace, "reader", reading, data="efs", restartPolicy="Never")
    cluster.until_phase(namespace, "reader", "Succeeded")

    contents = {name: "".join(f"{name} {i}\n" for i in (1, 2, 3)).encode() for name in writers}
    expected = [f"{hashlib.sha256(data).hexdigest()}  {name}.txt" for name, data in contents.items()]
    mounted = f"127.0.0.1:/ /data nfs4 {MOUNT_OPTIONS} 0 0"
    assert cluster.log(namespace, "reader").splitlines() == [*expected, mounted]
    nodes = {cluster.pod(namespace, name).spec.node_name for name in [*writers, "reader"]}
    assert len(nodes) == 4


def test_a_refused_mount_is_retried_with_one_event_that_counts_until_it_is_allowed(cluster: Cluster) -> None:
    namespace = cluster.namespace("refused")
    cluster.provide_storage(namespace)
    cluster.data_plane.refusal = TIMED_OUT
    try:
        pod = cluster.run(namespace, "writer", "echo up > /data/refused; sleep 600", data="efs")
        cluster.until(lambda: cluster.event(pod, "FailedMount").count >= 2, "the mount is retried")
        failed = cluster.event(pod, "FailedMount")
        assert failed.message == f'MountVolume.SetUp failed for volume "refused-efs" : {TIMED_OUT}'
        assert (failed.type, failed.source.component) == ("Warning", "kubelet")
        waiting = cluster.pod(namespace, "writer").status
        assert waiting.phase == "Pending"
        assert waiting.container_statuses[0].state.waiting.reason == "ContainerCreating"
        assert [event.reason for event in cluster.events(pod)].count("FailedMount") == 1
    finally:
        cluster.data_plane.refusal = None
    cluster.until_phase(namespace, "writer", "Running")
    written = cluster.data_plane.directory / FILE_SYSTEM / "refused"
    cluster.until(written.exists, "the pod wrote")


def test_without_the_csi_driver_object_the_pod_says_that_it_is_not_registered(cluster: Cluster) -> None:
    namespace = cluster.namespace("no-driver")
    cluster.provide_storage(namespace)
    cluster.storage.delete_csi_driver("efs.csi.aws.com")
    pod = cluster.run(namespace, "writer", "sleep 600", data="efs")
    message = cluster.event(pod, "FailedMount").message
    assert "driver name efs.csi.aws.com not found in the list of registered CSI drivers" in message

    driver = {"metadata": {"name": "efs.csi.aws.com"}, "spec": {"attachRequired": True}}
    cluster.storage.create_csi_driver(driver)
    attach = cluster.event(pod, "FailedAttachVolume")
    assert "waiting for external-attacher of efs.csi.aws.com CSI driver" in attach.message
    assert FILE_SYSTEM in attach.message

    cluster.storage.delete_csi_driver("efs.csi.aws.com")
    driver["spec"] = {"attachRequired": False}
    cluster.storage.create_csi_driver(driver)
    cluster.until_phase(namespace, "writer", "Running")


def test_a_pod_whose_claim_is_not_bound_at_its_creation_is_never_scheduled(cluster: Cluster) -> None:
    namespace = cluster.namespace("unbound")
    cluster.core.create_namespaced_persistent_volume_claim(namespace, claim("late", volume_name="late"))
    pod = cluster.run(namespace, "early", "sleep 600", data="late")
    failed = cluster.event(pod, "FailedScheduling")
    expected = "Pod not supported on Fargate: volumes not supported: data not supported because: PVC late not bound"
    assert (failed.message, failed.source.component) == (expected, "fargate-scheduler")
    cluster.core.create_persistent_volume(volume("late"))
    cluster.until(lambda: cluster.claim_phase(namespace, "late") == "Bound", "the claim is bound")
    cluster.run(namespace, "later", "sleep 600", data="late")
    cluster.until_phase(namespace, "later", "Running")
    assert cluster.pod(namespace, "early").status.phase == "Pending"
    assert cluster.pod(namespace, "early").spec.node_name is None


def test_sub_paths_read_only_mounts_and_empty_directories_are_what_they_say(cluster: Cluster) -> None:
    namespace = cluster.namespace("mounts")
    cluster.provide_storage(namespace)
    script = (
        "echo x > /data/inside; echo y > /cache/y; cat /again/inside; (echo z > /again/z) 2>&1 | grep -o 'Read-only'"
    )
    mounts = [
        {"name": "data", "mountPath": "/data", "subPath": "team/a"},
        {"name": "data", "mountPath": "/again", "subPath": "team/a", "readOnly": True},
        {"name": "cache", "mountPath": "/cache"},
    ]
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "efs"}}, {"name": "cache", "emptyDir": {}}]
    cluster.run(namespace, "paths", script, container={"volumeMounts": mounts}, volumes=volumes, restartPolicy="Never")
    cluster.until_phase(namespace, "paths", "Succeeded")
    assert cluster.log(namespace, "paths") == "x\nRead-only\n"
    assert (Path(cluster.data_plane.directory) / FILE_SYSTEM / "team/a/inside").read_text() == "x\n"


def test_a_volume_of_another_driver_is_refused_by_fargate(cluster: Cluster) -> None:
    namespace = cluster.namespace("disk")
    cluster.core.create_persistent_volume(volume("disk", "vol-1", driver="ebs.csi.aws.com"))
    cluster.core.create_namespaced_persistent_volume_claim(namespace, claim("disk", volume_name="disk"))
    cluster.until(lambda: cluster.claim_phase(namespace, "disk") == "Bound", "the claim is bound")
    failed = cluster.event(cluster.run(namespace, "database", "sleep 600", data="disk"), "FailedScheduling")
    assert failed.message.endswith("PVC disk bound to invalid PV disk with CSI Driver: ebs.csi.aws.com")
