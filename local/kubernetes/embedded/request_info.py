"""What a URL asks for. Source: k8s.io/apiserver/pkg/endpoints/request/requestinfo.go."""

from dataclasses import dataclass
from typing import Any

from local.kubernetes.embedded.errors import method_not_allowed, no_such_resource
from local.kubernetes.embedded.resources import ACCESS_REVIEWS, BY_PATH, Resource

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True)
class RequestInfo:
    verb: str
    resource: Resource
    namespace: str
    name: str
    subresource: str

    @property
    def scope(self) -> str | None:
        """The namespace to look in; None for all."""
        return (self.namespace or None) if self.resource.namespaced else None


def request_info(method: str, path: str, query: Any) -> RequestInfo | None:
    """None when the path names no resource. Raises ApiError NotFound, MethodNotAllowed."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[:1] == ["apis"] and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and (group, version, rest[2]) in BY_PATH:
        namespace, rest = rest[1], rest[2:]
    resource = BY_PATH.get((group, version, rest[0]))
    if resource is None or len(rest) > 3 or (namespace and not resource.namespaced):
        raise no_such_resource()
    name, subresource = [*rest[1:], "", ""][:2]
    if subresource and subresource not in resource.subresources:
        raise no_such_resource()
    return RequestInfo(_verb(method, name, query, resource), resource, namespace, name, subresource)


def _verb(method: str, name: str, query: Any, resource: Resource) -> str:
    if resource is ACCESS_REVIEWS and method != "POST":
        raise method_not_allowed()
    if method == "GET":
        if query.get("watch") in ("true", "1", "True"):
            return "watch"
        return "get" if name else "list"
    if method == "DELETE":
        return "delete" if name else "deletecollection"
    if method not in _VERBS or (method in ("PUT", "PATCH") and not name):
        raise method_not_allowed()
    return _VERBS[method]
