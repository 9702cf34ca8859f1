"""What a URL asks for. Source: k8s.io/apiserver/pkg/endpoints/request/requestinfo.go."""

from collections.abc import Mapping
from dataclasses import dataclass

from local.kubernetes.embedded.errors import method_not_allowed, no_such_resource
from local.kubernetes.embedded.queries import is_set
from local.kubernetes.embedded.resources import ACCESS_REVIEWS, BY_PATH, GROUPS, Resource

_VERBS = {
    "GET": ("get", "list"),
    "HEAD": ("get", "list"),
    "POST": ("create", "create"),
    "PUT": ("update", "update"),
    "PATCH": ("patch", "patch"),
    "DELETE": ("delete", "deletecollection"),
}
_NAMESPACE_SUBRESOURCES = ("status", "finalize")


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

    @property
    def target(self) -> str:
        """The resource as a role names it: pods/log."""
        return f"{self.resource.plural}/{self.subresource}" if self.subresource else self.resource.plural

    def check_served(self) -> None:
        """Raises ApiError NotFound, MethodNotAllowed. To be asked after whether the caller may know."""
        resource = self.resource
        if resource.group not in GROUPS:
            raise no_such_resource(known_group=False)
        right_place = resource.namespaced == bool(self.namespace) or (resource.namespaced and not self.name)
        known_part = not self.subresource or self.subresource in resource.subresources
        if resource not in BY_PATH.values() or not right_place or not known_part:
            raise no_such_resource()
        if (resource is ACCESS_REVIEWS and self.verb != "create") or (
            self.verb in ("update", "patch") and not self.name
        ):
            raise method_not_allowed()


def request_info(method: str, path: str, query: Mapping[str, str]) -> RequestInfo | None:
    """None when the path names no resource; one that is not served is named all the same."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[:1] == ["apis"] and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in _NAMESPACE_SUBRESOURCES:
        namespace, rest = rest[1], rest[2:]
    name, subresource = rest[1] if len(rest) > 1 else "", "/".join(rest[2:])
    unknown = Resource(group, rest[0], "", bool(namespace), version=version)
    resource = BY_PATH.get((group, version, rest[0]), unknown)
    of_one, of_many = _VERBS.get(method, ("", ""))
    verb = of_one if name else of_many
    if not verb:
        raise method_not_allowed()
    return RequestInfo(
        "watch" if method == "GET" and is_set(query, "watch") else verb, resource, namespace, name, subresource
    )
