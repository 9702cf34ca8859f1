"""The function of state "Remove storage", on a cluster in memory that behaves."""

import pytest

from provisioner.kubernetes import storage as objects
from provisioner.removal import storage
from tests.unit.functions.conftest import Invoke
from tests.unit.kubernetes.fake_cluster import FakeCluster
from tests.unit.kubernetes.samples import NO_ACCESS_POINT
from tests.unit.kubernetes.test_storage import a_cluster
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.samples import NETWORK, request_for

KINDS = ("PersistentVolumeClaim", "PersistentVolume", "StorageClass")


def there(api: FakeCluster) -> int:
    return len([kind for kind, _, _ in api.objects if kind in KINDS])


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    made = a_cluster()
    for _ in range(3):
        objects.ensure(request_for(), made, "fs-0123456789abcdef0", NO_ACCESS_POINT)
    monkeypatch.setattr(storage, "api_of", lambda *_: made)
    return made


def active(invoke: Invoke, eks: FakeEks) -> None:
    invoke("ensure_cluster", network=NETWORK.facts())
    eks.clusters["eks-example"]["status"] = "ACTIVE"
    invoke("ensure_cluster_access")


def test_the_objects_go_while_there_is_a_cluster_to_let_them_go(invoke: Invoke, eks: FakeEks, api: FakeCluster) -> None:
    active(invoke, eks)
    assert there(api) == 3
    looks = 0
    while not invoke("remove_storage", existing=None)["ready"]:
        looks += 1
        assert looks < 10
    assert there(api) == 0


def test_a_cluster_that_is_gone_or_going_takes_them_with_it(invoke: Invoke, eks: FakeEks, api: FakeCluster) -> None:
    assert invoke("remove_storage", existing=None)["ready"]
    active(invoke, eks)
    eks.clusters["eks-example"]["status"] = "DELETING"
    assert invoke("remove_storage", existing=None)["ready"]
    assert there(api) == 3
