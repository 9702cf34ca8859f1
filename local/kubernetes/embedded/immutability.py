"""What an update may not change.

Source: k8s.io/kubernetes pkg/apis/{core,apps,storage}/validation (Validate…Update).
"""

from collections.abc import Callable, Iterator
from typing import Any

from local.json_copy import copied
from local.kubernetes.embedded.errors import Cause, forbidden_field, invalid_value
from local.kubernetes.embedded.quantities import quantity_value
from local.kubernetes.embedded.resources import Resource

Object = dict[str, Any]
_FIELD_IS_IMMUTABLE = "field is immutable"
_POD = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
_CLAIM = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
_VOLUME_MUTABLE = (
    "capacity",
    "accessModes",
    "claimRef",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "mountOptions",
    "volumeMode",
    "nodeAffinity",
    "volumeAttributesClassName",
)


def update_causes(resource: Resource, old: Object, new: Object, subresource: str) -> list[Cause]:
    """What is wrong with the change, besides what may be wrong with the new object."""
    if subresource:
        return []
    return [*_finalizers(old, new), *_CHECKS.get(resource.kind, _nothing)(old, new)]


def _nothing(old: Object, new: Object) -> Iterator[Cause]:
    yield from ()


def _finalizers(old: Object, new: Object) -> Iterator[Cause]:
    before, after = old["metadata"].get("finalizers", []), new["metadata"].get("finalizers", [])
    added = [finalizer for finalizer in after if finalizer not in before]
    if "deletionTimestamp" in old["metadata"] and added:
        listing = ", ".join(f'"{finalizer}"' for finalizer in added)
        detail = "no new finalizers can be added if the object is being deleted, found new finalizers "
        detail += f"[]string{{{listing}}}"
        yield forbidden_field("metadata.finalizers", detail)


def _persistent_volume(old: Object, new: Object) -> Iterator[Cause]:
    def source(obj: Object) -> Object:
        return {name: value for name, value in obj["spec"].items() if name not in _VOLUME_MUTABLE}

    if source(old) != source(new):
        yield forbidden_field("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation")
    if old["spec"].get("volumeMode") != new["spec"].get("volumeMode"):
        yield invalid_value("volumeMode", new["spec"].get("volumeMode"), _FIELD_IS_IMMUTABLE)


def _persistent_volume_claim(old: Object, new: Object) -> Iterator[Cause]:
    before, after = ((obj["metadata"].get("annotations") or {}).get(_BETA_CLASS) for obj in (old, new))
    if before != after:
        yield invalid_value(f"metadata.annotations.{_BETA_CLASS}", after, _FIELD_IS_IMMUTABLE)
    bound = old.get("status", {}).get("phase") == "Bound"

    def fixed(obj: Object) -> Object:
        spec: Object = copied(obj["spec"])
        if not old["spec"].get("volumeName"):  # the binder's to set, once
            spec.pop("volumeName", None)
        spec.get("resources", {}).pop("requests", None) if bound else None
        return spec

    if fixed(old) != fixed(new):
        yield forbidden_field("spec", _CLAIM)
        return
    if bound:
        before, after = (obj["spec"]["resources"]["requests"]["storage"] for obj in (old, new))
        if (quantity_value(after) or 0) < (quantity_value(before) or 0):
            detail = "field can not be less than status.capacity"
            yield forbidden_field("spec.resources.requests.storage", detail)


def _storage_class(old: Object, new: Object) -> Iterator[Cause]:
    for name in ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"):
        if old.get(name) != new.get(name):
            yield invalid_value(name, None, _FIELD_IS_IMMUTABLE)


def _csi_driver(old: Object, new: Object) -> Iterator[Cause]:
    # The first field's name is kube-apiserver's own slip.
    for name, shown in (("attachRequired", "attachedRequired"), ("volumeLifecycleModes", "volumeLifecycleModes")):
        if old["spec"].get(name) != new["spec"].get(name):
            yield invalid_value(f"spec.{shown}", new["spec"].get(name), _FIELD_IS_IMMUTABLE)


def _pod(old: Object, new: Object) -> Iterator[Cause]:
    def fixed(obj: Object) -> Object:
        spec: Object = copied(obj["spec"])
        for name in ("activeDeadlineSeconds", "tolerations"):
            spec.pop(name, None)
        for container in [*spec.get("containers", []), *spec.get("initContainers", [])]:
            container.pop("image", None)
        return spec

    if len(old["spec"]["containers"]) != len(new["spec"]["containers"]):
        yield forbidden_field("spec.containers", "pod updates may not add or remove containers")
    elif fixed(old) != fixed(new):
        yield forbidden_field("spec", _POD)
    before, after = old["spec"].get("tolerations", []), new["spec"].get("tolerations", [])
    if any(toleration not in after for toleration in before):
        yield forbidden_field(
            "spec.tolerations", "existing toleration can not be modified except its tolerationSeconds"
        )


def _workload(old: Object, new: Object) -> Iterator[Cause]:
    if old["spec"]["selector"] != new["spec"].get("selector"):
        yield invalid_value("spec.selector", new["spec"].get("selector"), _FIELD_IS_IMMUTABLE)


def _config_map(old: Object, new: Object) -> Iterator[Cause]:
    if old.get("immutable"):
        for name in ("data", "binaryData"):
            if old.get(name) != new.get(name):
                yield forbidden_field(name, "field is immutable when `immutable` is set")


_CHECKS: dict[str, Callable[[Object, Object], Iterator[Cause]]] = {
    "PersistentVolume": _persistent_volume,
    "PersistentVolumeClaim": _persistent_volume_claim,
    "StorageClass": _storage_class,
    "CSIDriver": _csi_driver,
    "Pod": _pod,
    "Deployment": _workload,
    "ReplicaSet": _workload,
    "ConfigMap": _config_map,
}
