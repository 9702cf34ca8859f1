"""The function of state "Inspect storage"."""

from typing import Any

import pytest

from provisioner.errors import RetryableError
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
    invoke("apply_storage", **{key: invoke("ensure_file_system")[key] for key in ("file_system_id", "access_point_id")})
    return cluster


def test_storage_as_a_run_leaves_it_has_no_difference(invoke: Invoke, cluster: FakeCluster) -> None:
    assert invoke("inspect_storage") == {"differences": []}


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
    assert invoke("inspect_storage") == {"differences": []}


def test_a_cluster_that_is_gone_has_no_differences_here(invoke: Invoke) -> None:
    assert invoke("inspect_storage") == {"differences": []}


def test_an_api_that_lets_nobody_in_is_no_drift_but_an_error_that_names_the_role(
    invoke: Invoke, cluster: FakeCluster
) -> None:
    cluster.access_after_calls = 1
    with pytest.raises(RetryableError, match="eks-efs-provisioner-inspector"):
        invoke("inspect_storage")
