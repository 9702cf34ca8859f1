"""Whoever compares an account with what it was waits for what leaves by itself."""

from collections.abc import Iterator
from typing import Any

import pytest

from local import at_rest
from local.at_rest import wait_until_at_rest
from local.aws import network
from local.cloud import EmbeddedCloud
from tests.local.clusters import NAME, prepared, until
from tests.local.test_cluster_end import POD, PODS

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
LABELS = {"app": "web"}
DEPLOYMENT: dict[str, Any] = {
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": POD["spec"]},
    },
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


def test_at_rest_a_cloud_has_nothing_any_more_of_pods_and_clusters_that_are_gone(cloud: EmbeddedCloud) -> None:
    scene = prepared(cloud)
    group, own = scene.cluster.security_group_id, [f"Amazon EKS {NAME}"] * 2

    def interfaces() -> list[str]:
        with_group = [{"Name": "group-id", "Values": [group]}]
        found = scene.client("ec2").describe_network_interfaces(Filters=with_group)["NetworkInterfaces"]
        return sorted(each["Description"] for each in found)

    (role,) = {each.pod_execution_role_arn for each in scene.cluster.profiles.values()}
    until(lambda: role in scene.cluster.effective_entries)
    scene.create(DEPLOYMENTS, DEPLOYMENT)
    scene.create(PODS, POD)
    until(lambda: len(interfaces()) == len(own) + 2)
    wait_until_at_rest(cloud)
    assert interfaces() == [network.NODE_DESCRIPTION] * 2 + own

    scene.delete(f"{PODS}/web?gracePeriodSeconds=0")
    wait_until_at_rest(cloud)
    assert interfaces() == [network.NODE_DESCRIPTION, *own]
    scene.delete(f"{DEPLOYMENTS}/web?propagationPolicy=Background")
    wait_until_at_rest(cloud)
    assert interfaces() == own
    cloud.drop_clusters()
    wait_until_at_rest(cloud)
    assert interfaces() == []
    groups = scene.client("ec2").describe_security_groups()["SecurityGroups"]
    assert group not in [each["GroupId"] for each in groups]


def test_what_never_goes_is_told(cloud: EmbeddedCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_rest, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(cloud.clock, "has_to_come", lambda: True)
    with pytest.raises(TimeoutError, match="still on its way"):
        wait_until_at_rest(cloud)
