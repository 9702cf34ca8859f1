"""`kubectl auth can-i`: SelfSubjectAccessReview, which kubectl sends as protobuf whatever the server prefers.

Source: k8s.io/api/authorization/v1/generated.proto; k8s.io/apimachinery/pkg/runtime/generated.proto (Unknown) and
the "k8s\\0" prefix of serializer/protobuf.
"""

from collections.abc import Iterator
from typing import Any

from local.kubernetes.embedded.authorization import allowed, allowed_path
from local.kubernetes.embedded.decoding import parse_body
from local.kubernetes.embedded.errors import bad_request
from local.kubernetes.interfaces import KubernetesUser

Object = dict[str, Any]
_MAGIC = b"k8s\0"
_RAW, _SPEC, _RESOURCE, _NON_RESOURCE = 2, 2, 1, 2
_RESOURCE_FIELDS = {1: "namespace", 2: "verb", 3: "group", 4: "version", 5: "resource", 6: "subresource", 7: "name"}
_NON_RESOURCE_FIELDS = {1: "path", 2: "verb"}


def review(user: KubernetesUser, body: bytes, content_type: str) -> Object:
    """The review with its answer. Raises ApiError 400 or 415."""
    if content_type == "application/vnd.kubernetes.protobuf":
        spec = _spec_of(body)
    else:
        parsed = parse_body(body, content_type, "SelfSubjectAccessReview")
        spec = (parsed.get("spec") if isinstance(parsed, dict) else None) or {}
    head: Object = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1"}
    return {**head, "metadata": {}, "spec": spec, "status": {"allowed": _answer(user, spec)}}


def _answer(user: KubernetesUser, spec: Object) -> bool:
    if path := spec.get("nonResourceAttributes"):
        return allowed_path(user, path.get("path", ""))
    asked = spec.get("resourceAttributes") or {}
    target = "/".join(filter(None, (asked.get("resource", ""), asked.get("subresource", ""))))
    return allowed(user, asked.get("verb", ""), asked.get("group", ""), target)


def _spec_of(body: bytes) -> Object:
    try:
        if not body.startswith(_MAGIC):
            raise ValueError("no magic number")
        raw = dict(_fields(body[len(_MAGIC) :]))[_RAW]
        spec = dict(_fields(dict(_fields(raw)).get(_SPEC, b"")))
        return {
            name: {names[number]: value.decode() for number, value in _fields(spec[field]) if number in names}
            for name, field, names in (
                ("resourceAttributes", _RESOURCE, _RESOURCE_FIELDS),
                ("nonResourceAttributes", _NON_RESOURCE, _NON_RESOURCE_FIELDS),
            )
            if field in spec
        }
    except (KeyError, IndexError, ValueError) as wrong:
        raise bad_request(
            f"the object provided is unrecognized (must be of type SelfSubjectAccessReview): {wrong}"
        ) from (None)


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a message that has only length-delimited ones, as these have."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        length, at = _varint(message, at)
        if tag & 7 != 2 or at + length > len(message):
            raise ValueError("not a length-delimited field")
        yield tag >> 3, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
