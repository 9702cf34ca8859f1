"""The end of a cluster of the embedded cloud: its pods, their interfaces, its Kubernetes API, its group."""

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.aws import network
from local.cloud import EmbeddedCloud
from tests.local.clusters import NAME, prepared, until

PODS = "/api/v1/namespaces/default/pods"
POD = {
    "metadata": {"name": "web"},
    "spec": {
        "containers": [
            {
                "name": "app",
                "image": "public.ecr.aws/docker/library/busybox:1.37",
                "command": ["/bin/sh", "-c", "sleep 600"],
            }
        ]
    },
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


def test_a_cluster_ends_with_its_profile_then_its_api_then_what_it_had_in_the_network(
    cloud: EmbeddedCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = prepared(cloud)
    ec2, eks = scene.client("ec2"), scene.client("eks")
    group = scene.cluster.security_group_id

    def interfaces() -> list[str]:
        found = ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group]}])
        return sorted(each["Description"] for each in found["NetworkInterfaces"])

    def pod() -> Any:
        return scene.get(f"{PODS}/web")

    time.sleep(cloud.clock.delay("access entry"))  # Fargate's role is let in
    own = [f"Amazon EKS {NAME}"] * 2
    scene.create(PODS, POD)
    until(lambda: interfaces() == [network.NODE_DESCRIPTION, *own] and "nodeName" in pod()["spec"])

    profile = {"clusterName": NAME, "fargateProfileName": "pods"}
    eks.delete_fargate_profile(**profile)
    until(lambda: pod() is None)
    until(lambda: interfaces() == own)
    until(lambda: eks.list_fargate_profiles(clusterName=NAME)["fargateProfileNames"] == [])

    plane = scene.cluster.control_plane
    assert plane is not None
    later, left_behind = cloud.clock.later, []

    def held(what: str, action: Callable[[], None]) -> None:
        if what == "control plane interface":
            left_behind.append(action)
        else:
            later(what, action)

    monkeypatch.setattr(cloud.clock, "later", held)
    eks.delete_cluster(name=NAME)
    until(lambda: eks.list_clusters()["clusters"] == [] and bool(left_behind))
    assert ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    for clean_up in left_behind:
        later("control plane interface", clean_up)
    until(
        lambda: ec2.describe_security_groups(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroups"] == []
    )
    assert interfaces() == []
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(plane.url, timeout=5)  # noqa: S310 - our own control plane's address
