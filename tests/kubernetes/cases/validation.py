"""What is refused: immutable fields, unknown and duplicate ones, bad names, quantities, enums, missing fields."""

from __future__ import annotations

import json
from typing import Any

from tests.kubernetes.differential import MERGE, Conversation, case
from tests.kubernetes.manifests import NAMESPACED, PATHS, changed, manifest

DELETED = None

IMMUTABLE: list[tuple[str, str, Any]] = [
    ("PersistentVolume", "spec.csi.volumeHandle", "fs-11111111"),
    ("PersistentVolume", "spec.csi", {"driver": "other.example.com", "volumeHandle": "x"}),
    ("PersistentVolume", "spec.volumeMode", "Block"),
    ("PersistentVolume", "spec.persistentVolumeReclaimPolicy", "Delete"),
    ("PersistentVolume", "spec.capacity.storage", "9Gi"),
    ("PersistentVolume", "spec.mountOptions", ["tls"]),
    ("PersistentVolumeClaim", "spec.accessModes", ["ReadWriteOnce"]),
    ("PersistentVolumeClaim", "spec.storageClassName", "other"),
    ("PersistentVolumeClaim", "spec.volumeName", "some-volume"),
    ("PersistentVolumeClaim", "spec.resources.requests.storage", "4Gi"),
    ("PersistentVolumeClaim", "spec.resources.requests.storage", "6Gi"),
    ("PersistentVolumeClaim", "metadata.annotations", {"volume.beta.kubernetes.io/storage-class": "other"}),
    ("PersistentVolumeClaim", "metadata.annotations", {"note": "changed"}),
    ("StorageClass", "provisioner", "other.example.com"),
    ("StorageClass", "parameters", {"a": "b"}),
    ("StorageClass", "reclaimPolicy", "Retain"),
    ("StorageClass", "volumeBindingMode", "WaitForFirstConsumer"),
    ("StorageClass", "mountOptions", ["tls"]),
    ("StorageClass", "allowVolumeExpansion", True),
    ("CSIDriver", "spec.attachRequired", True),
    ("CSIDriver", "spec.podInfoOnMount", True),
    ("CSIDriver", "spec.volumeLifecycleModes", ["Ephemeral"]),
    ("CSIDriver", "spec.fsGroupPolicy", "None"),
    ("Pod", "spec.containers.0.image", "busybox:2"),
    ("Pod", "spec.containers.0.command", ["true"]),
    ("Pod", "spec.restartPolicy", "Never"),
    ("Pod", "spec.nodeName", "some-node"),
    ("Deployment", "spec.selector.matchLabels", {"app": "other"}),
    ("ReplicaSet", "spec.selector.matchLabels", {"app": "other"}),
    ("Deployment", "spec.replicas", -1),
    ("Namespace", "metadata.name", "another"),
]


def _changes(kind: str, path: str, value: Any) -> None:
    @case(f"{kind} {path} to {json.dumps(value)}: may it change?")
    def change(api: Conversation) -> None:
        name = "x-" + api.name
        made = api.send("POST", PATHS[kind], manifest(kind, name, api.name))
        api.send("PUT", f"{PATHS[kind]}/{name}", changed(made, path, value))


for each in IMMUTABLE:
    _changes(*each)

