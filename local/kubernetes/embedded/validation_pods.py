"""Whether a pod's spec makes sense.

Source: k8s.io/kubernetes pkg/apis/core/validation (ValidatePodSpec).
"""

from collections.abc import Iterator
from typing import Any

from local.kubernetes.embedded.errors import (
    Cause,
    duplicate_field,
    invalid_value,
    not_found_field,
    required,
    unsupported,
)
from local.kubernetes.embedded.names import label_errors
from local.kubernetes.embedded.quantities import quantity_value

Object = dict[str, Any]
_ENUMS = {
    "restartPolicy": ("Always", "OnFailure", "Never"),
    "dnsPolicy": ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
}
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")


def check_pod_spec(spec: Object, field: str) -> Iterator[Cause]:
    yield from _volumes(spec, f"{field}.volumes")
    volumes = {volume.get("name") for volume in spec.get("volumes") or []}
    if not spec.get("containers"):
        yield required(f"{field}.containers")
    seen: set[str] = set()
    for kind in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(kind) or []):
            where = f"{field}.{kind}[{index}]"
            yield from _container(container, where, volumes)
            if container.get("name") in seen:
                yield duplicate_field(f"{where}.name", container["name"])
            seen.add(container.get("name", ""))
    for name, supported in _ENUMS.items():
        if spec.get(name) not in supported:
            yield unsupported(f"{field}.{name}", spec.get(name), supported)


def _volumes(spec: Object, field: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for index, volume in enumerate(spec.get("volumes") or []):
        name, where = volume.get("name", ""), f"{field}[{index}]"
        yield from _name(name, f"{where}.name")
        if name in seen:
            yield duplicate_field(f"{where}.name", name)
        seen.add(name)
        claim = volume.get("persistentVolumeClaim")
        if claim is not None and not claim.get("claimName"):
            yield required(f"{where}.persistentVolumeClaim.claimName")


def _name(name: str, field: str) -> Iterator[Cause]:
    if not name:
        yield required(field)
        return
    for error in label_errors(name):
        yield invalid_value(field, name, error)


def _container(container: Object, field: str, volumes: set[str | None]) -> Iterator[Cause]:
    yield from _name(container.get("name", ""), f"{field}.name")
    if not container.get("image"):
        yield required(f"{field}.image")
    elif container["image"] != container["image"].strip():
        yield invalid_value(f"{field}.image", container["image"], "must not have leading or trailing whitespace")
    if container["imagePullPolicy"] not in _PULL_POLICIES:
        yield unsupported(f"{field}.imagePullPolicy", container["imagePullPolicy"], _PULL_POLICIES)
    paths: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or []):
        where = f"{field}.volumeMounts[{index}]"
        if not mount.get("name"):
            yield required(f"{where}.name")
        if mount.get("name") not in volumes:
            yield not_found_field(f"{where}.name", mount.get("name", ""))
        if not mount.get("mountPath"):
            yield required(f"{where}.mountPath")
        elif mount["mountPath"] in paths:
            yield invalid_value(f"{where}.mountPath", mount["mountPath"], "must be unique")
        paths.add(mount.get("mountPath", ""))
    yield from _resources(container.get("resources") or {}, f"{field}.resources")


def _resources(resources: Object, field: str) -> Iterator[Cause]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for kind, quantities in (("limits", limits), ("requests", requests)):
        for name, quantity in quantities.items():
            if (quantity_value(quantity) or 0) < 0:
                detail = "must be greater than or equal to 0"
                yield invalid_value(f"{field}.{kind}[{name}]", str(quantity), detail)
    for name, quantity in requests.items():
        limit = quantity_value(limits[name]) if name in limits else None
        if limit is not None and (quantity_value(quantity) or 0) > limit:
            detail = f"must be less than or equal to {name} limit of {limits[name]}"
            yield invalid_value(f"{field}.requests", str(quantity), detail)
