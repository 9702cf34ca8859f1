"""The real control plane as a piece of equipment: it starts, authenticates, cleans up and never outlives us."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from local.control_plane.build import BuildError, build, find_assets
from local.kubernetes.certificates import client_context
from local.kubernetes.front_door import FrontDoor
from local.kubernetes.interfaces import ACCESS_POLICY_GROUP_PREFIX, KubernetesUser
from local.kubernetes.real import ControlPlaneError, RealControlPlane, RealControlPlanes
from local.wire import FATE, RESET, Answer, Exchange, Wire
from tests.kubernetes.manifests import NAMESPACED, PATHS, manifest

USERS: dict[str, KubernetesUser] = {
    "viewer": KubernetesUser("ann", "1", (f"{ACCESS_POLICY_GROUP_PREFIX}AmazonEKSViewPolicy",), {"arn": ("a",)}),
}


@pytest.fixture(scope="module")
def real(assets: Path) -> Iterator[RealControlPlane]:
    running = RealControlPlanes(assets).start("equipment", USERS.get)
    yield running
    running.stop()


def send(real: RealControlPlane, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
    pool = urllib3.PoolManager(ssl_context=client_context(real.ca_pem), retries=False)
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    response = pool.request(method, real.url + path, headers=headers, body=json.dumps(body) if body else None)
    return response.status, json.loads(response.data) if response.data[:1] == b"{" else response.data.decode()


def eventually(path: str, real: RealControlPlane, is_so: Any, seconds: float = 300) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        code, found = send(real, "GET", path, real.admin_token)
        if code == 200 and is_so(found):
            return found
        assert time.monotonic() < deadline, f"{path} did not become so: {code} {found}"
        time.sleep(0.05)


def test_it_serves_the_release_its_program_was_stamped_with(real: RealControlPlane, assets: Path) -> None:
    stamped = subprocess.run([assets / "kube-apiserver", "--version"], capture_output=True, text=True, check=True)
    _, version = send(real, "GET", "/version", real.admin_token)
    assert stamped.stdout.split() == ["Kubernetes", version["gitVersion"]]


def test_who_stands_at_the_door_sees_every_request_and_what_passes_is_the_same(real: RealControlPlane) -> None:
    wire, seen = Wire(), []

    def stand(exchange: Exchange) -> Answer:
        seen.append((exchange.call.name, exchange.caller))
        if len(seen) == 1:
            return exchange.refuse(429, "TooManyRequests", "slowly")
        return Answer(200, {FATE: RESET}) if len(seen) == 2 else exchange.perform()

    door = FrontDoor(real, wire)
    asked = urllib3.PoolManager(ssl_context=client_context(real.ca_pem), retries=False)

    def ask(path: str, token: str) -> tuple[int, Any]:
        answer = asked.request("GET", door.url + path, headers={"Authorization": f"Bearer {token}"})
        return answer.status, answer.json()

    try:
        pods = "/api/v1/namespaces/default/pods"
        assert ask(pods, "viewer")[1]["kind"] == "PodList"
        undo = wire.put_between(stand)
        assert ask(pods, "viewer")[0] == 429
        with pytest.raises(urllib3.exceptions.ProtocolError):
            ask(pods, "viewer")
        assert ask(f"{pods}/none", "viewer")[0] == 404
        assert ask(pods, "nobody")[0] == 401
        undo()
    finally:
        door.stop()
    names = ["list pods", "list pods", "get pods", "list pods"]
    assert seen == [(f"kubernetes:{name}", who) for name, who in zip(names, ["ann"] * 3 + [""], strict=True)]


def test_a_token_is_who_authenticate_says(real: RealControlPlane) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    code, answer = send(real, "POST", path, "viewer", review)
    assert code == 201
    user = answer["status"]["userInfo"]
    assert (user["username"], user["uid"], user["extra"]) == ("ann", "1", {"arn": ["a"]})
    assert set(user["groups"]) == {f"{ACCESS_POLICY_GROUP_PREFIX}AmazonEKSViewPolicy", "system:authenticated"}


def test_a_user_is_known_as_soon_as_an_access_entry_appears(real: RealControlPlane) -> None:
    assert send(real, "GET", "/api", "late")[0] == 401
    USERS["late"] = KubernetesUser("late", "2", (), {})
    try:
        assert send(real, "GET", "/api", "late")[0] == 200
    finally:
        del USERS["late"]


def test_without_a_token_only_health_is_told(real: RealControlPlane) -> None:
    assert send(real, "GET", "/readyz", "") == (200, "ok")
    assert send(real, "GET", "/version", "")[0] == 401


def test_the_view_policy_reads_from_the_first_moment_and_writes_nothing(real: RealControlPlane) -> None:
    assert send(real, "GET", "/api/v1/namespaces/default/pods", "viewer")[0] == 200
    assert send(real, "POST", PATHS["Namespace"], "viewer", manifest("Namespace", "n", ""))[0] == 403


def test_its_controllers_make_pods_of_deployments_and_bind_claims(real: RealControlPlane) -> None:
    for kind, name in (("PersistentVolume", "efs-pv"), ("PersistentVolumeClaim", "efs-claim"), ("Deployment", "w")):
        path = PATHS[kind].replace("{name}", "default")
        assert send(real, "POST", path, real.admin_token, manifest(kind, name, "default"))[0] == 201
    claims = NAMESPACED["PersistentVolumeClaim"].replace("{name}", "default")
    eventually(f"{claims}/efs-claim", real, lambda claim: claim["status"]["phase"] == "Bound")
    pods = NAMESPACED["Pod"].replace("{name}", "default")
    eventually(pods, real, lambda found: len(found["items"]) == 1)
    deployments = NAMESPACED["Deployment"].replace("{name}", "default")
    assert send(real, "DELETE", f"{deployments}/w", real.admin_token)[0] == 200
    eventually(pods, real, lambda found: not found["items"])


def test_a_deleted_namespace_goes_with_what_is_in_it(real: RealControlPlane) -> None:
    send(real, "POST", PATHS["Namespace"], real.admin_token, manifest("Namespace", "gone", ""))
    events = NAMESPACED["Event"].replace("{name}", "gone")
    send(real, "POST", events, real.admin_token, manifest("Event", "e", "gone"))
    send(real, "DELETE", "/api/v1/namespaces/gone", real.admin_token)
    eventually(PATHS["Namespace"], real, lambda found: "gone" not in [n["metadata"]["name"] for n in found["items"]])
    assert send(real, "GET", events, real.admin_token)[1]["items"] == []


def test_stop_leaves_no_process_no_directory_and_a_free_port(assets: Path, tmp_path: Path) -> None:
    running = RealControlPlanes(assets, tmp_path).start("short", USERS.get)
    port = int(running.url.rsplit(":", 1)[1])
    programs = [program.process for program in running._programs]
    running.stop()
    assert [program.returncode for program in programs] == [-signal.SIGKILL] * 3, "none was asked, and waited for"
    assert list(tmp_path.iterdir()) == []
    again = RealControlPlanes(assets, tmp_path).start("short", USERS.get, port=port)
    assert again.url.endswith(f":{port}")
    again.stop()


def test_a_program_that_fails_is_named_with_the_end_of_its_log(assets: Path, tmp_path: Path) -> None:
    wrong = RealControlPlanes(assets, tmp_path, controllers=("no-such-controller",))
    with pytest.raises(ControlPlaneError, match="kube-controller-manager ended with 1") as raised:
        wrong.start("failing", USERS.get)
    assert "no-such-controller" in str(raised.value)
    assert [log.name for log in tmp_path.glob("*/kube-controller-manager.log")]


def test_it_survives_the_thread_that_started_it_but_not_a_killed_process(tmp_path: Path) -> None:
    program = """
