import json

from tests.unit.functions.conftest import Invoke
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.samples import CLUSTER_ROLE_ARN, NETWORK


def test_it_creates_the_cluster_with_the_cluster_role_and_is_ready_when_it_is_active(
    invoke: Invoke, eks: FakeEks
) -> None:
    assert invoke("ensure_cluster", network=NETWORK.facts()) == {
        "ready": False,
        "reason": "Creating",
        "retry_after_seconds": 60,
    }
    assert eks.parameters["CreateCluster"]["roleArn"] == CLUSTER_ROLE_ARN
    eks.clusters["eks-example"]["status"] = "ACTIVE"
    answer = invoke("ensure_cluster", network=NETWORK.facts())
    assert json.loads(json.dumps(answer)) == answer
    assert answer["ready"]
    assert answer.keys() >= {"name", "arn", "endpoint", "version", "security_group_id"}
