"""The function of state "Inspect storage"."""

from typing import Any

import pytest

from provisioner.errors import ErrorReason, RetryableError, UnsettledError
from tests.unit.functions.conftest import Invoke
from tests.unit.kubernetes.fake_cluster import FakeCluster
from tests.unit.kubernetes.test_storage import CLASS, DRIVER, a_cluster
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.samples import NETWORK


@pytest.fixture
def cluster(invoke: Invoke, eks: FakeEks, monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """An ACTIVE cluster with the storage of a run in it."""
    cluster = a_cluster()
    monkeypatch.setattr("functions.apply_storage.app.kubernetes_api", lambda *_: cluster)
    monkeypatch.setattr("provisioner.inspection.objects.api_of", lambda *_: cluster)
    invoke("ensure_cluster", network=NETWORK.facts())
    eks.clusters["eks-example"]["status"] = "ACTIVE"
    made = invoke("ensure_file_system")
    invoke(
        "apply_storage",
        file_system_id=made["file_system_id"],
        access_point_ids=made["access_point_ids"],
        mount_targets=[],
    )
    return cluster


def test_storage_as_a_run_leaves_it_has_no_difference(invoke: Invoke, cluster: FakeCluster) -> None:
    assert invoke("inspect_storage") == {"differences": [], "strays": []}


def test_it_reports_what_is_missing(invoke: Invoke, cluster: FakeCluster) -> None:
    del cluster.objects[DRIVER], cluster.objects[CLASS]
    differences = invoke("inspect_storage")["differences"]
    assert [(each["resource"], each["path"]) for each in differences] == [
        ("CSIDriver efs.csi.aws.com", "exists"),
        ("StorageClass efs-sc", "exists"),
    ]


def test_the_handle_is_compared_with_the_file_system_that_is_there(
    invoke: Invoke, cluster: FakeCluster, efs_backend: Any
) -> None:
    (file_system,) = efs_backend.file_systems_by_id.values()
    cluster.objects["PersistentVolume", None, "efs-pv"]["spec"]["csi"]["volumeHandle"] = "fs-0old"
    (difference,) = invoke("inspect_storage")["differences"]
    assert (difference["path"], difference["expected"], difference["actual"], difference["repairable"]) == (
        "spec.csi.volumeHandle",
        file_system.file_system_id,
        "fs-0old",
        False,
    )


@pytest.mark.parametrize("status", ["CREATING", "FAILED", "DELETING"])
def test_a_cluster_that_is_not_active_has_no_differences_here(
    status: str, invoke: Invoke, cluster: FakeCluster, eks: FakeEks
) -> None:
    del cluster.objects[DRIVER]
    eks.clusters["eks-example"]["status"] = status
    assert invoke("inspect_storage") == {"differences": [], "strays": []}


def test_a_cluster_that_is_gone_has_no_differences_here(invoke: Invoke) -> None:
    assert invoke("inspect_storage") == {"differences": [], "strays": []}


def test_an_api_that_does_not_yet_know_the_access_entry_is_asked_again(invoke: Invoke, cluster: FakeCluster) -> None:
    invoke("ensure_cluster_access")
    cluster.access_after_calls = 1
    with pytest.raises(RetryableError, match="eks-efs-provisioner-inspector in yet: get: HTTP 403 Forbidden;"):
        invoke("inspect_storage")
    assert invoke("inspect_storage") == {"differences": [], "strays": []}


def test_a_lost_access_entry_is_the_infrastructures_difference_and_no_error(
    invoke: Invoke, cluster: FakeCluster
) -> None:
    cluster.access_after_calls = 1
    assert invoke("inspect_storage") == {"differences": [], "strays": []}


@pytest.mark.parametrize("is_closed", [True, False])
def test_an_endpoint_that_was_closed_is_the_infrastructures_difference_and_any_other_silence_an_error(
    is_closed: bool, invoke: Invoke, cluster: FakeCluster, eks: FakeEks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: Any) -> None:
        raise UnsettledError(ErrorReason.SERVICE_UNAVAILABLE, "no answer", remedy="again")

    eks.clusters["eks-example"]["resourcesVpcConfig"]["endpointPublicAccess"] = not is_closed
    monkeypatch.setattr(cluster, "get", silent)
    if is_closed:
        assert invoke("inspect_storage") == {"differences": [], "strays": []}
    else:
        with pytest.raises(UnsettledError, match="no answer"):
            invoke("inspect_storage")
