"""From an HTTP request on a resource to the operation it stands for, and back."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from local.kubernetes.embedded import access_reviews, kubelet_proxy, scaling, watch
from local.kubernetes.embedded.authorization import authorize
from local.kubernetes.embedded.decoding import decode, parse_body, parse_yaml, strict_error
from local.kubernetes.embedded.deletion import DeleteOptions, Deletions
from local.kubernetes.embedded.errors import (
    ApiError,
    bad_request,
    conflict,
    forbidden_field,
    invalid,
    invalid_value,
    method_not_allowed,
    required,
    unsupported,
)
from local.kubernetes.embedded.operations import Operations, Write, timestamp
from local.kubernetes.embedded.patches import json_patch, merge_patch, strategic_merge
from local.kubernetes.embedded.queries import Continuation, integer, is_set
from local.kubernetes.embedded.request_info import RequestInfo
from local.kubernetes.embedded.resources import ACCESS_REVIEWS, PODS, Resource
from local.kubernetes.embedded.store import Store, place_of
from local.kubernetes.embedded.tables import table_of
from local.kubernetes.interfaces import KubernetesUser

Object = dict[str, Any]
_OPTIONS = {"create": "CreateOptions", "update": "UpdateOptions", "patch": "PatchOptions"}
_FIELD_VALIDATION = ("", "Ignore", "Strict", "Warn")
_JSON_PATCH, _MERGE_PATCH = "application/json-patch+json", "application/merge-patch+json"
_STRATEGIC_PATCH, _APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"


class Handlers:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.operations = Operations(store)
        self.deletions = Deletions(self.operations)

    async def handle(self, request: web.Request, info: RequestInfo, user: KubernetesUser) -> web.StreamResponse:
        verb = "create" if info.subresource == "exec" else info.verb
        authorize(user, verb, info)
        info.check_served()
        if info.resource is ACCESS_REVIEWS:
            answer = access_reviews.review(user, await request.read(), request.content_type)
            return web.json_response(answer, status=201)
        if info.subresource in ("log", "exec"):
            pod = self.operations.get(PODS, info.namespace, info.name)
            proxy = kubelet_proxy.log if info.subresource == "log" else kubelet_proxy.execute
            return await proxy(request, self.store, pod)
        if info.subresource == scaling.SUBRESOURCE:
            return await self._scale(request, info)
        match info.verb:
            case "get":
                found = self.operations.get(info.resource, info.namespace, info.name)
                return _rendered(request, info.resource, [found], found)
            case "list":
                return self._list(request, info)
            case "watch":
                return await self._watch(request, info)
            case "delete" | "deletecollection":
                return await self._delete(request, info)
        return await self._write(request, info)

    def _list(self, request: web.Request, info: RequestInfo) -> web.Response:
        query = request.query
        watch.resource_version(query)
        integer(query, "timeoutSeconds")
        limit, continuation = integer(query, "limit") or 0, Continuation.of(query.get("continue", ""))
        version = continuation.version if continuation else self.store.version
        matches = watch.selected(query, info.resource, info.scope)
        items = [obj for obj in self.store.select_at(version, info.resource, info.scope) if matches(obj)]
        if continuation:
            items = [obj for obj in items if place_of(obj) > continuation.after]
        metadata: Object = {"resourceVersion": str(version)}
        if 0 < limit < len(items):
            metadata["continue"] = Continuation(version, place_of(items[limit - 1])).token
            if not query.get("labelSelector") and not query.get("fieldSelector"):
                metadata["remainingItemCount"] = len(items) - limit
            items = items[:limit]
        return _rendered(request, info.resource, items, _typed_list(info.resource, items, metadata), metadata)

    async def _watch(self, request: web.Request, info: RequestInfo) -> web.StreamResponse:
        matches = watch.selected(request.query, info.resource, info.scope, info.name)

        def render(obj: Object) -> Object:
            metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
            return table_of(info.resource, [obj], metadata) if _wants_table(request) else obj

        return await watch.stream(request, self.store, info.resource, matches, render)

    async def _delete(self, request: web.Request, info: RequestInfo) -> web.Response:
        body = await request.read()
        parsed = parse_body(body, request.content_type, "DeleteOptions") if body.strip() else {}
        options = DeleteOptions.of(dict(request.query), parsed if isinstance(parsed, dict) else {})
        if info.verb == "delete":
            return web.json_response(self.deletions.delete(info.resource, info.namespace, info.name, options))
        matches = watch.selected(request.query, info.resource, info.scope)
        chosen = [obj for obj in self.store.select(info.resource, info.scope) if matches(obj)]
        for obj in chosen:
            metadata = obj["metadata"]
            self.deletions.delete(info.resource, metadata.get("namespace", ""), metadata["name"], options)
        return web.json_response(_typed_list(info.resource, chosen, {"resourceVersion": str(self.store.version)}))

    async def _write(self, request: web.Request, info: RequestInfo) -> web.Response:
        _check_options(request, info.verb)
        body = await request.read()
        if info.subresource == "binding":
            return self._bind(info, parse_body(body, request.content_type, "Binding"))
        write = _write_of(request, info)
        if info.verb == "patch":
            return self._patch(request, info, body, write)
        parsed = parse_body(body, request.content_type, info.resource.kind)
        obj, complaints = decode(info.resource, parsed)
        warnings = _judge(request, info.resource, complaints)
        if info.verb == "create":
            if info.name:
                raise method_not_allowed()
            stored, status = self.operations.create(info.resource, info.namespace, obj, write), 201
        else:
            stored, status = self.operations.update(info.resource, info.namespace, info.name, obj, write), 200
        return web.json_response(stored, status=status, headers=_warned(warnings))

    def _patch(self, request: web.Request, info: RequestInfo, body: bytes, write: Write) -> web.Response:
        resource = info.resource
        if request.content_type == _APPLY:
            return self._apply(request, info, parse_yaml(body), write)
        warnings: list[str] = []
        change = self._change(request, resource, body, warnings)
        stored = self.operations.patch(resource, info.namespace, info.name, change, write)
        return web.json_response(stored, headers=_warned(warnings))

    def _change(
        self, request: web.Request, resource: Resource, body: bytes, warnings: list[str]
    ) -> Callable[[Object], Object]:
        """What a patch makes of an object of that kind; what it is warned of is known once it has been made."""
        if request.content_type not in (_JSON_PATCH, _MERGE_PATCH, _STRATEGIC_PATCH):
            raise ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
        patch = parse_body(body, "application/json", resource.kind)

        def change(old: Object) -> Object:
            if request.content_type == _JSON_PATCH:
                patched = json_patch(old, patch)
            elif request.content_type == _MERGE_PATCH:
                patched = merge_patch(old, patch)
            else:
                patched = strategic_merge(old, patch, resource.schema)
            if not isinstance(patched, dict):
                raise bad_request(f"the object provided is unrecognized (must be of type {resource.kind})")
            try:
                decoded, complaints = decode(resource, patched)
                warnings.extend(_judge(request, resource, complaints))
            except ApiError as refused:
                cause = invalid_value("patch", patch, refused.message)
                raise ApiError(422, "Invalid", cause.message, {"causes": [cause.payload()]}) from None
            return decoded

        return change

    async def _scale(self, request: web.Request, info: RequestInfo) -> web.Response:
        if info.verb == "get":
            found = scaling.read(self.operations, info.resource, info.namespace, info.name)
            return _rendered(request, scaling.SCALE, [found], found)
        if info.verb not in ("update", "patch"):
            raise method_not_allowed()
        _check_options(request, info.verb)
        body, write, warnings = await request.read(), _write_of(request, info), list[str]()
        if info.verb == "patch":
            change = self._change(request, scaling.SCALE, body, warnings)
        else:
            asked, complaints = decode(scaling.SCALE, parse_body(body, request.content_type, scaling.SCALE.kind))
            warnings += _judge(request, scaling.SCALE, complaints)

            def change(_old: Object) -> Object:
                return asked

        scaled = scaling.change(self.operations, info.resource, info.namespace, info.name, change, write)
        return web.json_response(scaled, headers=_warned(warnings))

    def _apply(self, request: web.Request, info: RequestInfo, body: Any, write: Write) -> web.Response:
        if not request.query.get("fieldManager"):
            cause = required("fieldManager", "is required for apply patch")
            raise invalid("PatchOptions", "meta.k8s.io", "", [cause])
        if not isinstance(body, dict) or not body.get("kind") or not body.get("apiVersion"):
            raise bad_request("invalid object type: /, Kind=")
        resource = info.resource
        applied, complaints = decode(resource, body)
        if unknown := [one for one in complaints if one.startswith("unknown")]:
            # Applying needs a schema for every field, whatever fieldValidation says.
            field = unknown[0].split('"')[1]
            group_version = f"{resource.group}/{resource.version}, Kind={resource.kind}"
            name = f"{body.get('metadata', {}).get('namespace', '')}/{info.name}"
            message = (
                f"failed to create typed patch object ({name}; {group_version}): .{field}: field not declared in schema"
            )
            raise ApiError(500, "", message)
        warnings = _judge(request, resource, complaints)
        force = is_set(request.query, "force")
        stored, created = self.operations.apply(resource, info.namespace, info.name, applied, write, force=force)
        return web.json_response(stored, status=201 if created else 200, headers=_warned(warnings))

    def _bind(self, info: RequestInfo, binding: Object) -> web.Response:
        if binding.get("metadata", {}).get("name") != info.name:
            raise bad_request("name in URL does not match name in Binding object")
        pod = self.operations.get(PODS, info.namespace, info.name)
        if assigned := pod["spec"].get("nodeName"):
            raise conflict(PODS, info.name, f'pod {info.name} is already assigned to node "{assigned}"')
        scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": timestamp()}
        status = pod.get("status", {})
        others = [one for one in status.get("conditions", []) if one["type"] != "PodScheduled"]
        spec = {**pod["spec"], "nodeName": binding["target"]["name"]}
        self.store.put(PODS, {**pod, "spec": spec, "status": {**status, "conditions": [*others, scheduled]}})
        success: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
        return web.json_response(success, status=201)


def _typed_list(resource: Resource, objects: list[Object], metadata: Object) -> Object:
    """Items of a typed list carry no kind of their own."""
    items = [{name: value for name, value in obj.items() if name not in ("kind", "apiVersion")} for obj in objects]
    head: Object = {"kind": f"{resource.kind}List", "apiVersion": resource.group_version}
    return {**head, "metadata": metadata, "items": items}


def _write_of(request: web.Request, info: RequestInfo) -> Write:
    agent = request.headers.get("User-Agent", "").partition("/")[0]
    manager = request.query.get("fieldManager") or agent or "unknown"
    return Write(manager, request.query.get("dryRun") == "All", info.subresource)


def _check_options(request: web.Request, verb: str) -> None:
    causes = []
    dry_run, validation = request.query.get("dryRun"), request.query.get("fieldValidation", "")
    if dry_run not in (None, "", "All"):
        causes.append(unsupported("dryRun", [dry_run], ["All"]))
    if validation not in _FIELD_VALIDATION:
        causes.append(unsupported("fieldValidation", validation, _FIELD_VALIDATION))
    if verb == "patch" and request.content_type != _APPLY and "force" in request.query:
        causes.append(forbidden_field("force", "may not be specified for non-apply patch"))
    if causes:
        raise invalid(_OPTIONS[verb], "meta.k8s.io", "", causes)


def _judge(request: web.Request, resource: Resource, complaints: list[str]) -> list[str]:
    """Strict refuses, Warn (which is the default) warns, Ignore says nothing."""
    validation = request.query.get("fieldValidation") or "Warn"
    if complaints and validation == "Strict":
        raise strict_error(resource, complaints)
    return complaints if validation == "Warn" else []


def _warned(warnings: list[str]) -> dict[str, str]:
    if not warnings:
        return {}
    texts = [warning.replace("\\", "\\\\").replace('"', '\\"') for warning in dict.fromkeys(warnings)]
    return {"Warning": ", ".join(f'299 - "{text}"' for text in texts)}


def _wants_table(request: web.Request) -> bool:
    accepted = request.headers.get("Accept", "").replace(" ", "").split(",")[0]
    return "as=Table" in accepted and "g=meta.k8s.io" in accepted


def _rendered(
    request: web.Request, resource: Resource, objects: list[Object], plain: Object, metadata: Object | None = None
) -> web.Response:
    if not _wants_table(request):
        return web.json_response(plain)
    whole = request.query.get("includeObject") == "Object"
    version = metadata or {"resourceVersion": objects[0]["metadata"]["resourceVersion"]}
    return web.json_response(table_of(resource, objects, version, whole_objects=whole))
