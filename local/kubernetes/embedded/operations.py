"""Create, update, patch and delete: the order of steps kube-apiserver's generic registry follows.

Source: k8s.io/apiserver/pkg/registry/generic/registry/store.go and pkg/endpoints/handlers.
"""

import datetime
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.json_copy import copied
from local.kubernetes.embedded import admission, server_side_apply
from local.kubernetes.embedded.defaults import admit, initial_status, set_defaults
from local.kubernetes.embedded.errors import (
    already_exists,
    bad_request,
    conflict,
    forbidden,
    invalid,
    invalid_value,
    modified,
    not_found,
)
from local.kubernetes.embedded.field_sets import Path
from local.kubernetes.embedded.immutability import update_causes
from local.kubernetes.embedded.resources import NAMESPACES, Resource
from local.kubernetes.embedded.server_side_apply import Manager, kept_fields
from local.kubernetes.embedded.store import Store
from local.kubernetes.embedded.validation import check_object

Object = dict[str, Any]
_SYSTEM_METADATA = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")
# The kinds whose Go zero value has an empty list or struct where others have nothing: a new object is compared with it.
_SPECLESS = (
    "StorageClass",
    "ConfigMap",
    "ServiceAccount",
    "Event",
    "LimitRange",
    "ValidatingWebhookConfiguration",
)


def timestamp() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Write:
    """Who writes, and whether for real."""

    manager: str
    dry_run: bool = False
    subresource: str = ""

    def entry(self, resource: Resource, operation: str) -> Manager:
        time = "" if self.subresource == "scale" else timestamp()  # lost on the way from the Scale to its object
        return Manager(self.manager, operation, resource.group_version, self.subresource, time, frozenset())


