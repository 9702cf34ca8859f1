from tests.unit.functions.conftest import Invoke
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.samples import INSPECTOR_ROLE_ARN, NETWORK, PROVISIONER_ROLE_ARN, REMOVER_ROLE_ARN


def test_it_makes_the_provisioners_role_an_administrator_and_lets_the_inspectors_look(
    invoke: Invoke, eks: FakeEks
) -> None:
    invoke("ensure_cluster", network=NETWORK.facts())
    assert invoke("ensure_cluster_access") == {
        "ready": True,
        "reason": "Ready",
        "retry_after_seconds": 0,
        "principal_arns": [REMOVER_ROLE_ARN, PROVISIONER_ROLE_ARN, INSPECTOR_ROLE_ARN],
    }
    assert list(eks.access_entries) == [REMOVER_ROLE_ARN, PROVISIONER_ROLE_ARN, INSPECTOR_ROLE_ARN]
