"""ResourceQuota: what pods and claims of a namespace may use together, and each pod's duty to say what it uses.

Its status is the controller's work, as on a real cluster: until that has run, a quota holds nothing back.
Source: k8s.io/apiserver pkg/admission/plugin/resourcequota/controller.go; k8s.io/kubernetes
pkg/quota/v1/evaluator/core.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from local.kubernetes.embedded.admission.usage import number, usage_of, written
from local.kubernetes.embedded.errors import forbidden
from local.kubernetes.embedded.resources import RESOURCE_QUOTAS, Resource
from local.kubernetes.embedded.store import Store

Object = dict[str, Any]
_TO_BE_SPECIFIED = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")


def charge(store: Store, resource: Resource, namespace: str, obj: Object, *, dry_run: bool) -> None:
    """Raises ApiError Forbidden; a new object that fits is added to what its quotas have used, unless it is a trial."""
    usage = usage_of(obj) if resource.namespaced else {}
    if not usage:
        return
    charged = []
    for quota in store.select(RESOURCE_QUOTAS, namespace):
        status = quota.get("status") or {}
        hard = {name: value for name, value in (status.get("hard") or {}).items() if name in _countable(obj, usage)}
        if not hard:
            continue
        name, kept = quota["metadata"]["name"], status.get("used") or {}
        if missing := _unspecified(obj, hard):
            raise forbidden(resource, obj["metadata"]["name"], f"failed quota: {name}: must specify {missing}")
        if not hard.keys() <= kept.keys():
            unknown = f"status unknown for quota: {name}, resources: {','.join(sorted(hard))}"
            raise forbidden(resource, obj["metadata"]["name"], unknown)
        asked = {each: usage[each] for each in hard if usage.get(each)}
        used = {each: number(kept[each]) + asked[each] for each in asked}
        exceeded = [each for each in sorted(asked) if used[each] > number(hard[each])]
        if exceeded:
            shown = (
                ",".join(f"{each}={amounts[each]}" for each in exceeded)
                for amounts in ({one: written(one, asked[one]) for one in exceeded}, kept, hard)
            )
            requested, already, limited = shown
            why = f"exceeded quota: {name}, requested: {requested}, used: {already}, limited: {limited}"
            raise forbidden(resource, obj["metadata"]["name"], why)
        charged.append((quota, {**kept, **{each: written(each, amount) for each, amount in used.items()}}))
    for quota, used_now in [] if dry_run else charged:
        store.put(RESOURCE_QUOTAS, {**quota, "status": {**quota["status"], "used": used_now}})


def _countable(obj: Object, usage: Mapping[str, Decimal]) -> set[str]:
    """Of a pod also what it does not say: not to say it is its fault."""
    return {*usage, *(_TO_BE_SPECIFIED if obj["kind"] == "Pod" else ())}


def _unspecified(obj: Object, hard: Mapping[str, Any]) -> str:
    """'limits.cpu for: writer; limits.memory for: writer', in the words of the pod evaluator."""
    if obj["kind"] != "Pod":
        return ""
    missing: dict[str, list[str]] = {}
    for container in [*(obj["spec"].get("containers") or []), *(obj["spec"].get("initContainers") or [])]:
        resources = container.get("resources") or {}
        for name in sorted(set(hard) & set(_TO_BE_SPECIFIED)):
            kind, _, what = name.rpartition(".")
            if what not in (resources.get(kind or "requests") or {}):
                missing.setdefault(name, []).append(container["name"])
    return "; ".join(f"{name} for: {','.join(sorted(containers))}" for name, containers in sorted(missing.items()))
