"""A cluster goes to the version asked for, one minor at a time, each proven before the next; or nothing is touched."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.aws import eks_addons, eks_insights
from local.aws.eks_rules import OFFERED_VERSIONS
from local.aws.eks_state import Cluster, Update, clusters_of
from local.cloud import EmbeddedCloud
from local.faults.scene import Scene
from tests.end_to_end.resources import mutating
from tests.end_to_end.runs import Machine, Run, until
from tests.end_to_end.test_provision import published, validate

NAME, OLD, NEXT, WANTED = "upgraded", "1.34", "1.35", "1.36"
embedded_only = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")
BEFORE_THE_LAST_TWO = OFFERED_VERSIONS[-3]
QUICK = {"writers": 1, "lines_per_writer": 1, "timeout_seconds": 300}
BETWEEN = {"cloudformation:CreateStack", "eks:CreateCluster", "efs:CreateFileSystem", "eks:CreateFargateProfile"}


def asked(version: str, name: str = NAME) -> dict[str, Any]:
    return {"cluster": {"name": name, "version": version}, "verification": QUICK}


def cluster_of(cloud: EmbeddedCloud, name: str = NAME) -> Cluster:
    return clusters_of(cloud.account_id, cloud.region)[name]


@pytest.fixture(scope="module")
def old(machine: Machine) -> Run:
    """In standard support for some weeks yet."""
    run = machine.run(asked(OLD))
    assert run.status == "SUCCEEDED", run.cause
    return run


@pytest.fixture
def deprecated() -> Iterator[dict[str, tuple[str, str]]]:
    yield eks_insights.DEPRECATED
    eks_insights.DEPRECATED.clear()


@embedded_only
@pytest.mark.usefixtures("old")
def test_a_cluster_that_is_not_ready_is_left_alone_with_what_eks_says_of_it(
    machine: Machine, cloud: EmbeddedCloud, deprecated: dict[str, tuple[str, str]]
) -> None:
    deprecated[NAME] = ("/apis/example/v1beta1/things", NEXT)
    for mode in ("apply", "plan"):
        seen = len(cloud.server.calls)
        run = machine.run({**asked(NEXT), "mode": mode})
        assert (run.status, run.error) == ("FAILED", "TerminalError")
        assert f"NotUpgradable: cluster {NAME} is not ready for {NEXT}: Deprecated APIs removed" in run.cause
        assert "/apis/example/v1beta1/things, asked for by team-controller/1.0" in run.cause
        assert not {each for each in mutating(cloud.server.calls[seen:]) if each.startswith(("eks:", "efs:", "ec2:"))}
    assert cluster_of(cloud).version == OLD


@pytest.mark.usefixtures("old")
def test_an_upgrade_is_one_minor_version_at_a_time_and_proven_before_the_next(
    machine: Machine, cloud: EmbeddedCloud
) -> None:
    planned = machine.run({**asked(WANTED), "mode": "plan"}).output
    (change,) = planned["changes"]
    (difference,) = change["differences"]
    assert (change["action"], difference["path"], difference["expected"]) == ("change", "version", WANTED)
    seen, before = len(cloud.server.calls), cluster_of(cloud).addons["coredns"].version
    run = machine.run(asked(WANTED))
    assert run.status == "SUCCEEDED", run.cause
    assert run.output["cluster"]["version"] == WANTED == cluster_of(cloud).version
    made = [call for call in cloud.server.calls[seen:] if call in ("eks:UpdateClusterVersion", "eks:UpdateAddon")]
    assert made == ["eks:UpdateClusterVersion", "eks:UpdateAddon"] * 2
    assert cluster_of(cloud).addons["coredns"].version > before
    assert len(run.entered("Apply storage")) >= 3
    assert not BETWEEN & mutating(cloud.server.calls[seen:]).keys()
    (event,) = published(cloud, "Storage Cluster Ready", run.arn)
    validate("storage-cluster-ready.schema.json", event)
    assert machine.run({**asked(WANTED), "mode": "plan"}).output["summary"] == "no changes"


@embedded_only
@pytest.mark.usefixtures("old")
def test_a_run_that_is_stopped_in_an_upgrade_is_gone_on_with_by_the_next(
    machine: Machine, cloud: EmbeddedCloud
) -> None:
    cluster = cluster_of(cloud)
    done = set(cluster.updates)
    following = f"1.{int(cluster.version[2:]) + 1}"

    def upgrades() -> list[Update]:
        return [each for key, each in cluster.updates.items() if key not in done and each.type == "VersionUpdate"]

    stopped = machine.start(asked(following))
    until(lambda: bool(upgrades()), "the upgrade to begin")
    machine.client.stop_execution(executionArn=stopped, error="Stopped", cause="by a test")
    machine.wait(stopped)
    run = machine.run(asked(following))
    assert run.status == "SUCCEEDED", run.cause
    assert run.output["cluster"]["version"] == following
    assert [each.status for each in upgrades()] == ["Successful"]
    assert cluster.addons["coredns"].version == eks_addons.default_version("coredns", following)


@embedded_only
@pytest.mark.usefixtures("old")
def test_a_teams_pod_of_the_version_before_holds_the_next_upgrade_and_is_named_until_it_is_made_again(
    machine: Machine, cloud: EmbeddedCloud
) -> None:
    """The first of two steps is done; Fargate's nodes keep the version they came with."""
    cluster = cluster_of(cloud)
    cluster.version = BEFORE_THE_LAST_TWO
    scene = Scene.recorded(cloud, machine.outputs["ClaimsTableName"], NAME)
    pods = "/api/v1/namespaces/default/pods"
    container = {"name": "web", "image": "public.ecr.aws/docker/library/busybox:1.37", "command": ["sleep", "3600"]}
    metadata = {"name": "web", "namespace": "default"}
    scene.create(pods, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}})
    scene.until(lambda: (scene.get(f"{pods}/web") or {})["status"].get("phase") == "Running")
    held = machine.run(asked(OFFERED_VERSIONS[-1]))
    assert held.status == "FAILED"
    (event,) = published(cloud, "Storage Cluster Failed", held.arn)
    first = event["diagnosis"][0]
    assert (first["rule"], first["verdict"]) == ("upgrade-held-by-pods", "proved")
    assert first["fix"].startswith("make default/web again")
    assert cluster.version == OFFERED_VERSIONS[-2]

    scene.remove(f"{pods}/web")
    run = machine.run(asked(OFFERED_VERSIONS[-1]))
    assert run.status == "SUCCEEDED", run.cause
    assert cluster.version == OFFERED_VERSIONS[-1]
