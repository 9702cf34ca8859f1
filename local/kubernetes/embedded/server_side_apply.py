"""Field management: server-side apply, and what plain updates mean for the fields' owners.

Source: Kubernetes documentation "Server-Side Apply"; sigs.k8s.io/structured-merge-diff merge.Updater.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from local.json_copy import copied
from local.kubernetes.embedded.errors import ApiError
from local.kubernetes.embedded.field_sets import (
    FieldSet,
    Path,
    compare,
    element,
    from_fields_v1,
    managed_fields_of,
    remove_path,
    shown,
    to_fields_v1,
)
from local.kubernetes.embedded.resources import Resource
from local.kubernetes.embedded.schema import Schema

Object = dict[str, Any]


@dataclass(frozen=True)
class Manager:
    """One entry of managedFields."""

    name: str
    operation: str
    api_version: str
    subresource: str
    time: str
    fields: FieldSet

    @property
    def identity(self) -> tuple[str, str, str, str]:
        return self.name, self.operation, self.api_version, self.subresource

    @property
    def shown(self) -> str:
        text = f'"{self.name}"' + (f' with subresource "{self.subresource}"' if self.subresource else "")
        return f"{text} using {self.api_version}" if self.operation == "Update" else text

    def payload(self) -> Object:
        entry: Object = {"manager": self.name, "operation": self.operation, "apiVersion": self.api_version}
        entry |= {"time": self.time} if self.time else {}
        entry |= {"fieldsType": "FieldsV1", "fieldsV1": to_fields_v1(self.fields)}
        return entry | ({"subresource": self.subresource} if self.subresource else {})


def managers_of(obj: Object) -> list[Manager]:
    return [
        Manager(
            entry.get("manager", ""),
            entry.get("operation", ""),
            entry.get("apiVersion", ""),
            entry.get("subresource", ""),
            entry.get("time", ""),
            from_fields_v1(entry.get("fieldsV1", {})),
        )
        for entry in obj["metadata"].get("managedFields", [])
    ]


def with_managers(obj: Object, managers: Iterable[Manager]) -> Object:
    """The object with these owners; an owner of nothing is none. Applying owners come first, then the oldest."""
    owners = [manager for manager in managers if manager.fields]
    owners.sort(key=lambda manager: (manager.operation, manager.time, manager.name, manager.subresource))
    metadata = {name: value for name, value in obj["metadata"].items() if name != "managedFields"}
    if owners:
        metadata["managedFields"] = [manager.payload() for manager in owners]
    return {**obj, "metadata": metadata}


def track_update(resource: Resource, old: Object, new: Object, manager: Manager) -> Object:
    """`new` with owners as after an update: whoever changes a field owns it alone."""
    changed, removed = compare(resource.schema, old, new)
    kept = kept_fields(resource, manager.subresource)
    changed, removed = _owned(changed, kept), _owned(removed, kept)
    if manager.subresource == "scale" and not new["spec"].get("replicas"):
        changed, removed = frozenset(), changed | removed  # a Scale leaves no replicas out, so that nobody owns them
    if not changed and not removed:
        return with_managers(new, managers_of(old))
    mine: FieldSet = frozenset()
    others = []
    for owner in managers_of(old):
        if owner.identity == manager.identity:
            mine = owner.fields
        else:
            others.append(replace(owner, fields=owner.fields - changed - removed))
    return with_managers(new, [*others, replace(manager, fields=(mine - removed) | changed)])


def apply(resource: Resource, live: Object, applied: Object, manager: Manager, *, force: bool) -> Object:
    """The merged object. Raises ApiError 409 when another manager owns a field with another value, unless forced."""
    schema = resource.schema
    kept = kept_fields(resource, manager.subresource)
    wanted = _owned(managed_fields_of(schema, applied), kept)
    owners = managers_of(live)
    previous = next((owner for owner in owners if owner.identity == manager.identity), None)
    others = [owner for owner in owners if owner is not previous]
    merged = _merge(schema, live, _configuration(schema, applied, kept))
    merged["metadata"] |= {name: live["metadata"][name] for name in _FIXED_METADATA if name in live["metadata"]}
    dropped = (previous.fields if previous else frozenset()) - wanted
    merged = _prune(schema, merged, dropped, [wanted, *(owner.fields for owner in others)])
    changed, removed = compare(schema, live, merged)
    conflicts = [(owner, path) for owner in others for path in sorted(owner.fields & changed & wanted)]
    if conflicts and not force:
        raise _conflict(conflicts)
    taken = {path for _, path in conflicts}
    others = [replace(owner, fields=owner.fields - taken - removed) for owner in others]
    # An apply that changes nothing leaves no new time.
    time = manager.time if merged != live else previous.time if previous else ""
    return with_managers(merged, [*others, replace(manager, time=time, fields=wanted)])


_FIXED_METADATA = ("uid", "creationTimestamp", "generation", "resourceVersion", "deletionTimestamp")


def kept_fields(resource: Resource, subresource: str) -> tuple[Path, ...]:
    """What a write of the subresource ("" for the object itself) leaves as it was, and so never owns.

    Source: GetResetFields and PrepareForUpdate of each kind's strategy in k8s.io/kubernetes pkg/registry.
    """
    if subresource == "status":
        return (("f:spec",), *_KEPT_BY_STATUS.get(resource.kind, ()))
    return (("f:status",),) if resource.has_own_status else ()


_KEPT_BY_STATUS: dict[str, tuple[Path, ...]] = {
    "Pod": (("f:metadata", "f:ownerReferences"),),
    "Deployment": (("f:metadata", "f:labels"),),
}


def _owned(fields: FieldSet, kept: tuple[Path, ...]) -> FieldSet:
    return frozenset(path for path in fields if not any(path[: len(prefix)] == prefix for prefix in kept))


def _configuration(schema: Schema, applied: Object, kept: tuple[Path, ...]) -> Object:
    for path in kept:
        applied = remove_path(applied, schema, path) or {}
    return applied


def _merge(schema: Schema, live: Any, applied: Any) -> Any:
    if isinstance(applied, dict) and isinstance(live, dict) and not schema.is_atomic:
        merged = dict(live)
        for name, value in applied.items():
            child = schema.child(name)
            known = name in live and child is not None
            merged[name] = _merge(child, live[name], value) if known and child else copied(value)
        return merged
    if isinstance(applied, list) and isinstance(live, list) and not schema.is_atomic:
        return _merge_items(schema, live, applied)
    return copied(applied)


def _merge_items(schema: Schema, live: list[Any], applied: list[Any]) -> list[Any]:
    """The applied order; what only the live list has keeps its place before the next item both have."""
    wanted = {element(schema, item): item for item in applied}
    present = {element(schema, item): item for item in live}
    left, shared = deque(present), deque(key for key in wanted if key in present)
    merged: list[Any] = []
    for key, item in wanted.items():
        while left and left[0] != (shared[0] if shared else None):
            if (passed := left.popleft()) not in wanted:
                merged.append(present[passed])
        if shared and key == shared[0]:
            shared.popleft()
            if left:
                left.popleft()
        merged.append(_merge(schema.items, present[key], item) if key in present else copied(item))
    return merged + [present[key] for key in left if key not in wanted]


def _prune(schema: Schema, merged: Object, dropped: FieldSet, owned: list[FieldSet]) -> Object:
    """Without the fields this manager used to apply, unless they are owned or hold something that is."""
    kept: set[Path] = {path[:length] for fields in owned for path in fields for length in range(1, len(path) + 1)}
    for path in sorted(dropped - kept, key=len):  # an item goes as a whole, with its defaults
        merged = remove_path(merged, schema, path) or {}
    return merged


def _conflict(conflicts: list[tuple[Manager, Path]]) -> ApiError:
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {owner.shown}", "field": shown(path)}
        for owner, path in conflicts
    ]
    if len(conflicts) == 1:
        owner, path = conflicts[0]
        message = f"Apply failed with 1 conflict: conflict with {owner.shown}: {shown(path)}"
    else:
        lines: list[str] = []
        for owner in dict.fromkeys(owner for owner, _ in conflicts):
            lines.append(f"conflicts with {owner.shown}:")
            lines += [f"- {shown(path)}" for one, path in conflicts if one is owner]
        message = f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)
    return ApiError(409, "Conflict", message, {"causes": causes})
