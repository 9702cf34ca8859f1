"""A cluster with simulated Fargate for tests: a data plane in memory, the official client, and waiting."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kubernetes
import kubernetes.stream

from local.clock import Clock
from local.kubernetes.fargate import FargateSimulator
from local.kubernetes.interfaces import ControlPlane, ControlPlanes, Mount, MountRefused, Placement

IMAGE = "public.ecr.aws/docker/library/busybox:1.37"
FILE_SYSTEM = "fs-0123456789abcdef0"
MOUNT_OPTIONS = "rw,relatime,vers=4.1,rsize=1048576,proto=tcp,port=20049"
TIMED_OUT = 'rpc error: code = Internal desc = Could not mount "fs-…": mount.nfs4: Connection timed out'
OUTSIDE = "no-profile"
ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
WAIT_SECONDS = 300.0  # a real binder looks again every 15 s, and other processes want the processors too


@dataclass
class MemoryDataPlane:
    """Every namespace but OUTSIDE has a profile; every mount is allowed unless `refusal` says why not."""

    directory: Path
    refusal: str | None = None
    is_open: bool = True
    """Whether nodes reach the cluster's API."""
    placed: set[Placement] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def place(self, namespace: str, labels: Mapping[str, str], vcpus: float) -> Placement | None:
        if namespace == OUTSIDE:
            return None
        number = next(self._numbers)
        address = f"192.168.{number // 250}.{number % 250 + 1}"
        name = f"fargate-ip-{address.replace('.', '-')}.eu-west-1.compute.internal"
        zone = number % len(ZONES)
        profile = labels.get("profile", "")
        placement = Placement(name, f"subnet-{zone}", ZONES[zone], f"euw1-az{zone + 1}", address, profile)
        self.placed.add(placement)
        return placement

    def release(self, placement: Placement) -> None:
        self.placed.remove(placement)

    def mount(self, placement: Placement, volume_handle: str, attributes: Mapping[str, str]) -> Mount:
        if self.refusal:
            raise MountRefused(self.refusal)
        directory = self.directory / volume_handle
        directory.mkdir(parents=True, exist_ok=True)
        return Mount(directory, "127.0.0.1:/", "nfs4", MOUNT_OPTIONS)

    def is_reached(self, placement: Placement) -> bool:
        return True

    def joins(self, placement: Placement) -> bool:
        return self.is_open

    def pull(self, placement: Placement, registry: str, path: str) -> None:
        """Every registry answers."""


