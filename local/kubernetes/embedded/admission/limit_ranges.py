"""LimitRange: what a pod's containers get where they ask for nothing, and how much or little may be asked for.

Source: k8s.io/kubernetes plugin/pkg/admission/limitranger/admission.go.
"""

from collections.abc import Iterator
from typing import Any

from local.kubernetes.embedded.admission.usage import number, usage_of, written
from local.kubernetes.embedded.errors import forbidden
from local.kubernetes.embedded.resources import LIMIT_RANGES, PERSISTENT_VOLUME_CLAIMS, PODS, Resource
from local.kubernetes.embedded.store import Store

Object = dict[str, Any]


def complete(store: Store, resource: Resource, namespace: str, obj: Object) -> None:
    if resource is not PODS:
        return
    notes = []
    for limit in _limits(store, namespace, "Container"):
        for container in _containers(obj["spec"]):
            resources = container.setdefault("resources", {})
            for kind, key in (("requests", "defaultRequest"), ("limits", "default")):
                own, defaults = resources.get(kind) or {}, limit.get(key) or {}
                if added := sorted(defaults.keys() - own.keys()):
                    resources[kind] = {**defaults, **own}
                    notes.append(f"{', '.join(added)} {kind[:-1]} for container {container['name']}")
    if notes:
        annotations = obj["metadata"].setdefault("annotations", {})
        annotations["kubernetes.io/limit-ranger"] = f"LimitRanger plugin set: {'; '.join(notes)}"


def validate(store: Store, resource: Resource, namespace: str, obj: Object) -> None:
    """Raises ApiError Forbidden, naming every bound that is not kept."""
    if resource is PODS:
        found = [
            each
            for limit in _limits(store, namespace, "Container")
            for container in _containers(obj["spec"])
            for each in _broken(limit, container.get("resources") or {})
        ]
        whole = _of_pod(obj)
        found += [each for limit in _limits(store, namespace, "Pod") for each in _broken(limit, whole)]
    elif resource is PERSISTENT_VOLUME_CLAIMS:
        asked = obj["spec"].get("resources") or {}
        found = [each for limit in _limits(store, namespace, "PersistentVolumeClaim") for each in _claim(limit, asked)]
    else:
        return
    if found:
        why = found[0] if len(found) == 1 else f"[{', '.join(dict.fromkeys(found))}]"
        raise forbidden(resource, obj["metadata"]["name"], why)


def _limits(store: Store, namespace: str, kind: str) -> Iterator[Object]:
    for limit_range in store.select(LIMIT_RANGES, namespace):
        yield from (limit for limit in limit_range["spec"].get("limits") or [] if limit["type"] == kind)


def _containers(spec: Object) -> list[Object]:
    return [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]


def _of_pod(obj: Object) -> Object:
    usage = usage_of(obj)
    return {
        kind: {
            name.partition(".")[2]: written(name, amount)
            for name, amount in usage.items()
            if name.startswith(f"{kind}.")
        }
        for kind in ("requests", "limits")
    }


def _broken(limit: Object, resources: Object) -> Iterator[str]:
    requests, limits, of = resources.get("requests") or {}, resources.get("limits") or {}, limit["type"]
    for name, least in (limit.get("min") or {}).items():
        bound = f"minimum {name} usage per {of} is {least}"
        if name not in requests:
            yield f"{bound}.  No request is specified"
        elif number(requests[name]) < number(least):
            yield f"{bound}, but request is {requests[name]}"
        elif name in limits and number(limits[name]) < number(least):
            yield f"{bound}, but limit is {limits[name]}"
    for name, most in (limit.get("max") or {}).items():
        bound = f"maximum {name} usage per {of} is {most}"
        if name not in limits:
            yield f"{bound}.  No limit is specified"
        elif number(limits[name]) > number(most):
            yield f"{bound}, but limit is {limits[name]}"
        elif name in requests and number(requests[name]) > number(most):
            yield f"{bound}, but request is {requests[name]}"


def _claim(limit: Object, resources: Object) -> Iterator[str]:
    """A claim has requests only."""
    requests = resources.get("requests") or {}
    yield from _broken({**limit, "max": {}}, {"requests": requests})
    for name, most in (limit.get("max") or {}).items():
        if number(requests.get(name, 0)) > number(most):
            yield f"maximum {name} usage per {limit['type']} is {most}, but request is {requests[name]}"
