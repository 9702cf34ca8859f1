from tests.unit.functions.conftest import Invoke
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.samples import NETWORK, PODS_ROLE_ARN


def test_it_creates_the_profile_with_the_pods_role_and_is_ready_when_it_is_active(invoke: Invoke, eks: FakeEks) -> None:
    invoke("ensure_cluster", network=NETWORK.facts())
    answer = invoke("ensure_fargate_profile", network=NETWORK.facts())
    assert (answer["ready"], answer["reason"]) == (False, "Creating")
    assert eks.parameters["CreateFargateProfile"]["podExecutionRoleArn"] == PODS_ROLE_ARN
    eks.fargate_profiles["provisioner"]["status"] = "ACTIVE"
    assert invoke("ensure_fargate_profile", network=NETWORK.facts()) == {
        "ready": True,
        "reason": "Ready",
        "retry_after_seconds": 0,
        "fargate_profile": "provisioner",
    }
