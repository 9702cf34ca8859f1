"""Logs and exec reach a pod on Fargate through the cluster's API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import kubernetes
import pytest

from local.kubernetes.interfaces import ControlPlane, ControlPlanes
from tests.kubernetes.fargate_support import WAIT_SECONDS, Cluster, simulated

NAMESPACE = "access"


@pytest.fixture(scope="module")
def cluster(
    control_planes: ControlPlanes, control_plane: ControlPlane, api: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    with simulated(control_planes, control_plane, api, tmp_path_factory.mktemp("access")) as running:
        running.namespace(NAMESPACE)
        running.run(NAMESPACE, "shell", "echo one; echo two; sleep 600")
        running.until_phase(NAMESPACE, "shell", "Running")
        running.until(lambda: running.log(NAMESPACE, "shell") == "one\ntwo\n", "it has written")
        yield running


def executed(cluster: Cluster, command: list[str], **options: Any) -> Any:
    return cluster.execute(NAMESPACE, "shell", command, **options)


def test_logs_can_be_cut_and_stamped(cluster: Cluster) -> None:
    assert cluster.log(NAMESPACE, "shell", tail_lines=1) == "two\n"
    assert cluster.log(NAMESPACE, "shell", limit_bytes=5) == "one\nt"
    assert cluster.log(NAMESPACE, "shell", since_seconds=3600) == "one\ntwo\n"
    stamps = [line.split(" ", 1)[0] for line in cluster.log(NAMESPACE, "shell", timestamps=True).splitlines()]
    assert [stamp[-1] for stamp in stamps] == ["Z", "Z"]
    assert stamps == sorted(stamps)


def test_followed_logs_arrive_while_the_container_writes_and_end_with_it(cluster: Cluster) -> None:
    told = "/tmp/told"  # noqa: S108 - inside the container
    script = f"echo 1; until [ -e {told} ]; do sleep 0.05; done; echo 2; echo 3"
    cluster.run(NAMESPACE, "talker", script, restartPolicy="Never")
    cluster.until_phase(NAMESPACE, "talker", "Running")
    followed = cluster.core.read_namespaced_pod_log("talker", NAMESPACE, follow=True, _preload_content=False)
    lines = iter(followed)
    assert next(lines) == b"1\n"
    cluster.executed(NAMESPACE, "talker", "touch", told)
    assert b"".join(lines) == b"2\n3\n"
    cluster.until_phase(NAMESPACE, "talker", "Succeeded")


def test_exec_gives_output_errors_and_the_exit_code(cluster: Cluster) -> None:
    session = executed(cluster, ["/bin/sh", "-c", "echo out; echo err >&2; exit 7"])
    session.run_forever(timeout=WAIT_SECONDS)
    assert (session.read_stdout(), session.read_stderr(), session.returncode) == ("out\n", "err\n", 7)
    session = executed(cluster, ["true"])
    session.run_forever(timeout=WAIT_SECONDS)
    assert session.returncode == 0


def test_exec_passes_input_on(cluster: Cluster) -> None:
    session = executed(cluster, ["/bin/sh", "-c", "read line; echo got $line"], stdin=True)
    session.write_stdin("this\n")
    session.run_forever(timeout=WAIT_SECONDS)
    assert (session.read_stdout(), session.returncode) == ("got this\n", 0)


def test_exec_with_a_terminal_talks_through_one(cluster: Cluster) -> None:
    session = executed(cluster, ["/bin/sh", "-c", "test -t 0 && echo terminal; exit 3"], tty=True, stdin=True)
    session.run_forever(timeout=WAIT_SECONDS)
    assert (session.read_stdout().strip(), session.returncode) == ("terminal", 3)


def test_logs_of_a_pod_that_does_not_run_yet_are_refused(cluster: Cluster) -> None:
    cluster.run(NAMESPACE, "no-image", "true", image="example.com/none:1")
    cluster.until(lambda: bool(cluster.pod(NAMESPACE, "no-image").status.container_statuses), "the kubelet has it")
    with pytest.raises(kubernetes.client.ApiException) as refused:
        cluster.log(NAMESPACE, "no-image")
    assert refused.value.status == 400
