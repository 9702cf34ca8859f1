"""A small cluster in memory that behaves: apply, selectors, deletion, and pods that do what their role says.

It knows the scripts only by what they promise (tests/unit/kubernetes/test_scripts.py runs them). Switches make it
misbehave one way each.
"""

import copy
import hashlib
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioner.errors import ErrorReason, TerminalError
from provisioner.kubernetes.client import Manifest
from provisioner.kubernetes.errors import AccessNotYetEffective
from provisioner.kubernetes.verification_objects import ROLE_LABEL

TIME = "2026-01-02T03:04:05Z"
NFS = "127.0.0.1:/ /data nfs4 rw,relatime,vers=4.1 0 0"
OVERLAY = "overlay / overlay rw 0 0"
IMMUTABLE = {
    "CSIDriver": ("spec.attachRequired",),
    "PersistentVolume": ("spec.csi", "spec.volumeMode"),
    "PersistentVolumeClaim": ("spec.storageClassName", "spec.volumeName", "spec.volumeMode", "spec.accessModes"),
    "StorageClass": ("provisioner",),
}
CLUSTER_SCOPED = {"Namespace", "Node", "PersistentVolume", "CSIDriver", "StorageClass"}


@dataclass
class Disk:
    """The shared file system: absolute path -> content; and what each claim's mount shows of it, else its root."""

    files: dict[str, bytes] = field(default_factory=dict)
    roots: dict[tuple[str, str], str] = field(default_factory=dict)  # namespace and name of the claim -> directory

    def seen_by(self, pod: Manifest) -> "Directory":
        return Directory(self.files, self.roots.get(claim_of(pod), ""))


@dataclass(frozen=True)
class Directory:
    disk: dict[str, bytes]
    path: str

    def within(self, name: str) -> "Directory":
        return Directory(self.disk, f"{self.path}/{name}")

    def get(self, name: str) -> bytes | None:
        return self.disk.get(f"{self.path}/{name}")

    def put(self, name: str, content: bytes) -> None:
        self.disk[f"{self.path}/{name}"] = content

    def files(self) -> dict[str, bytes]:
        prefix = f"{self.path}/"
        return {path.removeprefix(prefix): each for path, each in sorted(self.disk.items()) if path.startswith(prefix)}

    def clear(self) -> None:
        for name in self.files():
            del self.disk[f"{self.path}/{name}"]


