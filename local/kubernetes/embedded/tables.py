"""The columns `kubectl get` shows, for clients that accept a Table.

Source: k8s.io/kubernetes pkg/printers/internalversion/printers.go.
"""

import datetime
from collections.abc import Callable
from typing import Any

from local.kubernetes.embedded.resources import Resource

Object = dict[str, Any]
Cell = Callable[[Object], Any]
_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def table_of(resource: Resource, objects: list[Object], metadata: Object, *, whole_objects: bool = False) -> Object:
    columns = _COLUMNS.get(resource.kind, _PLAIN)
    definitions = [
        {
            "name": name,
            "type": "string",
            "format": "name" if name == "Name" else "",
            "description": "",
            "priority": priority,
        }
        for name, priority, _ in columns
    ]
    rows = [
        {"cells": [cell(obj) for _, _, cell in columns], "object": obj if whole_objects else _partial(obj)}
        for obj in objects
    ]
    head: Object = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
    return {**head, "columnDefinitions": definitions, "rows": rows}


def _partial(obj: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def age(moment: str | None) -> str:
    """As duration.HumanDuration shows it."""
    if not moment:
        return "<unknown>"
    then = datetime.datetime.fromisoformat(moment)
    seconds = int((datetime.datetime.now(datetime.UTC) - then).total_seconds())
    if seconds < 120:
        return f"{max(seconds, 0)}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    return f"{hours}h" if hours < 48 else f"{days}d"


def _at(path: str, default: Any = "") -> Cell:
    def cell(obj: Object) -> Any:
        value: Any = obj
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return default if value is None else value

    return cell


def _pod_status(obj: Object) -> str:
    status = obj.get("status", {})
    shown = str(status.get("reason") or status.get("phase", "Unknown"))
    for container in status.get("containerStatuses", []):
        state = container.get("state", {})
        reason = (state.get("waiting") or {}).get("reason") or (state.get("terminated") or {}).get("reason")
        shown = reason or shown
    if "deletionTimestamp" in obj["metadata"] and status.get("phase") not in ("Succeeded", "Failed"):
        return "Terminating"
    return shown


def _pod_ready(obj: Object) -> str:
    statuses = obj.get("status", {}).get("containerStatuses", [])
    return f"{sum(bool(one.get('ready')) for one in statuses)}/{len(obj['spec'].get('containers', []))}"


def _restarts(obj: Object) -> str:
    return str(sum(one.get("restartCount", 0) for one in obj.get("status", {}).get("containerStatuses", [])))


def _phase(obj: Object) -> str:
    return "Terminating" if "deletionTimestamp" in obj["metadata"] else str(_at("status.phase")(obj))


def _access_modes(path: str) -> Cell:
    return lambda obj: ",".join(_MODES.get(mode, mode) for mode in _at(path, [])(obj))


def _claim(obj: Object) -> str:
    reference = obj["spec"].get("claimRef")
    return f"{reference.get('namespace')}/{reference.get('name')}" if reference else ""


def _node_status(obj: Object) -> str:
    conditions = obj.get("status", {}).get("conditions", [])
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ("Ready" if ready else "NotReady") + (",SchedulingDisabled" if obj["spec"].get("unschedulable") else "")


def _internal_ip(obj: Object) -> str:
    addresses = obj.get("status", {}).get("addresses", [])
    return next((one["address"] for one in addresses if one["type"] == "InternalIP"), "<none>")


def _ready_replicas(obj: Object) -> str:
    return f"{_at('status.readyReplicas', 0)(obj)}/{obj['spec'].get('replicas', 0)}"


def _containers(key: str) -> Cell:
    return lambda obj: ",".join(one.get(key, "") for one in obj["spec"]["template"]["spec"].get("containers", []))


def _labels(labels: Object) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "<none>"


def _selector(obj: Object) -> str:
    return _labels(obj["spec"]["selector"].get("matchLabels", {}))


def _none(obj: Object) -> str:
    return "<none>"


def _last_seen(obj: Object) -> str:
    return age(obj.get("lastTimestamp") or obj.get("eventTime") or obj["metadata"].get("creationTimestamp"))


def _involved(obj: Object) -> str:
    involved = obj.get("involvedObject", {})
    return f"{involved.get('kind', '').lower()}/{involved.get('name', '')}"


def _is_default_class(obj: Object) -> str:
    default = obj["metadata"].get("annotations", {}).get("storageclass.kubernetes.io/is-default-class") == "true"
    return f"{obj['metadata']['name']} (default)" if default else str(obj["metadata"]["name"])


_NAME = ("Name", 0, _at("metadata.name"))
_AGE = ("Age", 0, lambda obj: age(obj["metadata"].get("creationTimestamp")))
_PLAIN: tuple[tuple[str, int, Cell], ...] = (_NAME, _AGE)
_WORKLOAD: tuple[tuple[str, int, Cell], ...] = (
    ("Containers", 1, _containers("name")),
    ("Images", 1, _containers("image")),
    ("Selector", 1, _selector),
)
_COLUMNS: dict[str, tuple[tuple[str, int, Cell], ...]] = {
    "Namespace": (_NAME, ("Status", 0, _phase), _AGE),
    "Node": (
        _NAME,
        ("Status", 0, _node_status),
        ("Roles", 0, _none),
        _AGE,
        ("Version", 0, _at("status.nodeInfo.kubeletVersion")),
        ("Internal-IP", 1, _internal_ip),
        ("OS-Image", 1, _at("status.nodeInfo.osImage", "<unknown>")),
    ),
    "Pod": (
        _NAME,
        ("Ready", 0, _pod_ready),
        ("Status", 0, _pod_status),
        ("Restarts", 0, _restarts),
        _AGE,
        ("IP", 1, _at("status.podIP", "<none>")),
        ("Node", 1, _at("spec.nodeName", "<none>")),
        ("Nominated Node", 1, _at("status.nominatedNodeName", "<none>")),
        ("Readiness Gates", 1, _none),
    ),
    "PersistentVolume": (
        _NAME,
        ("Capacity", 0, _at("spec.capacity.storage")),
        ("Access Modes", 0, _access_modes("spec.accessModes")),
        ("Reclaim Policy", 0, _at("spec.persistentVolumeReclaimPolicy")),
        ("Status", 0, _phase),
        ("Claim", 0, _claim),
        ("StorageClass", 0, _at("spec.storageClassName")),
        ("VolumeAttributesClass", 0, _at("spec.volumeAttributesClassName", "<unset>")),
        ("Reason", 0, _at("status.reason")),
        _AGE,
        ("VolumeMode", 1, _at("spec.volumeMode")),
    ),
    "PersistentVolumeClaim": (
        _NAME,
        ("Status", 0, _phase),
        ("Volume", 0, _at("spec.volumeName")),
        ("Capacity", 0, _at("status.capacity.storage")),
        ("Access Modes", 0, _access_modes("status.accessModes")),
        ("StorageClass", 0, _at("spec.storageClassName")),
        ("VolumeAttributesClass", 0, _at("spec.volumeAttributesClassName", "<unset>")),
        _AGE,
        ("VolumeMode", 1, _at("spec.volumeMode")),
    ),
    "Event": (
        ("Last Seen", 0, _last_seen),
        ("Type", 0, _at("type")),
        ("Reason", 0, _at("reason")),
        ("Object", 0, _involved),
        ("Message", 0, lambda obj: str(obj.get("message", "")).strip()),
        ("Name", 1, _at("metadata.name")),
    ),
    "ConfigMap": (_NAME, ("Data", 0, lambda obj: len(obj.get("data", {})) + len(obj.get("binaryData", {}))), _AGE),
    "ServiceAccount": (_NAME, ("Secrets", 0, lambda obj: len(obj.get("secrets", []))), _AGE),
    "StorageClass": (
        ("Name", 0, _is_default_class),
        ("Provisioner", 0, _at("provisioner")),
        ("ReclaimPolicy", 0, _at("reclaimPolicy")),
        ("VolumeBindingMode", 0, _at("volumeBindingMode")),
        ("AllowVolumeExpansion", 0, _at("allowVolumeExpansion", False)),
        _AGE,
    ),
    "CSIDriver": (
        _NAME,
        ("AttachRequired", 0, _at("spec.attachRequired")),
        ("PodInfoOnMount", 0, _at("spec.podInfoOnMount")),
        ("StorageCapacity", 0, _at("spec.storageCapacity")),
        (
            "TokenRequests",
            0,
            lambda obj: ",".join(one["audience"] for one in obj["spec"].get("tokenRequests", [])) or "<unset>",
        ),
        ("RequiresRepublish", 0, _at("spec.requiresRepublish")),
        ("Modes", 0, lambda obj: ",".join(obj["spec"].get("volumeLifecycleModes", []))),
        _AGE,
    ),
    "Deployment": (
        _NAME,
        ("Ready", 0, _ready_replicas),
        ("Up-to-date", 0, _at("status.updatedReplicas", 0)),
        ("Available", 0, _at("status.availableReplicas", 0)),
        _AGE,
        *_WORKLOAD,
    ),
    "Scale": (
        _NAME,
        ("Desired", 0, _at("spec.replicas", 0)),
        ("Available", 0, _at("status.replicas", 0)),
        _AGE,
    ),
    "ReplicaSet": (
        _NAME,
        ("Desired", 0, _at("spec.replicas", 0)),
        ("Current", 0, _at("status.replicas", 0)),
        ("Ready", 0, _at("status.readyReplicas", 0)),
        _AGE,
        *_WORKLOAD,
    ),
}
