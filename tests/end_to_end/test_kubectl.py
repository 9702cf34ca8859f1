"""The unmodified `kubectl` on a cluster that `make serve` has made, with the proven claim in people's own pods."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.end_to_end.commands import (
    CONTROL_PLANE,
    KUBECTL,
    LAMBDA_FUNCTION,
    PATIENCE_SECONDS,
    Done,
    Serve,
    options,
    running,
    start_serve,
    still_running,
    until,
)
from tests.end_to_end.conftest import KINDS

GREETING = "hello from the writer"
WRITE = f"echo {GREETING} > /data/greeting.txt; echo wrote; i=0; while sleep 0.2; do i=$((i+1)); echo line $i; done"
WAITING = "--timeout=240s"
"""For what takes a moment, on however busy a machine; less than a command may take."""
READ = "cat /data/greeting.txt; ls /data"


@dataclass(frozen=True)
class Kubectl:
    serve: Serve
    kubeconfig: Path
    folder: Path

    def __call__(self, *arguments: str | Path, stdin: str = "", ok: bool = True, **environment: str) -> Done:
        assert KUBECTL, "these tests are not collected without it"
        return self.serve.run(KUBECTL, *arguments, stdin=stdin, ok=ok, environment=self.environment | environment)

    @property
    def environment(self) -> dict[str, str]:
        return {"KUBECONFIG": str(self.kubeconfig)}

    def apply(self, manifest: dict[str, Any]) -> str:
        file = self.folder / f"{manifest['kind']}-{manifest['metadata']['name']}.yaml"
        file.write_text(yaml.safe_dump(manifest))
        return self("apply", "-f", file).output.strip()

    def wait(self, target: str, condition: str) -> None:
        self("wait", f"--for={condition}", target, WAITING)


def pod(name: str, command: str) -> dict[str, Any]:
    container = {
        "name": "app",
        "image": "busybox",
        "command": ["sh", "-c", command],
        "volumeMounts": [{"name": "efs", "mountPath": "/data"}],
    }
    spec = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "containers": [container],
        "volumes": [{"name": "efs", "persistentVolumeClaim": {"claimName": "efs-claim"}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


def deployment(name: str, command: str) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "app", "image": "busybox", "command": ["sh", "-c", command]}
    template = {"metadata": {"labels": labels}, "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


@pytest.fixture(scope="module")
def as_people_do(served: Serve, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """With the kubeconfig that `aws` writes: `aws eks get-token` runs for every command."""
    served.run("aws", "eks", "update-kubeconfig", "--name", "eks-example")
    return Kubectl(served, Path(served.environment["KUBECONFIG"]), tmp_path_factory.mktemp("manifests"))


@pytest.fixture(scope="module")
def kubectl(served: Serve, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    return _with_a_token(served, tmp_path_factory.mktemp("kubectl"))


@pytest.fixture(scope="module")
def writer(kubectl: Kubectl) -> Iterator[str]:
    assert kubectl.apply(pod("writer", WRITE)) == "pod/writer created"
    kubectl.wait("pod/writer", "condition=Ready")
    yield "writer"
    assert 'pod "writer" deleted' in kubectl("delete", "pod", "writer").output
    assert kubectl("get", "pod", "writer", ok=False).errors == 'Error from server (NotFound): pods "writer" not found\n'


def test_kubectl_signs_in_with_the_kubeconfig_that_aws_writes(as_people_do: Kubectl) -> None:
    listing = as_people_do("get", "storageclass,persistentvolume,persistentvolumeclaim").output
    (volume,) = (line for line in listing.splitlines() if line.startswith("persistentvolume/"))
    assert volume.split()[:7] == [
        "persistentvolume/efs-pv",
        "5Gi",
        "RWX",
        "Retain",
        "Bound",
        "default/efs-claim",
        "efs-sc",
    ]


def test_may_i_is_answered(kubectl: Kubectl) -> None:
    assert kubectl("auth", "can-i", "create", "pods").output == "yes\n"
    assert kubectl("auth", "can-i", "*", "*").output == "yes\n"
    assert kubectl("auth", "can-i", "get", "/metrics").output == "yes\n"


def test_what_one_pod_writes_into_the_proven_claim_another_reads(kubectl: Kubectl, writer: str) -> None:
    kubectl.apply(pod("reader", READ))
    kubectl.wait("pod/reader", "jsonpath={.status.phase}=Succeeded")
    assert kubectl("logs", "reader").output.splitlines() == [GREETING, "greeting.txt"]
    nodes = kubectl("get", "pods", "writer", "reader", "-o", "jsonpath={.items[*].spec.nodeName}").output.split()
    assert len(set(nodes)) == 2
    assert 'pod "reader" deleted' in kubectl("delete", "pod", "reader").output


def test_applying_the_same_again_changes_nothing(kubectl: Kubectl, writer: str) -> None:
    assert kubectl.apply(pod("writer", WRITE)) == "pod/writer unchanged"


def test_tables_are_wide_when_asked(kubectl: Kubectl, writer: str) -> None:
    heading, row = kubectl("get", "pod", "writer", "-o", "wide").output.splitlines()
    assert heading.split()[:7] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]
    assert row.split()[:4] == ["writer", "1/1", "Running", "0"]
    assert row.split()[6].startswith("fargate-ip-")


def test_yaml_and_json_show_the_same_object(kubectl: Kubectl, writer: str) -> None:
    as_json = json.loads(kubectl("get", "pod", "writer", "-o", "json").output)
    as_yaml = yaml.safe_load(kubectl("get", "pod", "writer", "-o", "yaml").output)
    assert as_json["metadata"]["uid"] == as_yaml["metadata"]["uid"]
    assert as_yaml["spec"]["containers"] == as_json["spec"]["containers"]
    assert as_yaml["status"]["phase"] == "Running"


def test_describe_shows_mounts_and_events(kubectl: Kubectl, writer: str) -> None:
    described = kubectl("describe", "pod", "writer").output
    assert "/data from efs (rw)" in described
    assert "Successfully assigned default/writer to fargate-ip-" in described
    assert "Started container app" in described
    assert "Used By:" in (claim := kubectl("describe", "pvc", "efs-claim").output)
    assert "writer" in claim
    assert "fs-" in kubectl("describe", "pv", "efs-pv").output
    node = kubectl("get", "pod", "writer", "-o", "jsonpath={.spec.nodeName}").output
    assert "eks.amazonaws.com/compute-type=fargate" in kubectl("describe", "node", node).output


def test_events_can_be_listed(kubectl: Kubectl, writer: str) -> None:
    lines = kubectl("get", "events", "--field-selector", "involvedObject.name=writer").output.splitlines()
    assert lines[0].split() == ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert {"Scheduled", "Pulled", "Started"} <= {line.split()[2] for line in lines[1:]}


def test_logs_follow_a_running_pod(kubectl: Kubectl, writer: str) -> None:
    assert kubectl("logs", "writer", "--tail", "1").output.startswith("line ")
    command = [str(KUBECTL), "logs", "--follow", "writer"]
    with subprocess.Popen(
        command, env={**kubectl.serve.environment, **kubectl.environment}, stdout=subprocess.PIPE, text=True
    ) as following:
        assert following.stdout is not None
        lines = [following.stdout.readline() for _ in range(5)]
        before = int(kubectl("logs", "writer", "--tail", "1").output.split()[1])
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (line := following.stdout.readline()) and int(line.split()[1]) <= before:
            assert time.monotonic() < deadline, "nothing new came"
        following.kill()
    assert lines == ["wrote\n", *(f"line {number}\n" for number in range(1, 5))]
    assert int(line.split()[1]) == before + 1


def test_exec_passes_on_output_errors_input_and_the_exit_code(kubectl: Kubectl, writer: str) -> None:
    assert kubectl("exec", "writer", "--", "cat", "/data/greeting.txt").output == f"{GREETING}\n"
    failed = kubectl("exec", "writer", "--", "sh", "-c", "echo on stderr >&2; exit 7", ok=False)
    assert (failed.exit_code, failed.output, failed.errors.splitlines()[0]) == (7, "", "on stderr")
    copied = kubectl("exec", "--stdin", "writer", "--", "tee", "/data/copy.txt", stdin="typed in\n" * 1000)
    assert copied.output == "typed in\n" * 1000
    counted = kubectl("exec", "writer", "--", "sh", "-c", "wc -l < /data/copy.txt; rm /data/copy.txt")
    assert counted.output.strip() == "1000"


def test_labels_and_patches_change_an_object(kubectl: Kubectl, writer: str) -> None:
    kubectl("label", "pod", "writer", "team=storage")
    kubectl("patch", "pod", "writer", "--patch", '{"metadata": {"annotations": {"note": "patched"}}}')
    shown = kubectl("get", "pods", "--selector", "team=storage", "-o", "jsonpath={.items[*].metadata.annotations.note}")
    assert shown.output == "patched"


def test_a_deployment_rolls_out_and_again_after_an_edit(kubectl: Kubectl) -> None:
    assert kubectl.apply(deployment("web", "sleep 1000")) == "deployment.apps/web created"
    kubectl("rollout", "status", "deployment/web", WAITING)
    first = _pods_of(kubectl, "web")
    kubectl("edit", "deployment", "web", KUBE_EDITOR="sed -i 's/sleep 1000/sleep 2000/'")
    kubectl("rollout", "status", "deployment/web", WAITING)
    kubectl("wait", "--for=delete", *(f"pod/{name}" for name in first), WAITING)
    second = _pods_of(kubectl, "web")
    assert len(first) == len(second) == 2
    assert not first & second
    commands = kubectl(
        "get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].spec.containers[0].command[2]}"
    ).output
    assert commands == "sleep 2000 sleep 2000"
    assert 'deployment.apps "web" deleted' in kubectl("delete", "deployment", "web").output
    kubectl("wait", "--for=delete", "pod", "--selector=app=web", WAITING)
    assert _pods_of(kubectl, "web") == set()


def test_a_deployment_is_scaled_restarted_and_rolled_back(kubectl: Kubectl) -> None:
    kubectl.apply(deployment("scaled", "sleep 1000"))
    scaled = kubectl("scale", "deployment/scaled", "--replicas=3", "--current-replicas=2").output
    assert scaled == "deployment.apps/scaled scaled\n"
    kubectl("rollout", "status", "deployment/scaled", WAITING)
    assert len(_pods_of(kubectl, "scaled")) == 3
    refused = kubectl("scale", "deployment/scaled", "--replicas=9", "--current-replicas=7", ok=False)
    assert "Expected replicas to be 7, was 3" in refused.errors
    shown = kubectl("get", "deployment", "scaled", "--subresource=scale").output.splitlines()
    assert [line.split()[:3] for line in shown] == [["NAME", "DESIRED", "AVAILABLE"], ["scaled", "3", "3"]]
    kubectl("scale", "deployment", "scaled", "--replicas=1")
    kubectl.wait("deployment/scaled", "jsonpath={.status.replicas}=1")
    (first,) = _revisions(kubectl)
    kubectl("rollout", "restart", "deployment/scaled")
    kubectl("rollout", "status", "deployment/scaled", WAITING)
    assert _revisions(kubectl) == [first, "2"]
    kubectl("rollout", "undo", "deployment/scaled")
    kubectl("rollout", "status", "deployment/scaled", WAITING)
    assert _revisions(kubectl) == ["2", "3"]
    kubectl("delete", "deployment", "scaled")


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_of_a_serve_that_is_killed(tmp_path: Path, kind: str) -> None:
    serve = start_serve(options(kind, tmp_path), tmp_path)
    try:
        run = serve.wait_for(serve.start_provisioning(verification={"writers": 1, "lines_per_writer": 1}))
        assert (run["status"], run.get("cause")) == ("SUCCEEDED", None)
        people = _with_a_token(serve, tmp_path)
        people.apply(pod("sleeper", "sleep 31415"))
        people.wait("pod/sleeper", "condition=Ready")
        wanted = [LAMBDA_FUNCTION, re.compile(r"^sleep 31415"), *CONTROL_PLANE[kind]]
        # A container is started before its shell has become `sleep`.
        processes = until(lambda: running(serve, wanted), "one process of each sort")
        serve.end(signal.SIGKILL)
        until(lambda: not still_running(processes), "every process to end")
    finally:
        serve.process.kill()


def _with_a_token(serve: Serve, folder: Path) -> Kubectl:
    """With a token from `aws eks get-token` in the kubeconfig, which saves a second per command."""
    serve.run("aws", "eks", "update-kubeconfig", "--name", "eks-example")
    config = yaml.safe_load(Path(serve.environment["KUBECONFIG"]).read_text())
    token = serve.aws("eks", "get-token", "--cluster-name", "eks-example")["status"]["token"]
    config["users"][0]["user"] = {"token": token}
    kubeconfig = folder / "kubeconfig-with-token"
    kubeconfig.write_text(yaml.safe_dump(config))
    return Kubectl(serve, kubeconfig, folder)


def _revisions(kubectl: Kubectl) -> list[str]:
    history = kubectl("rollout", "history", "deployment/scaled").output.splitlines()
    return [line.split()[0] for line in history if line[:1].isdigit()]


def _pods_of(kubectl: Kubectl, app: str) -> set[str]:
    return set(kubectl("get", "pods", "-l", f"app={app}", "-o", "jsonpath={.items[*].metadata.name}").output.split())