BAD: list[tuple[str, str, Any]] = [
    *[
        (kind, "metadata.name", name)
        for kind in ("Namespace", "PersistentVolumeClaim", "StorageClass", "Pod")
        for name in ("Upper", "under_score", "-dash", "dotted.name", "a" * 64, "a" * 254, "", "with/slash")
    ],
    ("CSIDriver", "metadata.name", "under_score"),
    ("PersistentVolume", "metadata.name", "Upper"),
    ("Deployment", "metadata.name", "Upper"),
    ("Pod", "metadata.labels", {"bad key": "x"}),
    ("Pod", "metadata.labels", {"a": "bad value"}),
    ("Pod", "metadata.labels", {"a": 1}),
    ("Pod", "metadata.annotations", {"bad key": "x"}),
    ("Pod", "metadata.finalizers", ["unqualified"]),
    ("Pod", "spec.containers", []),
    ("Pod", "spec.containers", DELETED),
    ("Pod", "spec.containers.0.name", "Bad_Name"),
    ("Pod", "spec.containers.0.name", DELETED),
    ("Pod", "spec.containers.0.image", DELETED),
    ("Pod", "spec.containers.0.image", 7),
    ("Pod", "spec.containers.0.command", "sh"),
    ("Pod", "spec.containers.0.imagePullPolicy", "Sometimes"),
    ("Pod", "spec.containers.0.volumeMounts.0.name", "nothing"),
    ("Pod", "spec.containers.0.volumeMounts.0.mountPath", ""),
    ("Pod", "spec.containers.0.resources", {"requests": {"cpu": "lots"}}),
    ("Pod", "spec.containers.0.resources", {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
    ("Pod", "spec.containers.0.resources", {"requests": {"cpu": "250m", "memory": "1.5Gi"}}),
    ("Pod", "spec.restartPolicy", "Sometimes"),
    ("Pod", "spec.terminationGracePeriodSeconds", -1),
    ("Pod", "spec.volumes.0", {"name": "data"}),
    ("Pod", "spec.volumes.0.name", "Bad_Name"),
    ("PersistentVolume", "spec.capacity.storage", "5Gigs"),
    ("PersistentVolume", "spec.capacity.storage", "-5Gi"),
    ("PersistentVolume", "spec.capacity.storage", "0"),
    ("PersistentVolume", "spec.capacity.storage", "5000000000"),
    ("PersistentVolume", "spec.capacity.storage", 5),
    ("PersistentVolume", "spec.capacity", DELETED),
    ("PersistentVolume", "spec.accessModes", []),
    ("PersistentVolume", "spec.accessModes", DELETED),
    ("PersistentVolume", "spec.accessModes", ["Anyhow"]),
    ("PersistentVolume", "spec.accessModes", ["ReadWriteMany", "ReadWriteOncePod"]),
    ("PersistentVolume", "spec.persistentVolumeReclaimPolicy", "Burn"),
    ("PersistentVolume", "spec.storageClassName", "Bad_Name"),
    ("PersistentVolume", "spec.volumeMode", "Cube"),
    ("PersistentVolume", "spec.csi", DELETED),
    ("PersistentVolume", "spec.csi.driver", DELETED),
    ("PersistentVolume", "spec.csi.driver", "bad driver"),
    ("PersistentVolume", "spec.csi.volumeHandle", DELETED),
    ("PersistentVolume", "spec.nfs", {"server": "a", "path": "/"}),
    ("PersistentVolumeClaim", "spec.accessModes", []),
    ("PersistentVolumeClaim", "spec.accessModes", ["Anyhow"]),
    ("PersistentVolumeClaim", "spec.resources", DELETED),
    ("PersistentVolumeClaim", "spec.resources.requests.storage", "five"),
    ("PersistentVolumeClaim", "spec.resources.requests.storage", "0"),
    ("PersistentVolumeClaim", "spec.resources.requests.storage", "-1"),
    ("PersistentVolumeClaim", "spec.storageClassName", "Bad_Name"),
    ("PersistentVolumeClaim", "spec.volumeMode", "Cube"),
    ("StorageClass", "provisioner", DELETED),
    ("StorageClass", "provisioner", "bad provisioner"),
    ("StorageClass", "reclaimPolicy", "Burn"),
    ("StorageClass", "volumeBindingMode", "Later"),
    ("StorageClass", "parameters", {"": "x"}),
    ("StorageClass", "parameters", "text"),
    ("CSIDriver", "spec", DELETED),
    ("CSIDriver", "spec.attachRequired", "no"),
    ("CSIDriver", "spec.volumeLifecycleModes", ["Forever"]),
    ("CSIDriver", "spec.fsGroupPolicy", "Maybe"),
    ("Deployment", "spec.replicas", -1),
    ("Deployment", "spec.replicas", "three"),
    ("Deployment", "spec.selector", DELETED),
    ("Deployment", "spec.selector.matchLabels", {}),
    ("Deployment", "spec.selector.matchLabels", {"app": "another"}),
    ("Deployment", "spec.template.spec.restartPolicy", "Never"),
    ("Deployment", "spec.template.spec.containers", []),
    ("Deployment", "spec.strategy", {"type": "Sideways"}),
    ("Deployment", "spec.strategy", {"type": "Recreate"}),
    ("Event", "involvedObject", DELETED),
    ("Event", "type", "Loud"),
    ("Namespace", "spec", {"finalizers": ["unqualified"]}),
]


def _judged(kind: str, path: str, value: Any) -> None:
    shown = json.dumps(value) if len(json.dumps(value)) < 60 else f"{len(value)} characters"
    sentence = f"a {kind} without {path} is judged alike" if value is DELETED else f"a {kind} with {path} {shown}"

    @case(f"{sentence} is judged alike" if value is not DELETED else sentence)
    def judge(api: Conversation) -> None:
        name = "y-" + api.name
        api.send("POST", PATHS[kind], changed(manifest(kind, name, api.name), path, value))


for each in BAD:
    _judged(*each)


@case("unknown and duplicate fields are refused, warned of or ignored, as fieldValidation says")
def field_validation(api: Conversation) -> None:
    path = NAMESPACED["PersistentVolumeClaim"]
    unknown = changed(manifest("PersistentVolumeClaim", "c", api.name), "spec.colour", "blue")
    duplicate = json.dumps(manifest("PersistentVolumeClaim", "c", api.name)).replace(
        '"name": "c"', '"name": "c", "labels": {"a": "b"}, "labels": {"a": "c"}'
    )
    for body in (unknown, duplicate.encode()):
        for validation in ("Strict", "Warn", "Ignore", "Perhaps"):
            api.send("POST", f"{path}?dryRun=All&fieldValidation={validation}", body)
        api.send("POST", f"{path}?dryRun=All", body)
    api.send("POST", path, manifest("PersistentVolumeClaim", "c", api.name))
    for validation in ("Strict", "Warn", "Ignore"):
        patch = {"spec": {"colour": "blue"}}
        api.send("PATCH", f"{path}/c?dryRun=All&fieldValidation={validation}", patch, content_type=MERGE)