import os, sys, threading, time, pathlib
from local.control_plane.build import find_assets
from local.kubernetes.real import RealControlPlanes
planes = RealControlPlanes(find_assets(), pathlib.Path(sys.argv[1]))
made = []
thread = threading.Thread(target=lambda: made.append(planes.start("orphan", lambda token: None)))
thread.start(); thread.join(); time.sleep(0.5)
programs = made[0]._programs
assert all(program.process.poll() is None for program in programs), "died with the thread"
print(*[program.process.pid for program in programs], flush=True)
time.sleep(600)
"""
    child = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout
    pids = [int(pid) for pid in child.stdout.readline().split()]
    assert len(pids) == 3
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    deadline = time.monotonic() + 300
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < deadline, "a program outlived the process that started it"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    """False for a zombie too: in a container nobody may be there to reap it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_two_builds_at_a_time_give_one_result(assets: Path) -> None:
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(build())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [assets, assets]


def test_assets_without_a_controller_manager_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "kube-apiserver").touch()
    (tmp_path / "etcd").touch()
    with pytest.raises(BuildError, match="lacks kube-controller-manager"):
        find_assets({"KUBEBUILDER_ASSETS": str(tmp_path)})


def test_an_empty_cache_has_no_assets(tmp_path: Path) -> None:
    assert find_assets({"XDG_CACHE_HOME": str(tmp_path)}) is None
