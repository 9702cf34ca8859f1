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


def test_it_takes_the_step_that_it_is_told_and_says_by_which_update(invoke: Invoke, eks: FakeEks) -> None:
    invoke("ensure_cluster", network=NETWORK.facts())
    eks.clusters["eks-example"]["status"] = "ACTIVE"
    answer = invoke("ensure_cluster", network=NETWORK.facts(), upgrade={"to": "1.34", "update_id": None})
    assert (answer["ready"], answer["reason"], answer["update_id"]) == (False, "Upgrading", "update-0")
    answer = invoke("ensure_cluster", network=NETWORK.facts(), upgrade={"to": "1.34", "update_id": "update-0"})
    assert (answer["reason"], answer["update_id"]) == ("Updating", "update-0")


def test_the_logs_of_a_cluster_that_is_not_ours_are_left_alone(invoke: Invoke, eks: FakeEks, logs: Any) -> None:
    invoke("ensure_cluster", network=NETWORK.facts())
    logs.delete_retention_policy(logGroupName="/aws/eks/eks-example/cluster")
    eks.clusters["eks-example"]["tags"] = {}
    with pytest.raises(TerminalError, match="OwnedByAnother"):
        invoke("ensure_cluster", network=NETWORK.facts())
    (group,) = logs.describe_log_groups()["logGroups"]
    assert "retentionInDays" not in group