@dataclass
class FakeCluster:
    disk: Disk = field(default_factory=Disk)
    mount: str = NFS
    access_after_calls: int = 0
    ticks_to_run: int = 1
    held_pods: set[str] = field(default_factory=set)  # roles whose first pod the default scheduler holds
    refused_mount: str | None = None
    failing_roles: set[str] = field(default_factory=set)
    blind_roles: set[str] = field(default_factory=set)  # that read nothing, whatever is there
    unmountable: set[tuple[str, str]] = field(default_factory=set)  # namespaces and names of claims
    one_node: bool = False
    locks: bool = True  # without, every writer's last increments overwrite the others'
    binds: bool = True
    voices: dict[str, Callable[[str], str]] = field(default_factory=dict)  # role -> what its image prints instead
    images: dict[str, str] = field(default_factory=dict)  # role -> the digest of what it ran
    objects: dict[tuple[str, str | None, str], Manifest] = field(default_factory=dict)
    printed: dict[str, str] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    overs: list[tuple[str, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})

    # ---- KubernetesApi ----
    def presented_certificate(self) -> str:
        return "CN=kube-apiserver issued by CN=Example Corp"

    def get(self, kind: str, name: str, namespace: str | None = None) -> Manifest | None:
        self._admit()
        return copy.deepcopy(self.objects.get((kind, None if kind in CLUSTER_SCOPED else namespace, name)))

    def list(
        self, kind: str, namespace: str | None = None, *, labels: str | None = None, fields: str | None = None
    ) -> list[Manifest]:
        self._admit()
        found = [
            each for (a_kind, where, _), each in self.objects.items() if a_kind == kind and namespace in (None, where)
        ]
        found = [each for each in found if _selected(labels, each["metadata"].get("labels", {}))]
        if fields:
            path, _, value = fields.partition("=")
            found = [each for each in found if _at(each, path) == value]
        return copy.deepcopy(found)

    def apply(self, manifest: Manifest, *, over: Manifest | None = None) -> Manifest:
        self._admit()
        key = _key(manifest)
        self.overs.append((manifest["kind"], over is not None))
        current = self.objects.get(key)
        if current is None:
            return copy.deepcopy(self.put(manifest))
        wanted = _merged(current, manifest)
        if wanted != current:
            _require_mutable(current, wanted)
            self.objects[key] = wanted
            self._touch(wanted, "change")
        return copy.deepcopy(self.objects[key])

    def patch(self, manifest: Manifest, changes: Mapping[str, Any]) -> Manifest:
        self._admit()
        current = self.objects[_key(manifest)]
        for part, values in changes.items():
            current[part] = {name: value for name, value in {**current[part], **values}.items() if value is not None}
        current.get("status", {}).update(phase="Available")
        self._touch(current, "patch")
        return copy.deepcopy(current)

    def delete(self, manifest: Manifest) -> None:
        self._admit()
        current = self.objects.get(_key(manifest))
        if current is None:
            return
        self.changes.append(f"delete {current['kind']} {current['metadata']['name']}")
        if current["kind"] == "Pod" and current.get("status", {}).get("phase") == "Running":
            current["metadata"]["deletionTimestamp"] = TIME  # gone with the next tick
        else:
            del self.objects[_key(manifest)]

    def logs(self, pod: Manifest) -> str:
        self._admit()
        return self.printed.get(pod["metadata"]["uid"], "")

    # ---- what the cluster does by itself ----
    def tick(self) -> None:
        """One wait of the state machine."""
        deployments = [each for (kind, _, _), each in self.objects.items() if kind == "Deployment"]
        for key, pod in list(self.objects.items()):
            if key[0] != "Pod":
                continue
            owner = pod["metadata"].get("ownerReferences", [{}])[0].get("name")
            orphaned = owner is not None and owner not in {each["metadata"]["name"] for each in deployments}
            if "deletionTimestamp" in pod["metadata"] or orphaned:
                del self.objects[key]
        for deployment in deployments:
            self._reconcile(deployment)
        for key, pod in list(self.objects.items()):
            if key[0] == "Pod" and ROLE_LABEL in pod["metadata"]["labels"]:
                self._live(pod)

    def put(self, manifest: Manifest) -> Manifest:
        created = copy.deepcopy(manifest)
        number = next(self._numbers)
        created["metadata"] = {"uid": f"uid-{number}", "creationTimestamp": TIME, **created["metadata"]}
        if created["kind"] == "Pod":
            role = created["metadata"]["labels"].get(ROLE_LABEL)
            held = role in self.held_pods
            self.held_pods.discard(str(role))
            created["spec"]["schedulerName"] = "default-scheduler" if held else "fargate-scheduler"
            created["status"] = {"phase": "Pending", "age": 0}
        if created["kind"] == "PersistentVolumeClaim":
            created["status"] = {"phase": "Bound" if self.binds else "Pending"}
        if created["kind"] == "PersistentVolume":
            created["status"] = {"phase": "Available"}
        self.objects[_key(created)] = created
        self._touch(created, "create")
        return created

    def kinds(self) -> set[str]:
        return {kind for kind, _, _ in self.objects}

    def versions(self) -> dict[str, str]:
        return {f"{kind} {name}": each["metadata"]["resourceVersion"] for (kind, _, name), each in self.objects.items()}

    def _reconcile(self, deployment: Manifest) -> None:
        name, namespace = deployment["metadata"]["name"], deployment["metadata"]["namespace"]
        labels = deployment["spec"]["selector"]["matchLabels"]
        own = [
            each
            for (kind, _, _), each in self.objects.items()
            if kind == "Pod" and each["metadata"]["labels"].items() >= labels.items()
        ]
        for _ in range(deployment["spec"]["replicas"] - len(own)):
            template = deployment["spec"]["template"]
            metadata = {
                **copy.deepcopy(template["metadata"]),
                "name": f"{name}-{next(self._numbers)}",
                "namespace": namespace,
                "ownerReferences": [{"kind": "ReplicaSet", "name": name}],
            }
            self.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})

    def _live(self, pod: Manifest) -> None:
        status, spec, metadata = pod["status"], pod["spec"], pod["metadata"]
        if status["phase"] != "Pending" or spec["schedulerName"] == "default-scheduler":
            return
        status["age"] += 1
        if self.refused_mount or claim_of(pod) in self.unmountable:
            self.warn(pod, "FailedMount", self.refused_mount or "no")
            return
        if status["age"] <= self.ticks_to_run:
            return
        spec["nodeName"] = "fargate-one" if self.one_node else f"fargate-{metadata['uid']}"
        self.put(
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {
                    "name": spec["nodeName"],
                    "uid": f"uid-{spec['nodeName']}",
                    "labels": {"topology.kubernetes.io/zone": "eu-west-1a"},
                },
            }
        )
        role = metadata["labels"][ROLE_LABEL]
        failed = role in self.failing_roles
        self.printed[metadata["uid"]] = "sh: /data: Permission denied\n" if failed else self._work(role, pod)
        self.printed[metadata["uid"]] = self.voices.get(role, str)(self.printed[metadata["uid"]])
        stays = role == "writer"
        state: dict[str, Any] = {"running": {"startedAt": TIME}}
        if not stays:
            state = {"terminated": {"startedAt": TIME, "finishedAt": TIME, "exitCode": int(failed)}}
        pod["status"] = {
            "phase": "Running" if stays else "Failed" if failed else "Succeeded",
            "conditions": [
                {"type": "PodScheduled", "status": "True", "lastTransitionTime": TIME},
                {"type": "Ready", "status": str(stays)},
            ],
            "containerStatuses": [
                {
                    "name": "verification",
                    "imageID": f"example/busybox@sha256:{self.images.get(role, 'ab' * 32)}",
                    "state": state,
                }
            ],
        }

    def _work(self, role: str, pod: Manifest) -> str:
        given = {each["name"]: each.get("value") for each in pod["spec"]["containers"][0]["env"]}
        name, lines = pod["metadata"]["name"], int(given["LINE_COUNT"])
        data = self.disk.seen_by(pod)
        own = data.within(f".verification/{given['RUN']}")
        text: list[str] = []
        listing: list[str] = []
        looked: list[str] = []
        files: dict[str, bytes] = {}
        if role == "writer":
            content = "".join(f"{given['NONCE']} {name} {number + 1}\n" for number in range(lines)).encode()
            files = {f"{name}.txt": content}
            own.put(f"{name}.txt", content)
            increments = int(given["INCREMENT_COUNT"])
            counted = int(own.get("counter") or b"0") if self.locks else 0
            own.put("counter", b"%d\n" % (counted + increments))
        elif role == "appender":
            text = [f"Fri Jan  2 03:04:0{number} UTC 2026 {given['RUN']}" for number in range(lines)]
            files = {"out.txt": "".join(f"{line}\n" for line in text).encode()}
            own.put("out.txt", files["out.txt"])
        elif role == "neighbour":
            for place in given["PLACES"].splitlines():
                there = None if role in self.blind_roles else data.get(place)
                looked.append(
                    f"unread {place}" if there is None else f"read {hashlib.sha256(there).hexdigest()} {place}"
                )
        else:
            files = own.files()
            text = files.get("out.txt", b"").decode(errors="replace").splitlines()
            listing = ["total 8", *(f"-rw-r--r-- 1 root root 7 Jan  2 03:04 {name}" for name in files)]
            own.clear()
        return "\n".join(
            [
                *(f"mount {line}" for line in (OVERLAY, self.mount)),
                *(f"text {line}" for line in text),
                *(file_line(name, content) for name, content in files.items()),
                *(f"listing {line}" for line in listing),
                *(f"counter {files['counter'].decode().strip()}" for _ in "1" if "counter" in files),
                *looked,
                *took(role, int(given["MEASURED_FILES"])),
                f"done {TIME}",
            ]
        )

    def warn(self, pod: Manifest, reason: str, message: str) -> None:
        uid = pod["metadata"]["uid"]
        self.put(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"{uid}.{next(self._numbers)}", "namespace": pod["metadata"]["namespace"]},
                "involvedObject": {"uid": uid},
                "type": "Warning",
                "reason": reason,
                "message": message,
                "lastTimestamp": TIME,
            }
        )

    def _touch(self, changed: Manifest, how: str) -> None:
        changed["metadata"]["resourceVersion"] = str(next(self._numbers))
        self.changes.append(f"{how} {changed['kind']} {changed['metadata']['name']}")

    def _admit(self) -> None:
        if self.access_after_calls > 0:
            self.access_after_calls -= 1
            raise AccessNotYetEffective("get: HTTP 403 Forbidden")


