"""Reads request bodies as kube-apiserver's decoder does: types refused, unknown and duplicate fields reported.

Source: sigs.k8s.io/json strict decoding; fieldValidation in the API conventions.
"""

import json
from typing import Any

import yaml

from local.kubernetes.embedded.errors import ApiError, bad_request, unsupported_media_type
from local.kubernetes.embedded.resources import Resource
from local.kubernetes.embedded.schema import Schema

Object = dict[str, Any]
_GO_NAMES = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}
_ACCEPTED = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "quantity": (str, int, float),
    "int-or-string": (str, int),
    "time": (str,),
    "raw": (dict,),
}


class Pairs(dict[str, Any]):
    """A JSON object that remembers its pairs as written, so that duplicates can be named."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.written = pairs


def parse_body(body: bytes, content_type: str, kind: str) -> Any:
    """The body as plain data. Raises ApiError 400 or 415."""
    if content_type in ("application/json", "", "application/octet-stream"):
        try:
            return json.loads(body, object_pairs_hook=Pairs)
        except ValueError as wrong:
            shown = body.decode(errors="replace")[:100] or "<empty>"
            message = f"couldn't get version/kind; json parse error: {wrong} ({shown})"
            raise bad_request(f"the object provided is unrecognized (must be of type {kind}): {message}") from None
    if content_type in ("application/yaml", "application/apply-patch+yaml"):
        return parse_yaml(body)
    accepted = "application/json, application/yaml"
    message = "the body of the request was in an unknown format - accepted media types include: "
    raise unsupported_media_type(message + accepted)


def parse_yaml(body: bytes) -> Any:
    """JSON is YAML too, and its duplicates can be told."""
    try:
        return json.loads(body, object_pairs_hook=Pairs)
    except ValueError:
        pass
    try:
        # BaseLoader would lose numbers; dates must stay text, which json.dumps(default=str) restores.
        return json.loads(json.dumps(yaml.safe_load(body), default=str))
    except yaml.YAMLError as wrong:
        raise bad_request(f"error decoding YAML: {wrong}") from None


def decode(resource: Resource, body: Any) -> tuple[Object, list[str]]:
    """The object without unknown fields and nulls, and what a strict decoder has to say. Raises ApiError 400."""
    if not isinstance(body, dict):
        raise bad_request(f"the object provided is unrecognized (must be of type {resource.kind})")
    kind, version = body.get("kind") or resource.kind, body.get("apiVersion") or resource.group_version
    prefix = f'{kind} in version "{str(version).rpartition("/")[2]}" cannot be handled as a {resource.kind}: '
    if version != resource.group_version:
        raise bad_request(f'{prefix}no kind "{kind}" is registered for version "{version}" in scheme')
    if kind != resource.kind:
        raise bad_request(f"{prefix}converting ({version}.{kind}) to ({resource.kind}): unknown conversion")
    complaints: list[str] = []
    try:
        decoded = _decode(resource.schema, body, "", resource.kind, complaints)
    except _WrongTypeError as wrong:
        raise bad_request(f"{prefix}json: {wrong}") from None
    return {**decoded, "kind": kind, "apiVersion": version}, complaints


def strict_error(resource: Resource, complaints: list[str]) -> ApiError:
    handled = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}'
    return bad_request(f"{handled}: strict decoding error: {', '.join(complaints)}")


class _WrongTypeError(Exception):
    pass


def _decode(schema: Schema, value: Any, path: str, owner: str, complaints: list[str]) -> Any:
    accepted: Any = _ACCEPTED[schema.type]
    if (isinstance(value, bool) and schema.type != "boolean") or not isinstance(value, accepted):
        wanted = {"integer": schema.raw.get("format", "int64"), "boolean": "bool"}.get(schema.type, schema.type)
        where = f"{owner}.{path}" if path else owner
        raise _WrongTypeError(
            f"cannot unmarshal {_GO_NAMES[type_of(value)]} into Go struct field {where} of type {wanted}"
        )
    if schema.type == "array":
        items = enumerate(value)
        return [_decode(schema.items, item, f"{path}[{index}]", owner, complaints) for index, item in items]
    if schema.type != "object":
        return value
    return _decode_fields(schema, value, path, schema.go_type or owner, complaints)


def _decode_fields(schema: Schema, value: Object, path: str, owner: str, complaints: list[str]) -> Object:
    decoded: Object = {}
    seen: set[str] = set()
    for name, inner in value.written if isinstance(value, Pairs) else list(value.items()):
        where = f"{path}.{name}" if path else name
        child = schema.child(name)
        if name in seen:
            complaints.append(f'duplicate field "{where}"')
        if child is None:
            complaints.append(f'unknown field "{where}"')
        elif inner is not None:
            decoded[name] = _decode(child, inner, where, owner, complaints)
        seen.add(name)
    return decoded


def type_of(value: Any) -> type:
    """The JSON type of a decoded value."""
    return next((kind for kind in (bool, int, float, str, list, dict) if isinstance(value, kind)), dict)
