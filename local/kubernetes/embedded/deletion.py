"""Deleting: preconditions, grace, finalizers, propagation, and what becomes of a namespace's content.

Garbage collection itself (foregroundDeletion, orphan, owner references) is the controllers' work, as on a real cluster.
Source: k8s.io/apiserver/pkg/registry/rest/delete.go and pkg/registry/generic/registry/store.go.
"""

import datetime
from dataclasses import dataclass, replace
from typing import Any

from local.json_copy import copied
from local.kubernetes.embedded import admission
from local.kubernetes.embedded.errors import conflict, invalid, unsupported
from local.kubernetes.embedded.operations import Operations, timestamp
from local.kubernetes.embedded.resources import NAMESPACES, PODS, STORED, Resource

Object = dict[str, Any]
_RETURNED_WHEN_DELETED = (
    "Pod",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Service",
    "ServiceAccount",
    "ResourceQuota",
    "StorageClass",
    "CSIDriver",
)
_PROPAGATION_FINALIZERS = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}


@dataclass(frozen=True)
class DeleteOptions:
    grace_period_seconds: int | None = None
    propagation_policy: str = "Background"
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False

    @classmethod
    def of(cls, query: dict[str, str], body: Object) -> "DeleteOptions":
        """From the query and the DeleteOptions body. Raises ApiError Invalid."""
        policy = body.get("propagationPolicy") or query.get("propagationPolicy") or "Background"
        if policy not in ("Background", "Foreground", "Orphan"):
            cause = unsupported("propagationPolicy", policy, ["Foreground", "Background", "Orphan", "nil"])
            raise invalid("DeleteOptions", "meta.k8s.io", "", [cause])
        grace = body.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
        preconditions = body.get("preconditions") or {}
        return cls(
            grace_period_seconds=None if grace is None else int(grace),
            propagation_policy=policy,
            uid=preconditions.get("uid"),
            resource_version=preconditions.get("resourceVersion"),
            dry_run="All" in (body.get("dryRun") or [query.get("dryRun")]),
        )


class Deletions:
    def __init__(self, operations: Operations) -> None:
        self.operations = operations
        operations.after_removal = self._after_removal

    def delete(self, resource: Resource, namespace: str, name: str, options: DeleteOptions) -> Object:
        """The object when it lives on for a while (or its kind is returned), else a Status.

        Raises ApiError: NotFound, Conflict (preconditions).
        """
        old = self.operations.get(resource, namespace, name)
        _check_preconditions(resource, old, options)
        admission.validate_removal(self.operations.store, resource, namespace, old)
        marked, lives_on = _marked(resource, old, options)
        if options.dry_run:
            return marked if lives_on or resource.kind in _RETURNED_WHEN_DELETED else _deleted(resource, old)
        if not lives_on:
            if marked != old:  # a watcher sees a pod marked before it sees it gone
                marked = self.operations.store.put(resource, marked)
            removed = self.operations.remove(resource, marked)
            return removed if resource.kind in _RETURNED_WHEN_DELETED else _deleted(resource, old)
        stored = self.operations.store.put(resource, marked) if marked != old else old
        if resource is NAMESPACES:
            self._empty(name)
        return stored

    def _empty(self, namespace: str) -> None:
        """The namespace controller's work: delete the content, then let the namespace go."""
        store = self.operations.store
        for resource in (resource for resource in STORED if resource.namespaced):
            for obj in store.select(resource, namespace):
                if "deletionTimestamp" not in obj["metadata"]:
                    self.delete(resource, namespace, obj["metadata"]["name"], DeleteOptions())
        self._release_namespace(namespace)

    def _after_removal(self, removed: Object) -> None:
        if namespace := removed["metadata"].get("namespace"):
            self._release_namespace(namespace)

    def _release_namespace(self, namespace: str) -> None:
        store = self.operations.store
        found = store.get(NAMESPACES, "", namespace)
        if found is None or "deletionTimestamp" not in found["metadata"]:
            return
        if not any(store.select(resource, namespace) for resource in STORED if resource.namespaced):
            without_finalizers = {**found, "spec": {}}
            if found["metadata"].get("finalizers"):
                store.put(NAMESPACES, without_finalizers)
            else:
                store.remove(NAMESPACES, without_finalizers)


def _check_preconditions(resource: Resource, old: Object, options: DeleteOptions) -> None:
    metadata = old["metadata"]
    for what, shown, asked in (
        ("uid", "UID", options.uid),
        ("resourceVersion", "ResourceVersion", options.resource_version),
    ):
        if asked is not None and asked != metadata[what]:
            mismatch = (
                f"the {shown} in the precondition ({asked}) does not match the {shown} in record ({metadata[what]})"
            )
            fate = "deleted and then recreated" if what == "uid" else "modified"
            kind = replace(resource, plural=resource.kind)  # here, unlike elsewhere, the kind is named
            raise conflict(kind, metadata["name"], f"{mismatch}. The object might have been {fate}")


def _marked(resource: Resource, old: Object, options: DeleteOptions) -> tuple[Object, bool]:
    """The object as it looks once deletion is asked for, and whether it lives on for now."""
    new = copied(old)
    metadata = new["metadata"]
    grace = _grace_seconds(resource, old, options)
    already = "deletionTimestamp" in metadata
    if finalizer := _PROPAGATION_FINALIZERS.get(options.propagation_policy):
        finalizers = metadata.setdefault("finalizers", [])
        if finalizer not in finalizers and not already:
            finalizers.append(finalizer)
    waits = bool(metadata.get("finalizers")) or (resource is NAMESPACES and bool(new["spec"].get("finalizers")))
    lives_on = bool(grace) or waits
    if not lives_on and resource is not PODS:
        return new, False
    if not already or grace < metadata.get("deletionGracePeriodSeconds", 0):
        metadata["deletionTimestamp"] = _after(grace)
        metadata["deletionGracePeriodSeconds"] = grace
        if resource.has_generation and not already:
            metadata["generation"] += 1
    if resource is NAMESPACES:
        metadata.pop("deletionGracePeriodSeconds", None)
        new["status"] = {**new.get("status", {}), "phase": "Terminating"}
    return new, lives_on


def _grace_seconds(resource: Resource, old: Object, options: DeleteOptions) -> int:
    """Only pods that run somewhere are given time."""
    if resource.kind != "Pod":
        return 0
    phase = old.get("status", {}).get("phase")
    if not old["spec"].get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    asked = options.grace_period_seconds
    return int(old["spec"]["terminationGracePeriodSeconds"]) if asked is None else max(asked, 0)


def _after(seconds: int) -> str:
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else timestamp()


def _deleted(resource: Resource, old: Object) -> Object:
    details = {"name": old["metadata"]["name"], "group": resource.group, "kind": resource.plural}
    details["uid"] = old["metadata"]["uid"]
    details = {key: value for key, value in details.items() if value}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