def took(role: str, files: int) -> list[str]:
    """As busybox's dd tells it: each file takes a millisecond more than the one before."""
    calls = {"writer": ("write", "read"), "reader": ("read",)}.get(role, ())
    each = [
        *((f"small_{call}", number / 1000) for call in calls for number in range(1, files + 1)),
        *((f"sequential_{call}", 0.25) for call in calls if files),
    ]
    return [
        f"took {what} unknown unknown 1+0 records in 1+0 records out copied, {s:f} seconds, fast" for what, s in each
    ]


def file_line(name: str, content: bytes) -> str:
    lines = content.count(b"\n")
    return f"file {lines} {hashlib.sha256(content).hexdigest()} 0:0 1767323045 {name}"


def claim_of(pod: Manifest) -> tuple[str, str]:
    (volume,) = pod["spec"]["volumes"]
    return pod["metadata"]["namespace"], volume["persistentVolumeClaim"]["claimName"]


def _key(manifest: Manifest) -> tuple[str, str | None, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace"), metadata["name"]


def _selected(selector: str | None, labels: Mapping[str, str]) -> bool:
    def holds(term: str) -> bool:
        if "!=" in term:
            name, _, value = term.partition("!=")
            return labels.get(name) != value
        name, equals, value = term.partition("=")
        return labels.get(name) == value if equals else name in labels

    return all(map(holds, selector.split(","))) if selector else True


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name, {})
    return value


def _require_mutable(current: Manifest, wanted: Manifest) -> None:
    """HTTP 422, as the client reports it."""
    for path in IMMUTABLE.get(current["kind"], ()):
        if _at(current, path) != _at(wanted, path):
            raise TerminalError(ErrorReason.IMMUTABLE, f"apply {current['kind']}: {path}", remedy="delete the object")


def _merged(base: Manifest, over: Manifest) -> Manifest:
    both = {
        key: _merged(base[key], value)
        for key, value in over.items()
        if isinstance(value, dict) and isinstance(base.get(key), dict)
    }
    return {**base, **over, **both}
