"""The three classic patches: JSON patch (RFC 6902), merge patch (RFC 7386) and strategic merge patch.

Source: k8s.io/apimachinery/pkg/util/strategicpatch; merge keys come from the kind's schema.
"""

from typing import Any

from local.json_copy import copied
from local.kubernetes.embedded.errors import ApiError, bad_request
from local.kubernetes.embedded.schema import Schema

Object = dict[str, Any]


def json_patch(document: Object, operations: Any) -> Any:
    """RFC 6902. Raises ApiError: 422 when an operation cannot be carried out, as kube-apiserver says it."""
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise bad_request("error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    root: Any = {"": copied(document)}
    for operation in operations:
        try:
            _json_operation(root, operation)
        except (KeyError, IndexError, ValueError, TypeError):
            message = "the server rejected our request due to an error in our request"
            raise ApiError(422, "Invalid", message, {}) from None
    return root[""]


def _json_operation(root: Any, operation: Object) -> None:
    parent, key = _locate(root, operation["path"])
    match operation["op"]:
        case "test":
            if _at(parent, key) != operation.get("value"):
                raise ValueError(operation["path"])
        case "remove":
            del parent[_index(parent, key)]
        case "add":
            _add(parent, key, copied(operation["value"]))
        case "replace":
            _at(parent, key)
            parent[_index(parent, key)] = copied(operation["value"])
        case "copy" | "move":
            source, source_key = _locate(root, operation["from"])
            value = copied(_at(source, source_key))
            if operation["op"] == "move":
                del source[_index(source, source_key)]
                parent, key = _locate(root, operation["path"])
            _add(parent, key, value)
        case unknown:
            raise ValueError(unknown)


def _locate(root: Any, pointer: str) -> tuple[Any, str]:
    *parents, key = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")]
    current = root
    for part in parents:
        current = _at(current, part)
    return current, key


def _index(parent: Any, key: str) -> Any:
    return int(key) if isinstance(parent, list) else key


def _at(parent: Any, key: str) -> Any:
    return parent[_index(parent, key)]


def _add(parent: Any, key: str, value: Any) -> None:
    if not isinstance(parent, list):
        parent[key] = value
        return
    position = len(parent) if key == "-" else int(key)
    if not 0 <= position <= len(parent):
        raise IndexError(key)
    parent.insert(position, value)


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386: null removes, lists are replaced."""
    if not isinstance(patch, dict):
        return copied(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def strategic_merge(target: Any, patch: Any, schema: Schema | None) -> Any:
    """A merge patch that knows which lists merge by which key, and the $patch, $retainKeys, $deleteFromPrimitiveList
    and $setElementOrder directives kubectl writes."""
    if not isinstance(patch, dict):
        return copied(patch)
    if patch.get("$patch") == "replace":
        return {name: copied(value) for name, value in patch.items() if name != "$patch"}
    if patch.get("$patch") == "delete":
        return {}
    merged = dict(target) if isinstance(target, dict) else {}
    if "$retainKeys" in patch:
        merged = {name: value for name, value in merged.items() if name in patch["$retainKeys"]}
    for name, value in patch.items():
        if name.startswith("$"):
            _list_directive(merged, name, value)
            continue
        child = schema.child(name) if schema else None
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, list) and child is not None and child.merges:
            merged[name] = _merge_list(merged.get(name) or [], value, child)
        else:
            merged[name] = strategic_merge(merged.get(name), value, child)
    _order_lists(merged, patch, schema)
    return merged


def _list_directive(merged: Object, name: str, value: Any) -> None:
    directive, _, field = name.partition("/")
    if directive == "$deleteFromPrimitiveList" and isinstance(merged.get(field), list):
        merged[field] = [item for item in merged[field] if item not in value]


def _merge_list(target: list[Any], patch: list[Any], schema: Schema) -> list[Any]:
    key = schema.merge_key
    if key is None:
        return [*target, *(item for item in patch if item not in target)]
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [copied(item) for item in patch if item.get("$patch") != "replace"]
    merged, added = list(target), []
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        index = next((index for index, one in enumerate(merged) if one.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            merged = [one for one in merged if one.get(key) != item[key]]
        elif index is None:
            added.append(strategic_merge({}, item, schema.items))
        else:
            merged[index] = strategic_merge(merged[index], item, schema.items)
    patched = [item[key] for item in patch]
    ordered = sorted([*added, *merged], key=lambda one: patched.index(one[key]) if one[key] in patched else -1)
    touched = [one for one in ordered if one[key] in patched]
    untouched = [one for one in merged if one[key] not in patched]
    return _interleaved(touched, untouched, [one.get(key) for one in target], key)


def _interleaved(patched: list[Any], untouched: list[Any], before: list[Any], key: str) -> list[Any]:
    """The patch's order; what it does not touch keeps its place relative to what was there, else comes after."""
    result: list[Any] = []
    waiting = list(untouched)
    for item in patched:
        while waiting and item[key] in before and before.index(waiting[0][key]) < before.index(item[key]):
            result.append(waiting.pop(0))
        result.append(item)
    return result + waiting


def _order_lists(merged: Object, patch: Object, schema: Schema | None) -> None:
    for name, order in patch.items():
        directive, _, field = name.partition("/")
        if directive != "$setElementOrder" or not isinstance(merged.get(field), list):
            continue
        child = schema.child(field) if schema else None
        key = child.merge_key if child else None
        wanted = [one[key] if key else one for one in order]
        ranks = {value: rank for rank, value in enumerate(wanted)}
        # What the patch does not know keeps its place behind its neighbours; a stable sort is close enough.
        merged[field].sort(key=lambda item: ranks.get(item.get(key) if key else item, len(ranks)))
