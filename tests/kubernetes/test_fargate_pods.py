"""The life of a pod on Fargate: who schedules it, how it runs, fails, restarts, completes and ends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from local.aws import eks_addons, eks_coredns
from local.clock import TYPICAL_SECONDS, Clock
from local.kubernetes import kubelet
from local.kubernetes.interfaces import ControlPlane, ControlPlanes
from tests.kubernetes.fargate_support import IMAGE, OUTSIDE, WAIT_SECONDS, Cluster, pod, simulated

NAMESPACE = "pods"


@pytest.fixture(scope="module")
def cluster(
    control_planes: ControlPlanes, control_plane: ControlPlane, api: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    with simulated(control_planes, control_plane, api, tmp_path_factory.mktemp("pods")) as running:
        running.namespace(NAMESPACE)
        yield running


def test_a_pod_gets_a_node_of_its_own_and_runs_on_it(cluster: Cluster) -> None:
    pod = cluster.run(NAMESPACE, "one", "sleep 600")
    status = cluster.until_phase(NAMESPACE, "one", "Running").status
    node = cluster.core.read_node(cluster.pod(NAMESPACE, "one").spec.node_name)
    labels = node.metadata.labels
    assert labels["eks.amazonaws.com/compute-type"] == "fargate"
    assert labels["topology.kubernetes.io/region"] == "eu-west-1"
    assert labels["topology.kubernetes.io/zone"].startswith("eu-west-1")
    assert {c.type: c.status for c in node.status.conditions}["Ready"] == "True"
    true = {c.type for c in status.conditions if c.status == "True"}
    assert true >= {"PodScheduled", "Initialized", "ContainersReady", "Ready"}
    assert all(c.last_transition_time for c in status.conditions)
    assert status.pod_ip == status.host_ip
    assert node.metadata.name == f"fargate-ip-{status.pod_ip.replace('.', '-')}.eu-west-1.compute.internal"
    container = status.container_statuses[0]
    assert re.fullmatch(r"public\.ecr\.aws/docker/library/busybox@sha256:[0-9a-f]{64}", container.image_id)
    assert (container.ready, container.restart_count) == (True, 0)
    assert container.state.running.started_at
    cluster.event(pod, "Started")
    reasons = {event.reason: event.source.component for event in cluster.events(pod)}
    assert reasons["Scheduled"] == "fargate-scheduler"
    assert reasons["Pulled"] == "kubelet"
    assert reasons["LoggingDisabled"] == "fargate-scheduler"


def test_a_pod_in_a_cluster_that_has_set_up_logging_says_so(cluster: Cluster) -> None:
    cluster.namespace("aws-observability")
    cluster.core.create_namespaced_config_map("aws-observability", {"metadata": {"name": "aws-logging"}})
    pod = cluster.run(NAMESPACE, "logged", "sleep 600")
    assert cluster.event(pod, "LoggingEnabled").type == "Normal"
    cluster.core.delete_namespaced_config_map("aws-logging", "aws-observability")


def test_an_image_for_another_platform_alone_is_not_pulled(cluster: Cluster) -> None:
    pod = cluster.run(NAMESPACE, "foreign", "true", image="docker.io/arm64v8/busybox:1.37")
    cluster.event(pod, "Failed")
    messages = [event.message for event in cluster.events(pod)]  # that of the pull, and one that says no more
    ending = '"docker.io/arm64v8/busybox:1.37": no match for platform in manifest: not found'
    assert any(message.endswith(ending) for message in messages), messages


def test_a_command_that_the_image_does_not_have_is_told_in_the_containers_state(cluster: Cluster) -> None:
    pod = cluster.run(NAMESPACE, "bare", "true", image="registry.k8s.io/pause:3.10", restartPolicy="Never")
    ended = cluster.until_phase(NAMESPACE, "bare", "Failed").status.container_statuses[0].state.terminated
    assert (ended.exit_code, ended.reason) == (128, "StartError")
    assert ended.message.endswith(": no such file or directory: unknown")
    assert cluster.event(pod, "Failed").message == f"Error: {ended.message}"


def test_a_pod_whose_node_does_not_reach_the_api_waits_until_it_does(cluster: Cluster) -> None:
    cluster.data_plane.is_open = False
    pod = cluster.run(NAMESPACE, "shut-out", "sleep 600")
    failed = cluster.event(pod, "FailedScheduling")
    assert failed.source.component == "fargate-scheduler"
    assert failed.message == f"Pod provisioning timed out (will retry) for pod: {NAMESPACE}/shut-out"
    found = cluster.pod(NAMESPACE, "shut-out")
    assert (found.status.phase, found.spec.node_name) == ("Pending", None)
    cluster.data_plane.is_open = True
    cluster.until_phase(NAMESPACE, "shut-out", "Running")


def test_a_pod_outside_every_profile_stays_with_the_default_scheduler(cluster: Cluster) -> None:
    cluster.namespace(OUTSIDE)
    pod = cluster.run(OUTSIDE, "stranded", "sleep 600")
    failed = cluster.event(pod, "FailedScheduling")
    assert failed.source.component == "default-scheduler"
    assert "nodes are available" in failed.message or failed.message == "no nodes available to schedule pods"
    found = cluster.pod(OUTSIDE, "stranded")
    assert (found.status.phase, found.spec.scheduler_name, found.spec.node_name) == (
        "Pending",
        "default-scheduler",
        None,
    )
    scheduled = next(c for c in found.status.conditions if c.type == "PodScheduled")
    assert (scheduled.status, scheduled.reason) == ("False", "Unschedulable")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"hostNetwork": True}, "fields not supported: HostNetwork"),
        ({"nodeSelector": {"kubernetes.io/arch": "arm64"}}, "fields not supported: NodeSelector"),
        ({"container": {"securityContext": {"privileged": True}}}, "invalid SecurityContext fields: Privileged"),
        (
            {"container": {"securityContext": {"capabilities": {"add": ["NET_BIND_SERVICE", "CHOWN"]}}}},
            "invalid SecurityContext fields: Capabilities added: CHOWN",
        ),
        ({"container": {"ports": [{"containerPort": 1, "hostPort": 1}]}}, "port contains HostIP or HostPort"),
        (
            {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]},
            "volumes not supported: host is of an unsupported volume Type",
        ),
    ],
)
def test_what_fargate_does_not_support_it_says(cluster: Cluster, spec: dict[str, Any], message: str) -> None:
    name = "unsupported-" + re.sub("[^a-z]", "", message.lower())[:40]
    failed = cluster.event(cluster.run(NAMESPACE, name, "sleep 600", **spec), "FailedScheduling")
    assert failed.message == f"Pod not supported on Fargate: {message}"
    assert failed.source.component == "fargate-scheduler"


@pytest.mark.parametrize("compute_type", ["Fargate", "ec2"])
def test_coredns_as_eks_makes_it_runs_on_fargate_only_when_it_is_told_to(compute_type: str, cluster: Cluster) -> None:
    values = json.dumps({"computeType": compute_type, "podLabels": {"for": compute_type}})
    made = eks_coredns.deployment("eu-west-1", eks_addons.ADDON_VERSIONS["coredns"], values)
    created = cluster.apps.create_namespaced_deployment("kube-system", made)

    def pods() -> list[Any]:
        found = cluster.core.list_namespaced_pod("kube-system", label_selector=f"for={compute_type}").items
        return [pod for pod in found if pod.status.phase == ("Running" if compute_type == "Fargate" else "Pending")]

    def is_well() -> bool:
        found = cluster.client.sanitize_for_serialization(
            cluster.apps.read_namespaced_deployment("coredns", "kube-system")
        )
        return eks_coredns.has_its_replicas(found)

    try:
        if compute_type == "Fargate":
            cluster.until(is_well, "it has its replicas")
            assert len({pod.spec.node_name for pod in pods()}) == len(pods()) == eks_coredns.REPLICAS
        else:
            cluster.until(lambda: len(pods()) == eks_coredns.REPLICAS, "its pods are there")
            for pod in pods():
                assert cluster.event(pod, "FailedScheduling").source.component == "default-scheduler"
            assert not is_well()
    finally:
        cluster.apps.delete_namespaced_deployment("coredns", "kube-system", propagation_policy="Background")
        cluster.until(
            lambda: not cluster.core.list_namespaced_pod("kube-system", label_selector=f"for={compute_type}").items,
            f"nothing of {created.metadata.name} is left",
        )


def test_a_pod_that_ends_well_has_succeeded_and_its_log_remains(cluster: Cluster) -> None:
    cluster.run(NAMESPACE, "good", "echo result", restartPolicy="Never")
    status = cluster.until_phase(NAMESPACE, "good", "Succeeded").status
    ended = status.container_statuses[0].state.terminated
    assert (ended.exit_code, ended.reason) == (0, "Completed")
    assert ended.finished_at >= ended.started_at
    assert cluster.log(NAMESPACE, "good") == "result\n"


def test_init_containers_run_to_their_end_one_after_the_other_before_the_containers(cluster: Cluster) -> None:
    scratch = [{"name": "scratch", "mountPath": "/scratch"}]
    init = [
        {
            "name": name,
            "image": IMAGE,
            "command": ["/bin/sh", "-c", f"echo {name} >> /scratch/f"],
            "volumeMounts": scratch,
        }
        for name in ("first", "second")
    ]
    spec: dict[str, Any] = {"initContainers": init, "volumes": [{"name": "scratch", "emptyDir": {}}]}
    spec |= {"container": {"volumeMounts": scratch}, "restartPolicy": "Never"}
    cluster.run(NAMESPACE, "initialised", "cat /scratch/f", **spec)
    cluster.until_phase(NAMESPACE, "initialised", "Succeeded")
    assert cluster.log(NAMESPACE, "initialised") == "first\nsecond\n"
    spec["initContainers"] = [{**init[0], "command": ["false"]}]
    cluster.run(NAMESPACE, "not-initialised", "echo never", **spec)
    cluster.until_phase(NAMESPACE, "not-initialised", "Failed")


def test_a_pod_that_ends_badly_has_failed_with_its_exit_code(cluster: Cluster) -> None:
    cluster.run(NAMESPACE, "bad", "exit 42", restartPolicy="Never")
    status = cluster.until_phase(NAMESPACE, "bad", "Failed").status
    assert status.container_statuses[0].state.terminated.exit_code == 42


def test_a_crashing_container_is_restarted_with_back_off(cluster: Cluster) -> None:
    pod = cluster.run(NAMESPACE, "crash", "echo run; exit 1")

    seen: list[Any] = []

    def waits_again() -> bool:
        seen[:] = [cluster.pod(NAMESPACE, "crash").status]
        (container,) = seen[0].container_statuses or [None]
        return container is not None and container.restart_count >= 2 and container.state.waiting is not None

    cluster.until(waits_again, "it waits again after two restarts")
    (status,) = seen
    (container,) = status.container_statuses
    assert container.state.waiting.reason == "CrashLoopBackOff"
    assert container.last_state.terminated.exit_code == 1
    assert status.phase == "Running"
    assert cluster.event(pod, "BackOff").type == "Warning"
    cluster.core.delete_namespaced_pod("crash", NAMESPACE)
    cluster.gone(cluster.core.read_namespaced_pod, "crash", NAMESPACE)


@pytest.mark.parametrize("image", ["public.ecr.aws/docker/library/busybox:no-such-tag", "example.com/busybox:1.37"])
def test_an_image_the_registry_does_not_have_is_not_pulled(cluster: Cluster, image: str) -> None:
    name = f"image-{len(image)}"
    pod = cluster.run(NAMESPACE, name, "true", image=image)

    def waiting() -> str:
        statuses = cluster.pod(NAMESPACE, name).status.container_statuses
        return statuses[0].state.waiting.reason if statuses else ""

    cluster.until(lambda: waiting() == "ImagePullBackOff", "the pull is backed off")
    failed = [event.message for event in cluster.events(pod) if event.reason == "Failed"]
    assert any(message.startswith(f'Failed to pull image "{image}"') for message in failed)
    assert cluster.pod(NAMESPACE, name).status.phase == "Pending"


def test_an_image_whose_name_is_longer_than_any_may_be_is_not_even_looked_for(cluster: Cluster) -> None:
    image = "a" * 238
    pod = cluster.run(NAMESPACE, "too-long", "true", image=image)

    def waiting() -> str:
        statuses = cluster.pod(NAMESPACE, "too-long").status.container_statuses
        return statuses[0].state.waiting.reason if statuses else ""

    cluster.until(lambda: waiting() == "InvalidImageName", "the name is refused")
    said = {event.reason: event.message for event in cluster.events(pod)}
    assert said["InspectFailed"].endswith("repository name must not be more than 255 characters")
    assert said["Failed"] == "Error: InvalidImageName"


def test_the_environment_has_the_pods_own_fields_and_expanded_values(cluster: Cluster) -> None:
    field = "spec.nodeName"
    env = [
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": field}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "GREETING", "value": "hello $(NODE)"},
    ]
    container = {"env": env, "args": ["$(GREETING)"], "workingDir": "/tmp"}  # noqa: S108 - inside the container
    script = 'echo "$0"; echo "$HOSTNAME $IP"; pwd'
    cluster.run(NAMESPACE, "env", script, container=container, restartPolicy="Never")
    done = cluster.until_phase(NAMESPACE, "env", "Succeeded")
    expected = [f"hello {done.spec.node_name}", f"env {done.status.pod_ip}", "/tmp"]  # noqa: S108
    assert cluster.log(NAMESPACE, "env").splitlines() == expected


def test_a_pod_is_ready_only_once_its_readiness_probe_succeeds(cluster: Cluster) -> None:
    file = "/tmp/ready"  # noqa: S108 - inside the container
    probe = {"exec": {"command": ["test", "-e", file]}, "periodSeconds": 1}
    pod = cluster.run(NAMESPACE, "probed", "sleep 600", container={"readinessProbe": probe})
    cluster.until_phase(NAMESPACE, "probed", "Running")
    cluster.event(pod, "Unhealthy")

    def ready() -> bool:
        return any(c.type == "Ready" and c.status == "True" for c in cluster.pod(NAMESPACE, "probed").status.conditions)

    assert not ready()
    cluster.executed(NAMESPACE, "probed", "touch", file)
    cluster.until(ready, "the pod is ready")


def test_deletion_gives_the_command_its_grace_and_takes_the_node_along(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubelet, "_SHORTEST_GRACE_SECONDS", WAIT_SECONDS)  # at scale 0 a trap has a third of a second
    script = "trap 'echo bye; sleep 0.1; echo end; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    cluster.run(NAMESPACE, "graceful", script)
    cluster.until_phase(NAMESPACE, "graceful", "Running")
    cluster.until(lambda: cluster.log(NAMESPACE, "graceful") == "up\n", "the trap is set")
    node = cluster.pod(NAMESPACE, "graceful").spec.node_name
    following = cluster.core.read_namespaced_pod_log("graceful", NAMESPACE, follow=True, _preload_content=False)
    cluster.core.delete_namespaced_pod("graceful", NAMESPACE)
    assert following.read() == b"up\nbye\nend\n"
    cluster.gone(cluster.core.read_namespaced_pod, "graceful", NAMESPACE)
    cluster.gone(cluster.core.read_node, node)
    cluster.until(lambda: node not in {p.node_name for p in cluster.data_plane.placed}, "the address is free again")


def test_a_profile_that_is_deleted_takes_its_pods_along_and_no_others(cluster: Cluster) -> None:
    for name in ("leaving", "staying"):
        manifest = pod(name, "sleep 600")
        manifest["metadata"]["labels"] = {"profile": name}
        cluster.core.create_namespaced_pod(NAMESPACE, manifest)
        cluster.until_phase(NAMESPACE, name, "Running")
    cluster.simulator.evict("leaving")
    cluster.gone(cluster.core.read_namespaced_pod, "leaving", NAMESPACE)
    assert cluster.pod(NAMESPACE, "staying").metadata.deletion_timestamp is None


def test_pods_applied_together_start_together(cluster: Cluster) -> None:
    """None of them gets to its command before all of them have got to what comes before it."""
    together = cluster.namespace("together")
    cluster.provide_storage(together)
    mounts = [{"name": "data", "mountPath": "/data"}]
    meeting = "touch /data/$HOSTNAME; until [ $(ls /data | grep -c pod-) = 4 ]; do sleep 0.05; done"
    first = {"name": "first", "image": IMAGE, "command": ["/bin/sh", "-c", meeting], "volumeMounts": mounts}
    for number in range(4):
        cluster.run(together, f"pod-{number}", "sleep 600", data="efs", initContainers=[first])
    for number in range(4):
        cluster.until_phase(together, f"pod-{number}", "Running")
    assert cluster.pod(together, "pod-0").spec.containers[0].image == IMAGE


def test_a_pod_that_waits_for_its_node_is_told_from_one_that_nobody_schedules(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long that takes: the application makes pods again that are left to the default scheduler."""
    monkeypatch.setattr(Clock, "seconds", lambda _, real: 3600.0 if real == TYPICAL_SECONDS["pod"] else 0.0)
    cluster.run(NAMESPACE, "patient", "sleep 600")
    cluster.until(lambda: bool(cluster.pod(NAMESPACE, "patient").spec.node_name), "the pod is known to Fargate")
    assert cluster.pod(NAMESPACE, "patient").status.phase == "Pending"