class Operations:
    """The verbs that change the store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.after_removal: Callable[[Object], None] = _ignore

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        found = self.store.get(resource, namespace, name)
        if found is None:
            raise not_found(resource, name)
        return found

    def create(self, resource: Resource, namespace: str, body: Object, write: Write) -> Object:
        """Raises ApiError: Invalid, AlreadyExists, NotFound (namespace), Forbidden (namespace being deleted)."""
        obj = copied(body)
        obj.setdefault("metadata", {})
        _place(resource, namespace, obj)
        set_defaults(resource.schema, obj)
        if resource.has_own_status:
            obj.pop("status", None)
        for name in (*_SYSTEM_METADATA, "resourceVersion", "managedFields", "selfLink"):
            obj["metadata"].pop(name, None)
        obj = server_side_apply.track_update(resource, _zero(resource, obj), obj, write.entry(resource, "Update"))
        return self._insert(resource, namespace, obj, write)

    def _insert(self, resource: Resource, namespace: str, obj: Object, write: Write) -> Object:
        metadata = obj["metadata"]
        if not metadata.get("name"):
            prefix = metadata.get("generateName")
            metadata["name"] = prefix + _suffix() if prefix else ""
        self._check_namespace(resource, namespace, metadata["name"])
        metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": timestamp()}
        if resource.has_generation:
            metadata["generation"] = 1
        admission.complete(self.store, resource, namespace, obj)
        admit(obj)
        if resource.has_own_status and (status := initial_status(obj)) is not None:
            obj["status"] = status
        check_object(resource, obj)
        admission.validate_new(self.store, resource, namespace, obj, dry_run=write.dry_run)
        if self.store.get(resource, namespace, metadata["name"]) is not None:
            raise already_exists(resource, metadata["name"])
        return obj if write.dry_run else self.store.put(resource, obj)

    def update(self, resource: Resource, namespace: str, name: str, body: Object, write: Write) -> Object:
        """Raises ApiError: NotFound, Conflict (resourceVersion, uid), Invalid, BadRequest (name, namespace)."""
        new = copied(body)
        new.setdefault("metadata", {}).setdefault("name", name)
        _place(resource, namespace, new)
        if new["metadata"]["name"] != name:
            shown = new["metadata"]["name"]
            raise bad_request(f"the name of the object ({shown}) does not match the name on the URL ({name})")
        old = self.get(resource, namespace, name)
        _check_preconditions(resource, old, new["metadata"])
        set_defaults(resource.schema, new)
        return self._replace(resource, old, new, write, tracked=False)

    def patch(
        self, resource: Resource, namespace: str, name: str, change: Callable[[Object], Object], write: Write
    ) -> Object:
        """`change` makes the new object of the old one."""
        old = self.get(resource, namespace, name)
        new = change(copied(old))
        metadata = new.setdefault("metadata", {})
        if metadata.get("name") != name:
            shown = metadata.get("name", "")
            raise bad_request(f"the name of the object ({shown}) does not match the name on the URL ({name})")
        _check_preconditions(resource, old, metadata)
        set_defaults(resource.schema, new)
        return self._replace(resource, old, new, write, tracked=False)

    def apply(
        self, resource: Resource, namespace: str, name: str, body: Object, write: Write, *, force: bool
    ) -> tuple[Object, bool]:
        """Server-side apply; the object and whether it is new. Raises ApiError Conflict for another's fields."""
        applied = copied(body)
        metadata = applied.setdefault("metadata", {})
        _place(resource, namespace, applied)
        if metadata.setdefault("name", name) != name:
            shown = metadata["name"]
            raise bad_request(f"the name of the object ({shown}) does not match the name on the URL ({name})")
        if "managedFields" in metadata:
            raise bad_request("metadata.managedFields must be nil")
        manager = write.entry(resource, "Apply")
        old = self.store.get(resource, namespace, name)
        if old is None and write.subresource:
            raise not_found(resource, name)
        if old is None:
            if "uid" in metadata:
                given = f"the provided object specified uid {metadata['uid']}"
                why = f"uid mismatch: {given}, and no existing object was found"
                raise conflict(resource, name, why)
            empty: Object = {"apiVersion": applied["apiVersion"], "kind": applied["kind"], "metadata": {}}
            new = server_side_apply.apply(resource, empty, applied, manager, force=force)
            set_defaults(resource.schema, new)
            return self._insert(resource, namespace, new, write), True
        if metadata.get("uid", old["metadata"]["uid"]) != old["metadata"]["uid"]:
            cause = invalid_value("metadata.uid", metadata["uid"], "field is immutable")
            raise invalid(resource.kind, resource.group, name, [cause])
        _check_preconditions(resource, old, metadata)
        if not old["metadata"].get("managedFields"):
            nobody = Write("before-first-apply").entry(resource, "Update")
            old = server_side_apply.track_update(resource, _zero(resource, old), old, nobody)
        new = server_side_apply.apply(resource, old, applied, manager, force=force)
        set_defaults(resource.schema, new)
        return self._replace(resource, old, new, write, tracked=True), False

    def _replace(self, resource: Resource, old: Object, new: Object, write: Write, *, tracked: bool) -> Object:
        new["apiVersion"], new["kind"] = old["apiVersion"], old["kind"]
        owners = new["metadata"].get("managedFields")
        new = _with_fixed_parts(resource, old, new, write.subresource)
        if not tracked and owners == [{}]:  # how a client asks for owners to be forgotten
            new["metadata"].pop("managedFields")
        elif not tracked:
            new["metadata"]["managedFields"] = old["metadata"].get("managedFields", [])
            new = server_side_apply.track_update(resource, old, new, write.entry(resource, "Update"))
        elif owners:
            new["metadata"]["managedFields"] = owners
        check_object(resource, new, update_causes(resource, old, new, write.subresource))
        if write.subresource in ("", "scale") and _is_new_generation(resource, old, new):
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
        admission.validate_change(self.store, resource, old["metadata"].get("namespace", ""), new, write.subresource)
        if _without_times(new) == _without_times(old):
            return old
        if write.dry_run:
            return new
        if _is_finished(new):
            return self.remove(resource, new)
        return self.store.put(resource, new)

    def remove(self, resource: Resource, obj: Object) -> Object:
        removed = self.store.remove(resource, obj)
        self.after_removal(removed)
        return removed

    def _check_namespace(self, resource: Resource, namespace: str, name: str) -> None:
        if not resource.namespaced:
            return
        found = self.get(NAMESPACES, "", namespace)
        if "deletionTimestamp" in found["metadata"]:
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            refused = forbidden(resource, name, why)
            causes = [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]
            causes[0]["message"] = f"namespace {namespace} is being terminated"
            refused.details = {**(refused.details or {}), "causes": causes}
            raise refused


