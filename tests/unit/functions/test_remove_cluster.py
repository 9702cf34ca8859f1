"""The function of state "Remove cluster"."""

from typing import Any

import pytest

from provisioner.errors import TerminalError
from tests.unit.functions.conftest import Invoke
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.samples import INSPECTOR_ROLE_ARN, NETWORK


def provisioned(invoke: Invoke, eks: FakeEks) -> None:
    invoke("ensure_cluster", network=NETWORK.facts())
    eks.clusters["eks-example"]["status"] = "ACTIVE"
    invoke("ensure_cluster_access")
    invoke("ensure_fargate_profile", network=NETWORK.facts())
    eks.fargate_profiles["provisioner"]["status"] = "ACTIVE"
    invoke("ensure_cluster_dns")
    eks.addons["coredns"]["status"] = "ACTIVE"


def remove(invoke: Invoke, eks: FakeEks, *, delete_logs: bool = False, existing: Any = None) -> list[str]:
    """What is waited for on the way, each with what is there then."""
    seen = []
    while not (answer := invoke("remove_cluster", delete_logs=delete_logs, existing=existing))["ready"]:
        seen.append(f"{answer['reason']} {len(eks.addons)}{len(eks.fargate_profiles)}{len(eks.clusters)}")
        for parts in (eks.addons, eks.fargate_profiles, eks.clusters):
            for name in [name for name, part in parts.items() if part["status"] == "DELETING"]:
                del parts[name]
    return seen


def test_add_on_and_profile_go_before_the_cluster(invoke: Invoke, eks: FakeEks) -> None:
    provisioned(invoke, eks)
    assert remove(invoke, eks) == ["Deleting 111", "Deleting 001"]
    assert remove(invoke, eks) == []


def test_the_logs_stay_unless_they_are_to_go(invoke: Invoke, eks: FakeEks, logs: Any) -> None:
    provisioned(invoke, eks)
    remove(invoke, eks)
    assert [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    remove(invoke, eks, delete_logs=True)
    assert logs.describe_log_groups()["logGroups"] == []


def test_a_roll_back_leaves_what_was_there_before_its_run(invoke: Invoke, eks: FakeEks) -> None:
    provisioned(invoke, eks)
    existing = {"cluster": "eks-example", "access_entries": [INSPECTOR_ROLE_ARN], "addon": "coredns"}
    assert remove(invoke, eks, existing=existing) == ["Deleting 111"]
    assert (list(eks.clusters), list(eks.addons), eks.fargate_profiles) == (["eks-example"], ["coredns"], {})
    assert INSPECTOR_ROLE_ARN in eks.access_entries
    assert "arn:aws:iam::123456789012:role/eks-efs-provisioner-provisioner" not in eks.access_entries


def test_a_cluster_that_somebody_else_made_is_left(invoke: Invoke, eks: FakeEks) -> None:
    provisioned(invoke, eks)
    eks.clusters["eks-example"]["tags"] = {}
    with pytest.raises(TerminalError, match="OwnedByAnother"):
        remove(invoke, eks)
    assert list(eks.clusters) == ["eks-example"]
