"""Whether an object makes sense: what kube-apiserver checks of the kinds and fields we use.

Source: k8s.io/kubernetes pkg/apis/{core,apps,storage}/validation.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from local.kubernetes.embedded.errors import (
    Cause,
    bad_request,
    forbidden_field,
    invalid,
    invalid_value,
    required,
    unsupported,
)
from local.kubernetes.embedded.names import label_errors, label_value_errors, qualified_name_errors, subdomain_errors
from local.kubernetes.embedded.quantities import QUANTITY_PATTERN, canonical_quantity, quantity_value
from local.kubernetes.embedded.resources import Resource
from local.kubernetes.embedded.schema import Schema
from local.kubernetes.embedded.selectors import matches_label_selector
from local.kubernetes.embedded.validation_pods import check_pod_spec

Object = dict[str, Any]
_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")


def check_object(resource: Resource, obj: Object, also: Sequence[Cause] = ()) -> None:
    """Raises ApiError: BadRequest for what cannot be decoded (quantities), Invalid with every wrong field else."""
    for value in _quantities(resource.schema, obj):
        if canonical_quantity(value) is None:
            handled = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}'
            raise bad_request(f"{handled}: quantities must match the regular expression '{QUANTITY_PATTERN}'")
    causes = [*_metadata(resource, obj), *_CHECKS.get(resource.kind, _nothing)(obj), *also]
    if causes:
        raise invalid(resource.kind, resource.group, obj["metadata"].get("name", ""), causes)


def _quantities(schema: Schema, value: Any) -> Iterator[Any]:
    items: Any = enumerate(value) if isinstance(value, list) else value.items()
    for key, item in items:
        child = schema.items if isinstance(value, list) else schema.child(key)
        if child is not None and child.type == "quantity":
            yield item
        elif child is not None and isinstance(item, dict | list) and child.type in ("object", "array"):
            yield from _quantities(child, item)


def _nothing(obj: Object) -> Iterator[Cause]:
    yield from ()


def _metadata(resource: Resource, obj: Object) -> Iterator[Cause]:
    metadata = obj["metadata"]
    errors = label_errors if resource.kind == "Namespace" else subdomain_errors
    if not metadata["name"]:
        yield required("metadata.name", "name or generateName is required")
    for error in errors(metadata["name"]) if metadata["name"] else ():
        yield invalid_value("metadata.name", metadata["name"], error)
    yield from check_labels("metadata.labels", metadata.get("labels") or {})
    for key in metadata.get("annotations") or {}:
        for error in qualified_name_errors(key.lower()):
            yield invalid_value("metadata.annotations", key, error)
    for finalizer in metadata.get("finalizers") or []:
        for error in qualified_name_errors(finalizer):
            yield invalid_value("metadata.finalizers", finalizer, error)
        if "/" not in finalizer and finalizer not in ("orphan", "foregroundDeletion", "kubernetes"):
            detail = "name is neither a standard finalizer name nor is it fully qualified"
            yield invalid_value("metadata.finalizers[0]", finalizer, detail)


def check_labels(field: str, labels: dict[str, str]) -> Iterator[Cause]:
    for key, value in sorted(labels.items()):
        for error in qualified_name_errors(key):
            yield invalid_value(field, key, error)
        for error in label_value_errors(value):
            yield invalid_value(field, value, error)


def _persistent_volume(obj: Object) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    yield from _access_modes(spec)
    if not spec.get("capacity"):
        yield required("spec.capacity")
    if set(spec.get("capacity") or {}) != {"storage"}:
        yield unsupported("spec.capacity", spec.get("capacity") or {}, ["storage"])
    for name in spec.get("capacity") or {}:
        value, shown = quantity_value(spec["capacity"][name]) or 0, str(spec["capacity"][name])
        if value < 0:
            detail = f"Invalid value: {shown}: must be a valid resource quantity"
            yield Cause(f"spec.capacity[{name}]", "FieldValueInvalid", detail)
        if value <= 0:
            yield invalid_value(f"spec.capacity[{name}]", shown, "must be greater than zero")
    sources = [name for name in _VOLUME_SOURCES if name in spec]
    if not sources:
        yield required("spec", "must specify a volume type")
    for name in sorted(sources, key=lambda name: name == "csi")[1:]:
        yield forbidden_field(f"spec.{name}", "may not specify more than 1 volume type")
    if "csi" in spec:
        if not spec["csi"].get("driver"):
            yield required("spec.csi.driver")
        for error in subdomain_errors(spec["csi"].get("driver", "").lower() or "required"):
            yield invalid_value("spec.csi.driver", spec["csi"]["driver"], error)
        if not spec["csi"].get("volumeHandle"):
            yield required("spec.csi.volumeHandle")
    policies = ("Delete", "Recycle", "Retain")
    if spec.get("persistentVolumeReclaimPolicy") not in policies:
        yield unsupported("spec.persistentVolumeReclaimPolicy", spec["persistentVolumeReclaimPolicy"], policies)
    yield from _storage_class_name(spec)
    yield from _volume_mode(spec)


def _persistent_volume_claim(obj: Object) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    yield from _access_modes(spec, detail="at least 1 access mode is required")
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if storage is None:
        yield required("spec.resources[storage]")
    elif (quantity_value(storage) or 0) <= 0:
        yield invalid_value("spec.resources[storage]", storage, "must be greater than zero")
    yield from _storage_class_name(spec)
    yield from _volume_mode(spec)


def _access_modes(spec: Object, detail: str = "") -> Iterator[Cause]:
    modes = spec.get("accessModes") or []
    if not modes:
        yield required("spec.accessModes", detail)
    for mode in modes:
        if mode not in _ACCESS_MODES:
            yield unsupported("spec.accessModes", mode, _ACCESS_MODES)
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        yield forbidden_field("spec.accessModes", "may not use ReadWriteOncePod with other access modes")


def _storage_class_name(spec: Object) -> Iterator[Cause]:
    if name := spec.get("storageClassName"):
        for error in subdomain_errors(name):
            yield invalid_value("spec.storageClassName", name, error)


def _volume_mode(spec: Object) -> Iterator[Cause]:
    if spec.get("volumeMode") not in ("Block", "Filesystem"):
        yield unsupported("spec.volumeMode", spec.get("volumeMode"), ["Block", "Filesystem"])


def _namespace(obj: Object) -> Iterator[Cause]:
    for finalizer in (obj.get("spec") or {}).get("finalizers") or []:
        if "/" not in finalizer and finalizer != "kubernetes":
            detail = "name is neither a standard finalizer name nor is it fully qualified"
            yield invalid_value("spec.finalizers", finalizer, detail)


def _storage_class(obj: Object) -> Iterator[Cause]:
    if not obj.get("provisioner"):
        yield required("provisioner")
    for error in qualified_name_errors(obj["provisioner"].lower()) if obj.get("provisioner") else []:
        yield invalid_value("provisioner", obj["provisioner"], error)
    if obj["reclaimPolicy"] not in ("Delete", "Retain"):
        yield unsupported("reclaimPolicy", obj["reclaimPolicy"], ["Delete", "Retain"])
    if "" in (obj.get("parameters") or {}):
        yield invalid_value("parameters", "", "field can not be empty.")
    modes = ("Immediate", "WaitForFirstConsumer")
    if obj["volumeBindingMode"] not in modes:
        yield unsupported("volumeBindingMode", obj["volumeBindingMode"], modes)


def _csi_driver(obj: Object) -> Iterator[Cause]:
    spec = obj["spec"]
    policies = ("File", "None", "ReadWriteOnceWithFSType")
    if spec["fsGroupPolicy"] not in policies:
        yield unsupported("spec.fsGroupPolicy", spec["fsGroupPolicy"], policies)
    for mode in spec["volumeLifecycleModes"]:
        if mode not in ("Ephemeral", "Persistent"):
            yield unsupported("spec.volumeLifecycleModes", mode, ["Ephemeral", "Persistent"])


def _pod(obj: Object) -> Iterator[Cause]:
    yield from check_pod_spec(obj["spec"], "spec")


def _workload(obj: Object) -> Iterator[Cause]:
    spec = obj["spec"]
    if spec["replicas"] < 0:
        yield invalid_value("spec.replicas", spec["replicas"], "must be greater than or equal to 0")
    selector, template = spec.get("selector"), spec["template"]
    labels = (template.get("metadata") or {}).get("labels") or {}
    if selector is None:
        yield required("spec.selector")
    elif not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield invalid_value("spec.selector", selector, "empty selector is invalid for " + obj["kind"].lower())
    if selector is None or not matches_label_selector(selector, labels):
        yield invalid_value(
            "spec.template.metadata.labels", labels or None, "`selector` does not match template `labels`"
        )
    yield from check_labels("spec.template.labels", labels)
    yield from check_pod_spec(template["spec"], "spec.template.spec")
    if template["spec"].get("restartPolicy") != "Always":
        yield unsupported("spec.template.spec.restartPolicy", template["spec"]["restartPolicy"], ["Always"])


def _deployment(obj: Object) -> Iterator[Cause]:
    yield from _workload(obj)
    kind = obj["spec"]["strategy"]["type"]
    if kind not in ("Recreate", "RollingUpdate"):
        yield unsupported("spec.strategy", kind, ["Recreate", "RollingUpdate"])


def _event(obj: Object) -> Iterator[Cause]:
    involved = (obj.get("involvedObject") or {}).get("namespace", "")
    namespace = obj["metadata"]["namespace"]
    # Events about objects without a namespace live in default.
    if involved != namespace and not (not involved and namespace in ("default", "kube-system")):
        yield invalid_value("involvedObject.namespace", involved, "does not match event.namespace")


_VOLUME_SOURCES = (
    "csi",
    "hostPath",
    "nfs",
    "local",
    "iscsi",
    "fc",
    "awsElasticBlockStore",
    "gcePersistentDisk",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "flexVolume",
    "flocker",
    "glusterfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
)


def _service(obj: Object) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    if not spec.get("ports") and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName":
        yield required("spec.ports")


_CHECKS: dict[str, Callable[[Object], Iterator[Cause]]] = {
    "Namespace": _namespace,
    "PersistentVolume": _persistent_volume,
    "PersistentVolumeClaim": _persistent_volume_claim,
    "StorageClass": _storage_class,
    "CSIDriver": _csi_driver,
    "Pod": _pod,
    "Service": _service,
    "Deployment": _deployment,
    "ReplicaSet": _workload,
    "Event": _event,
}