@dataclass
class Cluster:
    """A running cluster, seen by its administrator."""

    client: Any
    data_plane: MemoryDataPlane
    simulator: FargateSimulator

    def __post_init__(self) -> None:
        self.core: Any = kubernetes.client.CoreV1Api(self.client)
        self.apps: Any = kubernetes.client.AppsV1Api(self.client)
        self.storage: Any = kubernetes.client.StorageV1Api(self.client)

    def namespace(self, name: str) -> str:
        with tolerated(409):
            self.core.create_namespace({"metadata": {"name": name}})
        return name

    def provide_storage(self, namespace: str, *, name: str = "efs", handle: str = FILE_SYSTEM) -> None:
        """The objects of a statically provisioned EFS volume; waits until the claim is bound."""
        with tolerated(409):
            self.storage.create_csi_driver({"metadata": {"name": "efs.csi.aws.com"}, "spec": {"attachRequired": False}})
        self.core.create_persistent_volume(volume(f"{namespace}-{name}", handle))
        self.core.create_namespaced_persistent_volume_claim(namespace, claim(name, volume_name=f"{namespace}-{name}"))
        self.until(lambda: self.claim_phase(namespace, name) == "Bound", "the claim is bound")

    def claim_phase(self, namespace: str, name: str) -> str:
        return str(self.core.read_namespaced_persistent_volume_claim(name, namespace).status.phase)

    def pod(self, namespace: str, name: str) -> Any:
        return self.core.read_namespaced_pod(name, namespace)

    def run(self, namespace: str, name: str, script: str, **spec: Any) -> Any:
        return self.core.create_namespaced_pod(namespace, pod(name, script, **spec))

    def until_phase(self, namespace: str, name: str, phase: str) -> Any:
        self.until(lambda: self.pod(namespace, name).status.phase == phase, f"{name} is {phase}")
        return self.pod(namespace, name)

    def execute(self, namespace: str, name: str, command: list[str], **options: Any) -> Any:
        """The session of a command in the pod."""
        # stream() replaces the client's request method for a while: a client of its own keeps the others working
        call = kubernetes.client.CoreV1Api(kubernetes.client.ApiClient(self.client.configuration))
        settings = {"stdin": False, "stdout": True, "stderr": True, "tty": False, "_preload_content": False, **options}
        return kubernetes.stream.stream(
            call.connect_get_namespaced_pod_exec, name, namespace, command=command, **settings
        )

    def executed(self, namespace: str, name: str, *command: str) -> None:
        """Returns once the command has succeeded in the pod."""
        session = self.execute(namespace, name, list(command))
        session.run_forever(timeout=WAIT_SECONDS)
        assert session.returncode == 0

    def log(self, namespace: str, name: str, **options: Any) -> str:
        return str(self.core.read_namespaced_pod_log(name, namespace, **options))

    def events(self, subject: Any) -> list[Any]:
        selector = f"involvedObject.uid={subject.metadata.uid}"
        return list(self.core.list_event_for_all_namespaces(field_selector=selector).items)

    def event(self, subject: Any, reason: str) -> Any:
        """Waits for the event."""
        found: list[Any] = []

        def look() -> bool:
            found[:] = [event for event in self.events(subject) if event.reason == reason]
            return bool(found)

        self.until(look, f"event {reason}", lambda: [(e.reason, e.message) for e in self.events(subject)])
        return found[0]

    def gone(self, read: Callable[..., Any], *arguments: str) -> None:
        def look() -> bool:
            with tolerated(404):
                read(*arguments)
                return False
            return True

        self.until(look, f"{arguments} is gone")

    def until(self, holds: Callable[[], bool], what: str, seen: Callable[[], object] = lambda: "") -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"not within {WAIT_SECONDS} s: {what} {seen()}"
            time.sleep(0.03)


@contextlib.contextmanager
def tolerated(code: int) -> Iterator[None]:
    try:
        yield
    except kubernetes.client.ApiException as error:
        if error.status != code:
            raise


@contextlib.contextmanager
def simulated(planes: ControlPlanes, plane: ControlPlane, client: Any, directory: Path) -> Iterator[Cluster]:
    """The cluster with its Fargate, at scale 0. Nodes of an earlier simulator are removed first."""
    data_plane = MemoryDataPlane(directory / "file-systems")
    owns_controllers = planes.name == "embedded"
    simulator = FargateSimulator(plane, data_plane, Clock(0), directory / "fargate", owns_controllers=owns_controllers)
    simulator.start()
    try:
        yield Cluster(client, data_plane, simulator)
    finally:
        simulator.stop()


def pod(name: str, script: str, *, data: str | None = None, **spec: Any) -> dict[str, Any]:
    """A pod of one busybox container; `data` is the claim mounted at /data."""
    container: dict[str, Any] = {"name": "app", "image": spec.pop("image", IMAGE), "command": ["/bin/sh", "-c", script]}
    container |= spec.pop("container", {})
    if data:
        container["volumeMounts"] = [{"name": "data", "mountPath": "/data"}, *container.get("volumeMounts", [])]
        spec.setdefault("volumes", []).append({"name": "data", "persistentVolumeClaim": {"claimName": data}})
    return {"metadata": {"name": name, "labels": {"app": name}}, "spec": {"containers": [container], **spec}}


def volume(name: str, handle: str = FILE_SYSTEM, **spec: Any) -> dict[str, Any]:
    csi = {"driver": spec.pop("driver", "efs.csi.aws.com"), "volumeHandle": handle}
    body = {"capacity": {"storage": "5Gi"}, "accessModes": ["ReadWriteMany"], "storageClassName": "efs-sc", "csi": csi}
    return {"metadata": {"name": name}, "spec": {**body, "persistentVolumeReclaimPolicy": "Retain", **spec}}


def claim(name: str, *, volume_name: str | None = None, **spec: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"accessModes": ["ReadWriteMany"], "storageClassName": "efs-sc"}
    body |= {"resources": {"requests": {"storage": "5Gi"}}, **({"volumeName": volume_name} if volume_name else {})}
    return {"metadata": {"name": name}, "spec": {**body, **spec}}
