"""How much of what a quota counts one object takes; asked by admission and by the controller that keeps the status.

Source: k8s.io/kubernetes pkg/quota/v1/evaluator/core (pods.go, persistent_volume_claims.go).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from local.kubernetes.embedded.quantities import canonical_quantity, quantity_value

Object = dict[str, Any]
_GROUPS = {"Deployment": "deployments.apps", "ReplicaSet": "replicasets.apps", "Pod": "pods", "ConfigMap": "configmaps"}
_COMPUTE = ("cpu", "memory", "ephemeral-storage")


def usage_of(obj: Object) -> dict[str, Decimal]:
    """Name as in a quota's spec.hard -> amount; a pod that has finished takes nothing but its place in the store."""
    match obj["kind"]:
        case "Pod":
            finished = (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed")
            return {"count/pods": Decimal(1), **({} if finished else _pod(obj["spec"]))}
        case "PersistentVolumeClaim":
            return _claim(obj["spec"])
        case kind if kind in _GROUPS:
            return {f"count/{_GROUPS[kind]}": Decimal(1), **({"configmaps": Decimal(1)} if kind == "ConfigMap" else {})}
    return {}


def written(name: str, amount: Decimal) -> str:
    """As the API shows it: bytes in powers of 1024, everything else in tens."""
    is_bytes = name.rpartition(".")[2] in ("memory", "storage", "ephemeral-storage")
    if is_bytes and amount and amount % 1024 == 0:
        return canonical_quantity(f"{amount / 1024:f}Ki") or ""
    return canonical_quantity(f"{amount:f}") or ""


def number(quantity: object) -> Decimal:
    return quantity_value(quantity) or Decimal(0)


def _pod(spec: Object) -> dict[str, Decimal]:
    usage = {"pods": Decimal(1)}
    for kind in ("requests", "limits"):
        total = _totals(spec, kind)
        usage |= {f"{kind}.{name}": amount for name, amount in total.items()}
        if kind == "requests":
            usage |= total
    return usage


def _totals(spec: Object, kind: str) -> dict[str, Decimal]:
    """Containers run together, init containers one by one before them."""
    together: dict[str, Decimal] = {}
    for container in spec.get("containers") or []:
        for name, amount in _asked(container, kind).items():
            together[name] = together.get(name, Decimal(0)) + amount
    for container in spec.get("initContainers") or []:
        for name, amount in _asked(container, kind).items():
            together[name] = max(together.get(name, Decimal(0)), amount)
    return together


def _asked(container: Object, kind: str) -> Mapping[str, Decimal]:
    asked = (container.get("resources") or {}).get(kind) or {}
    return {name: number(asked[name]) for name in _COMPUTE if name in asked}


def _claim(spec: Object) -> dict[str, Decimal]:
    storage = number(((spec.get("resources") or {}).get("requests") or {}).get("storage", 0))
    count, usage = Decimal(1), {"requests.storage": storage}
    if storage_class := spec.get("storageClassName"):
        of_class = f"{storage_class}.storageclass.storage.k8s.io"
        usage |= {f"{of_class}/requests.storage": storage, f"{of_class}/persistentvolumeclaims": count}
    return {**usage, "persistentvolumeclaims": count, "count/persistentvolumeclaims": count}
