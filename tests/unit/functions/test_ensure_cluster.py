import json
from typing import Any

import pytest

from provisioner.errors import TerminalError
from tests.unit.functions.conftest import Invoke
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.samples import CLUSTER_ROLE_ARN, NETWORK


def test_it_creates_the_cluster_with_the_cluster_role_and_is_ready_when_it_is_active(
    invoke: Invoke, eks: FakeEks, logs: Any
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
    (group,) = logs.describe_log_groups()["logGroups"]
    assert (group["logGroupName"], group["retentionInDays"]) == ("/aws/eks/eks-example/cluster", 90)


def test_the_logs_of_a_cluster_that_is_not_ours_are_left_alone(invoke: Invoke, eks: FakeEks, logs: Any) -> None:
    invoke("ensure_cluster", network=NETWORK.facts())
    logs.delete_retention_policy(logGroupName="/aws/eks/eks-example/cluster")
    eks.clusters["eks-example"]["tags"] = {}
    with pytest.raises(TerminalError, match="OwnedByAnother"):
        invoke("ensure_cluster", network=NETWORK.facts())
    (group,) = logs.describe_log_groups()["logGroups"]
    assert "retentionInDays" not in group
