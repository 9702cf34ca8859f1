"""The subresource scale of Deployments and ReplicaSets."""

from __future__ import annotations

from typing import Any

from tests.kubernetes.differential import JSON_PATCH, MERGE, STRATEGIC, Conversation, case
from tests.kubernetes.manifests import NAMESPACED, changed, manifest


def scale(api: Conversation, replicas: int, name: str = "d", **metadata: Any) -> dict[str, Any]:
    place = {"name": name, "namespace": api.name, **metadata}
    return {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": place, "spec": {"replicas": replicas}}


def _scales(kind: str) -> None:
    path = NAMESPACED[kind]
    item, scaled = f"{path}/d", f"{path}/d/scale"

    @case(f"a {kind} is scaled by a merge patch, as kubectl sends it, and owns up to it")
    def merge(api: Conversation) -> None:
        api.send("POST", path, manifest(kind, "d", api.name))
        api.send("GET", scaled)
        api.send("PATCH", f"{scaled}?fieldManager=kubectl", {"spec": {"replicas": 4}}, content_type=MERGE)
        api.send("GET", item)
        api.send("PATCH", f"{scaled}?fieldManager=kubectl", {"spec": {"replicas": 0}}, content_type=MERGE)
        api.send("GET", scaled)
        api.send("GET", item)

    @case(f"a {kind} is scaled by other patches and by a whole Scale")
    def others(api: Conversation) -> None:
        api.send("POST", path, manifest(kind, "d", api.name))
        replace = [{"op": "replace", "path": "/spec/replicas", "value": 3}]
        api.send("PATCH", f"{scaled}?fieldManager=m", replace, content_type=JSON_PATCH)
        api.send("PATCH", f"{scaled}?fieldManager=m", {"spec": {"replicas": 2}}, content_type=STRATEGIC)
        api.send("PUT", f"{scaled}?fieldManager=m", scale(api, 5))
        api.send("PUT", f"{scaled}?dryRun=All", scale(api, 6))
        api.send("GET", item)

    @case(f"a Scale of a {kind} that is old, wrong or of something else is refused")
    def refused(api: Conversation) -> None:
        made = api.send("POST", path, manifest(kind, "d", api.name))
        version = made["metadata"]["resourceVersion"]
        api.send("PUT", scaled, scale(api, 2, resourceVersion=version))
        api.send("PUT", scaled, scale(api, 3, resourceVersion=version))
        api.send("PUT", scaled, scale(api, -1))
        api.send("PATCH", scaled, {"spec": {"replicas": -1}}, content_type=MERGE)
        for content_type in (MERGE, STRATEGIC):
            api.send("PATCH", scaled, {"spec": {"replicas": "many"}}, content_type=content_type)
            api.send("PATCH", item, {"spec": {"replicas": "many"}}, content_type=content_type)
        api.send("PATCH", f"{scaled}?fieldValidation=Strict", {"spec": {"colour": 1}}, content_type=MERGE)
        api.send("PUT", scaled, scale(api, 1, name="other"))
        api.send("PUT", scaled, manifest(kind, "d", api.name))
        api.send("POST", scaled, scale(api, 1))
        api.send("DELETE", scaled)

    @case(f"a missing {kind} cannot be scaled")
    def missing(api: Conversation) -> None:
        api.send("GET", f"{path}/missing/scale")
        api.send("PUT", f"{path}/missing/scale", scale(api, 1, name="missing"))
        api.send("PATCH", f"{path}/missing/scale", {"spec": {"replicas": 1}}, content_type=MERGE)

    @case(f"who may view a {kind} may see its scale, and who may edit it may change that")
    def roles(api: Conversation) -> None:
        api.send("POST", path, manifest(kind, "d", api.name))
        for role in ("viewer", "viewer-of-all", "editor", "no-policy"):
            api.send("GET", scaled, token=api.tokens[role])
            api.send("PATCH", scaled, {"spec": {"replicas": 2}}, content_type=MERGE, token=api.tokens[role])

    @case(f"the scale of a {kind} says which pods it counts")
    def expressions(api: Conversation) -> None:
        labels = {"a": "1", "b": "2"}
        expressions = [
            {"key": "b", "operator": "In", "values": ["2", "1"]},
            {"key": "c", "operator": "DoesNotExist"},
            {"key": "a", "operator": "Exists"},
        ]
        body = changed(manifest(kind, "d", api.name), "spec.selector", {"matchExpressions": expressions})
        api.send("POST", path, changed(body, "spec.template.metadata.labels", labels))
        api.send("GET", scaled)


for each in ("Deployment", "ReplicaSet"):
    _scales(each)


@case("only what has replicas has a scale")
def without(api: Conversation) -> None:
    api.send("POST", NAMESPACED["Pod"], manifest("Pod", "p", api.name))
    api.send("GET", f"{NAMESPACED['Pod']}/p/scale")
