"""What the API says it serves: groups, resources and OpenAPI, as kubectl and client libraries discover it.

Source: Kubernetes API concepts, "API discovery"; kube-apiserver's /openapi/v2 and /openapi/v3.
"""

import copy
import hashlib
import json
from functools import cache
from typing import Any

from local.kubernetes.embedded.errors import no_such_resource
from local.kubernetes.embedded.resources import ACCESS_REVIEWS, ALL_VERBS, BY_PATH, GROUPS, Resource
from local.kubernetes.embedded.scaling import SCALE, SUBRESOURCE
from local.kubernetes.embedded.schema import definitions

Object = dict[str, Any]
VERSION = {
    "major": "1",
    "minor": "37",
    "gitVersion": "v1.37.2",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}
_SUBRESOURCES: dict[str, tuple[str, tuple[str, ...]]] = {
    "status": ("", ("get", "patch", "update")),
    "log": ("", ("get",)),
    "exec": ("PodExecOptions", ("create", "get")),
    "binding": ("Binding", ("create",)),
    SUBRESOURCE: (SCALE.kind, ("get", "patch", "update")),
}


def api_versions(address: str) -> Object:
    addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}


def api_group_list() -> Object:
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in GROUPS if name]}


def api_group(name: str) -> Object:
    if not name or name not in GROUPS:
        raise no_such_resource(known_group=False)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name)}


def _group(name: str) -> Object:
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def api_resource_list(group: str, version: str) -> Object:
    """Raises ApiError NotFound."""
    resources: list[Object] = []
    for resource in _of(group, version):
        resources.append(_entry(resource))
        resources += [_subresource(resource, name) for name in sorted(resource.subresources)]
    group_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources}


def _of(group: str, version: str) -> list[Resource]:
    found = [one for key, one in sorted(BY_PATH.items()) if key[:2] == (group, version)]
    if not found:
        raise no_such_resource(known_group=group in GROUPS)
    return found


def _entry(resource: Resource) -> Object:
    entry: Object = {"name": resource.plural, "singularName": resource.kind.lower(), "namespaced": resource.namespaced}
    entry |= {"kind": resource.kind, "verbs": ["create"] if resource is ACCESS_REVIEWS else list(ALL_VERBS)}
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    return entry


def _subresource(resource: Resource, name: str) -> Object:
    kind, verbs = _SUBRESOURCES[name]
    entry: Object = {"name": f"{resource.plural}/{name}", "singularName": "", "namespaced": resource.namespaced}
    if name == SUBRESOURCE:
        entry |= {"group": SCALE.group, "version": SCALE.version}
    return {**entry, "kind": kind or resource.kind, "verbs": list(verbs)}


def openapi_v3_index() -> Object:
    """The documents by group and version; the hash makes them cacheable."""
    paths = {}
    for group in GROUPS:
        path = f"apis/{group}/v1" if group else "api/v1"
        digest = hashlib.sha256(json.dumps(openapi_v3(group, "v1"), sort_keys=True).encode()).hexdigest().upper()
        paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
    return {"paths": paths}


@cache
def openapi_v3(group: str, version: str) -> Object:
    """Schemas, and of the operations what kubectl looks for: that a kind's PATCH takes fieldValidation."""
    paths: Object = {}
    for resource in _of(group, version):
        prefix = f"/apis/{group}/{version}" if group else f"/api/{version}"
        scope = "/namespaces/{namespace}" if resource.namespaced else ""
        kind: Object = {"group": group, "version": version, "kind": resource.kind}
        parameters = [
            {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
            for name in ("dryRun", "fieldManager", "fieldValidation", "force")
        ]
        patch: Object = {
            "operationId": f"patch{resource.kind}",
            "parameters": parameters,
            "x-kubernetes-action": "patch",
        }
        patch |= {"x-kubernetes-group-version-kind": kind, "responses": {"200": {"description": "OK"}}}
        paths[f"{prefix}{scope}/{resource.plural}/{{name}}"] = {"patch": patch}
    schemas = _with_references(copy.deepcopy(definitions()), "#/components/schemas/")
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]},
        "paths": paths,
        "components": {"schemas": schemas},
    }


@cache
def openapi_v2() -> Object:
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]},
        "paths": {},
        "definitions": definitions(),
    }


def _with_references(node: Any, prefix: str) -> Any:
    """OpenAPI 3 keeps schemas elsewhere, and allows nothing beside a $ref but in an allOf."""
    if isinstance(node, list):
        return [_with_references(one, prefix) for one in node]
    if not isinstance(node, dict):
        return node
    rest = {name: _with_references(value, prefix) for name, value in node.items() if name != "$ref"}
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return {**rest, "$ref": _with_references(reference, prefix)} if reference else rest
    target = {"$ref": prefix + reference.rpartition("/")[2]}
    return {**rest, "allOf": [target]} if rest else target
