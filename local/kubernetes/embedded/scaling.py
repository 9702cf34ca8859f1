"""The subresource `scale`: how many replicas a Deployment or ReplicaSet is to have, in a shape all such kinds share.

Source: k8s.io/kubernetes pkg/registry/apps/{deployment,replicaset}/storage, ScaleREST; API of autoscaling/v1, Scale.
"""

from collections.abc import Callable
from typing import Any

from local.kubernetes.embedded.errors import bad_request, invalid, invalid_value, modified
from local.kubernetes.embedded.operations import Operations, Write
from local.kubernetes.embedded.resources import Resource
from local.kubernetes.embedded.selectors import shown_selector

Object = dict[str, Any]
SCALE = Resource("autoscaling", "scales", "Scale", True)
SUBRESOURCE = "scale"
_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(obj: Object) -> Object:
    """No replicas are left out, as Go's omitempty does."""
    spec, metadata = obj["spec"], obj["metadata"]
    return {
        "kind": SCALE.kind,
        "apiVersion": SCALE.group_version,
        "metadata": {name: metadata[name] for name in _METADATA if name in metadata},
        "spec": {"replicas": spec["replicas"]} if spec.get("replicas") else {},
        "status": {
            "replicas": obj.get("status", {}).get("replicas", 0),
            "selector": shown_selector(spec["selector"]),
        },
    }


def read(operations: Operations, resource: Resource, namespace: str, name: str) -> Object:
    """Raises ApiError NotFound."""
    return scale_of(operations.get(resource, namespace, name))


def change(
    operations: Operations,
    resource: Resource,
    namespace: str,
    name: str,
    changed: Callable[[Object], Object],
    write: Write,
) -> Object:
    """`changed` makes the new Scale of the old one. Raises ApiError NotFound, Conflict, Invalid, BadRequest."""

    def scaled(obj: Object) -> Object:
        asked = changed(scale_of(obj))
        metadata = asked.get("metadata", {})
        if metadata.get("name", name) != name:
            raise bad_request(
                f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})"
            )
        if metadata.get("resourceVersion") not in (None, "", obj["metadata"]["resourceVersion"]):
            raise modified(resource, name)
        replicas = asked.get("spec", {}).get("replicas", 0)
        if replicas < 0:
            cause = invalid_value("spec.replicas", replicas, "must be greater than or equal to 0")
            raise invalid(SCALE.kind, SCALE.group, name, [cause])
        return {**obj, "spec": {**obj["spec"], "replicas": replicas}}

    return scale_of(operations.patch(resource, namespace, name, scaled, write))
