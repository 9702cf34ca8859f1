"""Sets of fields and their managedFields form (FieldsV1).

A path is a tuple of FieldsV1 elements: "f:<name>", 'k:{"name":"x"}' (an item by its keys), 'v:"x"' (an item of a set).
Source: sigs.k8s.io/structured-merge-diff (typed.ToFieldSet, typed.Compare, fieldpath).
"""

import json
from typing import Any

from local.kubernetes.embedded.schema import Schema

Path = tuple[str, ...]
FieldSet = frozenset[Path]
_ABSENT: Any = object()
_UNMANAGED_METADATA = ("name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "resourceVersion")
_NEVER_MANAGED: FieldSet = frozenset(
    {("f:apiVersion",), ("f:kind",), ("f:metadata",), ("f:metadata", "f:managedFields")}
    | {("f:metadata", f"f:{name}") for name in _UNMANAGED_METADATA}
)


def element(schema: Schema, item: Any) -> str:
    """The path element of an item of a list that is not atomic."""
    if not schema.list_keys:
        return "v:" + _compact(item)
    # A port's protocol may be left out: TCP is part of its key all the same.
    keys = {key: item.get(key, "TCP" if key == "protocol" else None) for key in schema.list_keys}
    return "k:" + _compact({key: value for key, value in sorted(keys.items()) if value is not None})


def managed_fields_of(schema: Schema, obj: Any) -> FieldSet:
    """Every field an applied configuration has an opinion about."""
    found: set[Path] = set()
    _collect(schema, obj, (), found)
    return without_unmanaged(found)


def _collect(schema: Schema, value: Any, path: Path, found: set[Path]) -> None:
    if schema.is_atomic:
        found.add(path)
    elif schema.type == "array":
        for item in value:
            inner = (*path, element(schema, item))
            found.add(inner)
            if isinstance(item, dict):
                _collect(schema.items, item, inner, found)
    else:
        for name, item in value.items():
            inner, child = (*path, f"f:{name}"), schema.child(name)
            if child is not None:
                _collect(child, item, inner, found)
            if item == {} or name not in schema.properties:
                found.add(inner)


def compare(schema: Schema, old: Any, new: Any) -> tuple[FieldSet, FieldSet]:
    """Fields added or changed, and fields removed, between two objects."""
    changed: set[Path] = set()
    removed: set[Path] = set()
    _compare(schema, old, new, (), changed, removed)
    return without_unmanaged(changed), without_unmanaged(removed)


def _compare(schema: Schema, old: Any, new: Any, path: Path, changed: set[Path], removed: set[Path]) -> None:
    if schema.is_atomic or (not (old is not _ABSENT and old) and not (new is not _ABSENT and new)):
        if new is _ABSENT:
            removed.add(path)
        elif old is _ABSENT or old != new:
            changed.add(path)
        return
    old_parts, new_parts = _parts(schema, old), _parts(schema, new)
    for name in {**old_parts, **new_parts}:
        before, after = old_parts.get(name, _ABSENT), new_parts.get(name, _ABSENT)
        inner = (*path, name)
        child = schema.items if schema.type == "array" else schema.child(name[2:])
        if child is not None:
            _compare(child, before, after, inner, changed, removed)
        if before is _ABSENT:
            changed.add(inner)
        elif after is _ABSENT:
            removed.add(inner)


def _parts(schema: Schema, value: Any) -> dict[str, Any]:
    if value is _ABSENT or not value:
        return {}
    if schema.type == "array":
        return {element(schema, item): item for item in value}
    return {f"f:{name}": item for name, item in value.items()}


def without_unmanaged(paths: set[Path] | FieldSet) -> FieldSet:
    return frozenset(
        path for path in paths if path not in _NEVER_MANAGED and path[:2] != ("f:metadata", "f:managedFields")
    )


def to_fields_v1(paths: FieldSet) -> dict[str, Any]:
    root: dict[str, Any] = {}
    prefixes = {path[:length] for path in paths for length in range(len(path))}
    for path in sorted(paths):
        node = root
        for part in path:
            node = node.setdefault(part, {})
        if path in prefixes:
            node["."] = {}
    return root


def from_fields_v1(fields: dict[str, Any], prefix: Path = ()) -> FieldSet:
    if not fields:
        return frozenset({prefix}) if prefix else frozenset()
    found: set[Path] = set()
    for part, inner in fields.items():
        found |= {prefix} if part == "." else from_fields_v1(inner, (*prefix, part))
    return frozenset(found)


def remove_path(value: Any, schema: Schema, path: Path) -> Any:
    """The value without what the path names; a container that becomes empty goes too (None)."""
    part, rest = path[0], path[1:]
    if isinstance(value, dict):
        name = part[2:]
        child = schema.child(name)
        if name not in value or child is None:
            return value
        inner = remove_path(value[name], child, rest) if rest else None
        left = {key: item for key, item in value.items() if key != name}
        return {**value, name: inner} if inner is not None else left or None
    if isinstance(value, list):
        kept = []
        for item in value:
            if element(schema, item) != part:
                kept.append(item)
            elif rest and (inner := remove_path(item, schema.items, rest)) is not None:
                kept.append(inner)
        return kept or None
    return value


def shown(path: Path) -> str:
    """A path as conflict messages show it: .spec.containers[name="c"].image"""
    text = ""
    for part in path:
        if part.startswith("f:"):
            text += f".{part[2:]}"
        elif part.startswith("v:"):
            text += f"[={part[2:]}]"
        else:
            text += "[" + ",".join(f"{key}={_compact(value)}" for key, value in json.loads(part[2:]).items()) + "]"
    return text


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