def _without_times(obj: Object) -> Object:
    """That somebody owns the same fields since later is no change.

    Source: k8s.io/apiserver, pkg/endpoints/handlers/fieldmanager/equality.go, IgnoreManagedFieldsTimestampsTransformer.
    """
    owners = [{**owner, "time": ""} for owner in obj["metadata"].get("managedFields", [])]
    return {**obj, "metadata": {**obj["metadata"], "managedFields": owners}}


def _ignore(removed: Object) -> None:
    """Nobody waits for removals yet."""


def _place(resource: Resource, namespace: str, obj: Object) -> None:
    metadata = obj["metadata"]
    obj.setdefault("apiVersion", resource.group_version)
    obj.setdefault("kind", resource.kind)
    if not resource.namespaced:
        metadata.pop("namespace", None)
    elif metadata.setdefault("namespace", namespace) != namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")


def _zero(resource: Resource, obj: Object) -> Object:
    """What a new object is compared with: Go's zero value, where a struct is there though it is empty."""
    zero: Object = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": {}}
    if obj["kind"] in ("Event", "LimitRange"):
        set_defaults(resource.schema, zero)
    if obj["kind"] in _SPECLESS:
        return zero
    template: Object = {"metadata": {}, "spec": {"containers": []}}
    structs: dict[str, Object] = {
        "Pod": {"containers": []},
        "Deployment": {"template": template, "strategy": {}},
        "ReplicaSet": {"template": template},
        "PersistentVolumeClaim": {"resources": {}},
    }
    return {**zero, "spec": structs.get(obj["kind"], {}), "status": {}}


def _suffix() -> str:
    # Kubernetes' alphabet for generated names: no vowels, nor digits that look like one, so no words.
    return "".join(random.choices("bcdfghjklmnpqrstvwxz2456789", k=5))


def _check_preconditions(resource: Resource, old: Object, metadata: Object) -> None:
    name, current = old["metadata"]["name"], old["metadata"]
    if metadata.get("uid", current["uid"]) != current["uid"]:
        uids = f"UID in precondition: {metadata['uid']}, UID in object meta: {current['uid']}"
        raise conflict(resource, name, f"Precondition failed: {uids}")
    if metadata.get("resourceVersion") not in (None, "", current["resourceVersion"]):
        raise modified(resource, name)


def _with_fixed_parts(resource: Resource, old: Object, new: Object, subresource: str) -> Object:
    """What a write of this subresource cannot change is as it was."""
    fixed = {name: old["metadata"][name] for name in (*_SYSTEM_METADATA, "resourceVersion") if name in old["metadata"]}
    own = {name: value for name, value in new["metadata"].items() if name not in (*_SYSTEM_METADATA, "selfLink")}
    merged = {**new, "metadata": {**own, **copied(fixed)}}
    for path in kept_fields(resource, subresource):
        _restore(merged, old, path)
    return merged


def _restore(new: Object, old: Object, path: Path) -> None:
    *parents, last = (part.removeprefix("f:") for part in path)
    for name in parents:
        new, old = new.setdefault(name, {}), old.get(name, {})
    new.pop(last, None)
    if last in old:
        new[last] = copied(old[last])


def _is_new_generation(resource: Resource, old: Object, new: Object) -> bool:
    if resource.kind == "Deployment" and new["metadata"].get("annotations") != old["metadata"].get("annotations"):
        return True
    if resource.kind == "ValidatingWebhookConfiguration":
        return bool(new.get("webhooks") != old.get("webhooks"))
    return (resource.has_generation or resource.kind == "CSIDriver") and new.get("spec") != old.get("spec")


def _is_finished(obj: Object) -> bool:
    metadata = obj["metadata"]
    return (
        "deletionTimestamp" in metadata
        and not metadata.get("finalizers")
        and not metadata.get("deletionGracePeriodSeconds")
        and not (obj["kind"] == "Namespace" and obj["spec"].get("finalizers"))
    )
